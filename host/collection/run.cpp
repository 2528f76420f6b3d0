// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/collection/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "block_file.hpp"
#include "block_matcher.hpp"
#include "journal.hpp"
#include "twinpatch/core/file.hpp"
#include "twinpatch/core/work_stage.hpp"

namespace twinpatch {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

std::int64_t comparisons_of(const std::vector<const Block*>& blocks) {
  std::int64_t sum = 0;
  for (const Block* block : blocks) sum += block->comparisons;
  return sum;
}

/// The folder's plan, made where there is none. Several shards may come at once: all write the same bytes.
void settle_plan(const CollectionPlan& plan, const std::filesystem::path& folder) {
  std::error_code failure;
  std::filesystem::create_directories(folder / "blocks", failure);
  if (failure) throw IoError((folder / "blocks").string(), "cannot create the folder", failure.value());
  const auto path = folder / "plan.json";
  if (std::filesystem::exists(path)) {
    check_same_plan(plan, read_plan(path), folder);
  } else {
    write_plan(path, plan);
  }
}

/// Whether the block's file is there and intact; the journal is brought up to date with it.
bool is_done(const CollectionPlan& plan, const Block& block, const std::filesystem::path& folder, Journal& journal,
             RunEvents* events) {
  const auto path = block_path(folder, plan, block);
  if (!std::filesystem::exists(path)) return false;
  try {
    const ReadBlock read = read_block(path, plan, block);
    const std::string id = plan.block_id(block);
    const JournalEntry* const entry = journal.find(id);
    if (entry != nullptr && entry->checksum != read.checksum) {
      throw FormatError(
          path.string(), -1,
          fmt::format("its checksum is {:016x}, the journal has {:016x}", read.checksum, entry->checksum));
    }
    if (entry == nullptr) {  // killed between the file's rename and the journal's line
      journal.append({id, read.checksum, std::ssize(read.result.pairs), std::ssize(read.result.matches), 0});
    }
    return true;
  } catch (const FormatError& error) {
    if (events != nullptr) events->block_damaged(block, error.what());
    return false;
  }
}

std::vector<const Block*> blocks_to_do(const CollectionPlan& plan, const RunPlaces& places, BlockRange range,
                                       Journal& journal, RunEvents* events, const RunControl& control) {
  std::vector<const Block*> todo;
  const WorkStage stage(control, "check", range.end - range.begin, "blocks");
  for (std::int64_t n = range.begin; n < range.end; ++n) {
    control.check();
    const Block& block = plan.blocks[static_cast<std::size_t>(n)];
    if (!is_done(plan, block, places.folder, journal, events)) todo.push_back(&block);
    control.advance(1);
  }
  return todo;
}

}  // namespace

RunStatistics match_collection(Engine& engine, Engine* rerank, const ImageSource& source, const PairSelection& pairs,
                               const CollectionPlan& plan, const PairSink& sink,
                               const std::filesystem::path& descriptors, const RunControl& control) {
  const auto start = Clock::now();
  BlockMatcher matcher(engine, rerank, source, pairs, plan, descriptors, nullptr, control);
  const WorkStage stage(control, "match", plan.comparisons(), "pairs");
  for (std::size_t n = 0; n < plan.blocks.size(); ++n) {
    matcher.match(plan.blocks[n], n + 1 < plan.blocks.size() ? &plan.blocks[n + 1] : nullptr, sink);
  }
  RunStatistics statistics = matcher.statistics();
  statistics.blocks = std::ssize(plan.blocks);
  statistics.seconds = seconds_since(start);
  return statistics;
}

RunStatistics run_collection(Engine& engine, Engine* rerank, const ImageSource& source, const PairSelection& pairs,
                             const CollectionPlan& plan, const RunPlaces& places, const Shard& shard, RunEvents* events,
                             const RunControl& control) {
  const auto start = Clock::now();
  settle_plan(plan, places.folder);
  Journal journal(places.folder, shard);
  const BlockRange range = shard_blocks(plan, shard);
  const std::vector<const Block*> todo = blocks_to_do(plan, places, range, journal, events, control);

  BlockMatcher matcher(engine, rerank, source, pairs, plan, places.descriptors, events, control);
  const WorkStage stage(control, "match", comparisons_of(todo), "pairs");
  for (std::size_t n = 0; n < todo.size(); ++n) {
    const auto block_start = Clock::now();
    BlockResult result;
    matcher.match(*todo[n], n + 1 < todo.size() ? todo[n + 1] : nullptr,
                  [&](ImagePair pair, std::span<const Match> matches) {
                    result.pairs.push_back({pair, static_cast<std::int32_t>(matches.size())});
                    result.matches.insert(result.matches.end(), matches.begin(), matches.end());
                  });
    const std::string id = plan.block_id(*todo[n]);
    const std::uint64_t sum = write_block(block_path(places.folder, plan, *todo[n]), plan, *todo[n], result);
    const double seconds = seconds_since(block_start);
    journal.append({id, sum, std::ssize(result.pairs), std::ssize(result.matches), seconds});
    if (events != nullptr) events->block_done(*todo[n], id, std::ssize(result.matches), seconds);
  }
  RunStatistics statistics = matcher.statistics();
  statistics.blocks = range.end - range.begin;
  statistics.blocks_found = statistics.blocks - std::ssize(todo);
  statistics.seconds = seconds_since(start);
  return statistics;
}

}  // namespace twinpatch
