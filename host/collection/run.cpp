// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/collection/run.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "adopt_blocks.hpp"
#include "block_file.hpp"
#include "block_matcher.hpp"
#include "journal.hpp"
#include "twinpatch/core/file.hpp"
#include "twinpatch/core/stopwatch.hpp"
#include "twinpatch/core/work_stage.hpp"

namespace twinpatch {
namespace {

std::int64_t comparisons_of(const std::vector<const Block*>& blocks) {
  std::int64_t sum = 0;
  for (const Block* block : blocks) sum += block->comparisons;
  return sum;
}

/// The folder's plan, made where there is none. Several shards may come at once: all write the same bytes.
void settle_plan(const CollectionWork& work, const RunPlaces& places, RunEvents* events, const RunControl& control) {
  const CollectionPlan& plan = work.plan;
  const std::filesystem::path& folder = places.folder;
  std::error_code failure;
  std::filesystem::create_directories(folder / "blocks", failure);
  if (failure) throw IoError((folder / "blocks").string(), "cannot create the folder", failure.value());
  const auto path = folder / "plan.json";
  if (!std::filesystem::exists(path)) return write_plan(path, plan);
  const CollectionPlan found = read_plan(path);
  if (found.id == plan.id) return;
  const bool accepted =
      places.accept_changes ? differ_in_content_alone(plan, found) : differ_in_left_out_alone(plan, found);
  if (!accepted) check_same_plan(plan, found, folder);  // throws: the ids differ
  const std::int64_t adopted = adopt_blocks(work, found, folder, control);
  write_plan(path, plan);  // until now the folder is that of the plan that was found
  remove_blocks(found, folder);
  if (events != nullptr) events->blocks_adopted(adopted);
}

/// The finished blocks of a run: files in its folder, and the journal of one shard.
class FinishedBlocks {
 public:
  FinishedBlocks(const CollectionPlan& plan, const std::filesystem::path& folder, const Shard& shard, RunEvents* events)
      : plan_(plan), folder_(folder), journal_(folder, shard), events_(events) {}

  /// Whether the block's file is there and intact; the journal is brought up to date with it.
  bool has(const Block& block) {
    const auto path = block_path(folder_, plan_, block);
    if (!std::filesystem::exists(path)) return false;
    try {
      const ReadBlock read = read_block(path, plan_, block);
      const std::string id = plan_.block_id(block);
      const JournalEntry* const entry = journal_.find(id);
      if (entry != nullptr && entry->checksum != read.checksum) {
        throw FormatError(
            path.string(), -1,
            fmt::format("its checksum is {:016x}, the journal has {:016x}", read.checksum, entry->checksum));
      }
      if (entry == nullptr) {  // killed between the file's rename and the journal's line
        journal_.append({id, read.checksum, std::ssize(read.result.pairs), std::ssize(read.result.matches), 0});
      }
      return true;
    } catch (const FormatError& error) {
      if (events_ != nullptr) events_->block_damaged(block, error.what());
      return false;
    }
  }

  /// `work`: runs since the work on the block began.
  void add(const Block& block, const BlockResult& result, const Stopwatch& work) {
    const std::string id = plan_.block_id(block);
    const std::uint64_t checksum = write_block(block_path(folder_, plan_, block), plan_, block, result);
    const double seconds = work.seconds();
    journal_.append({id, checksum, std::ssize(result.pairs), std::ssize(result.matches), seconds});
    if (events_ != nullptr) events_->block_done(block, id, std::ssize(result.matches), seconds);
  }

 private:
  const CollectionPlan& plan_;
  const std::filesystem::path& folder_;
  Journal journal_;
  RunEvents* events_;
};

std::vector<const Block*> unfinished(const CollectionPlan& plan, BlockRange range, FinishedBlocks& finished,
                                     const RunControl& control) {
  std::vector<const Block*> blocks;
  const WorkStage stage(control, "check", range.end - range.begin, "blocks");
  for (std::int64_t n = range.begin; n < range.end; ++n) {
    control.check();
    const Block& block = plan.blocks[static_cast<std::size_t>(n)];
    if (!finished.has(block)) blocks.push_back(&block);
    control.advance(1);
  }
  return blocks;
}

/// The block's matches; `next`: the block after it, or null.
BlockResult match_block(BlockMatcher& matcher, const Block& block, const Block* next) {
  BlockResult result;
  matcher.match(block, next, [&](ImagePair pair, std::span<const Match> matches) {
    result.pairs.push_back({pair, static_cast<std::int32_t>(matches.size())});
    result.matches.insert(result.matches.end(), matches.begin(), matches.end());
  });
  return result;
}

}  // namespace

CollectionStatistics match_collection(const CollectionWork& work, const PairSink& sink,
                                      const std::filesystem::path& descriptors, const RunControl& control) {
  const Stopwatch watch;
  const CollectionPlan& plan = work.plan;
  BlockMatcher matcher(work, descriptors, nullptr, control);
  const WorkStage stage(control, "match", plan.comparisons(), "pairs");
  for (std::size_t n = 0; n < plan.blocks.size(); ++n) {
    matcher.match(plan.blocks[n], n + 1 < plan.blocks.size() ? &plan.blocks[n + 1] : nullptr, sink);
  }
  CollectionStatistics statistics = matcher.statistics();
  statistics.blocks = std::ssize(plan.blocks);
  statistics.seconds = watch.seconds();
  return statistics;
}

CollectionStatistics run_collection(const CollectionWork& work, const RunPlaces& places, const Shard& shard,
                                    RunEvents* events, const RunControl& control) {
  const Stopwatch watch;
  const CollectionPlan& plan = work.plan;
  settle_plan(work, places, events, control);
  FinishedBlocks finished(plan, places.folder, shard, events);
  const BlockRange range = shard_blocks(plan, shard);
  const std::vector<const Block*> todo = unfinished(plan, range, finished, control);

  BlockMatcher matcher(work, places.descriptors, events, control);
  const WorkStage stage(control, "match", comparisons_of(todo), "pairs");
  for (std::size_t n = 0; n < todo.size(); ++n) {
    const Stopwatch block_watch;
    const BlockResult result = match_block(matcher, *todo[n], n + 1 < todo.size() ? todo[n + 1] : nullptr);
    finished.add(*todo[n], result, block_watch);
  }
  CollectionStatistics statistics = matcher.statistics();
  statistics.blocks = range.end - range.begin;
  statistics.blocks_found = statistics.blocks - std::ssize(todo);
  statistics.seconds = watch.seconds();
  return statistics;
}

}  // namespace twinpatch
