// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/collection/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <optional>
#include <utility>

#include "background.hpp"
#include "block_file.hpp"
#include "block_matcher.hpp"
#include "earlier_results.hpp"
#include "journal.hpp"
#include "planned_work.hpp"
#include "shard_hosts.hpp"
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
void settle_plan(const CollectionPlan& plan, const std::filesystem::path& folder) {
  std::error_code failure;
  std::filesystem::create_directories(folder / "blocks", failure);
  if (failure) throw IoError((folder / "blocks").string(), "cannot create the folder", failure.value());
  const auto path = folder / "plan.json";
  if (std::filesystem::exists(path)) {
    const CollectionPlan found = read_plan(path);
    if (found.id == plan.id) return;
    const bool continues = std::ranges::find(plan.generations, found.id) != plan.generations.end();
    if (!continues) check_same_plan(plan, found, folder);  // throws: the ids differ
  }
  write_plan(path, plan);
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

  /// Writes the block beside what comes next, and calls `written` there then. `work`: runs since the work on the block
  /// began. Tells of the blocks before it. Throws what writing one of them threw.
  void add(const Block& block, BlockResult result, const Stopwatch& work, std::function<void()> written) {
    writer_.finish();
    tell();
    writer_.run([this, &block, result = std::move(result), work, written = std::move(written)] {
      const std::string id = plan_.block_id(block);
      const std::uint64_t checksum = write_block(block_path(folder_, plan_, block), plan_, block, result);
      done_ = {&block, {id, checksum, std::ssize(result.pairs), std::ssize(result.matches), work.seconds()}};
      journal_.append(done_->entry);
      written();
    });
  }
  /// Notes that this host works on the shard. Throws PlanMismatch where another one has computed other bits.
  void settle_host(const CollectionWork& work) {
    ShardHost here = this_host(work);
    std::vector<ShardHost> hosts = hosts_of(std::span(&folder_, 1));
    const bool is_known = std::ranges::any_of(hosts, [&](const ShardHost& host) {
      return host.device == here.device && host.fingerprint == here.fingerprint &&
             host.journal == journal_.path().string();
    });
    hosts.push_back(here);
    check_same_bits(hosts);
    if (!is_known) journal_.append(here);
  }
  /// Waits until the last one is written, and tells of it. Throws what writing it threw.
  void finish() {
    writer_.finish();
    tell();
  }
  /// The same where the run ends by another error.
  void finish_quietly() {
    try {
      finish();
    } catch (const Error&) {  // the first error is the one to know of
    }
  }
  [[nodiscard]] double writing() const { return writer_.busy(); }

 private:
  const CollectionPlan& plan_;
  const std::filesystem::path& folder_;
  Journal journal_;
  RunEvents* events_;
  struct Done {
    const Block* block;
    JournalEntry entry;
  };
  /// Calls come from the thread that runs the collection, while nothing is being written.
  void tell() {
    const std::optional<Done> done = std::exchange(done_, std::nullopt);
    if (done && events_ != nullptr) {
      events_->block_done(*done->block, done->entry.id, done->entry.matches, done->entry.seconds);
    }
  }
  std::optional<Done> done_;  ///< written, and nobody was told
  Background writer_{1};      ///< last: its tasks use what is above
};

std::vector<const Block*> unfinished(const CollectionPlan& plan, const Shard& shard, FinishedBlocks& finished,
                                     const RunControl& control) {
  const std::vector<std::int64_t> shares = shard_blocks(plan, shard);
  std::vector<const Block*> blocks;
  const WorkStage stage(control, "check", std::ssize(shares), "blocks");
  for (const std::int64_t n : shares) {
    control.check();
    const Block& block = plan.blocks[static_cast<std::size_t>(n)];
    if (!finished.has(block)) blocks.push_back(&block);
    control.advance(1);
  }
  return blocks;
}

/// A block and what is left to do of it.
struct OpenBlock {
  std::vector<ImagePair> pairs;
  BlockResult found;               ///< by earlier generations
  std::vector<ImagePair> missing;  ///< the other pairs
};

OpenBlock open_block(const CollectionWork& work, const EarlierResults& earlier, const Block* block) {
  if (block == nullptr) return {};
  OpenBlock open{work.pairs.within(block->rows, block->columns), {}, {}};
  open.found = earlier.find(*block, open.pairs);
  std::ranges::copy_if(open.pairs, std::back_inserter(open.missing), [&](const ImagePair& pair) {
    return !std::ranges::binary_search(open.found.pairs, pair, {}, &BlockResult::Pair::images);
  });
  return open;
}

/// The matches of pairs; `next`: those that come after them.
BlockResult match_pairs(BlockMatcher& matcher, const std::vector<ImagePair>& pairs,
                        const std::vector<ImagePair>& next) {
  BlockResult result;
  matcher.match(pairs, next, [&](const FoundPair& found) {
    const auto count = static_cast<std::int32_t>(found.matches.size());
    result.pairs.push_back({found.pair, found.dropped ? BlockResult::kDropped : count});
    result.matches.insert(result.matches.end(), found.matches.begin(), found.matches.end());
  });
  return result;
}

}  // namespace

std::pair<const char*, double> StageSeconds::slowest() const {
  const std::pair<const char*, double> all[] = {{"read", read},   {"describe", describe}, {"sample", sample},
                                                {"match", match}, {"guided", guided},     {"rescore", rescore},
                                                {"write", write}};
  return *std::ranges::max_element(all, {}, [](const auto& stage) { return stage.second; });
}

CollectionStatistics match_collection(const CollectionWork& given, const PairSink& sink,
                                      const std::filesystem::path& descriptors, const RunControl& control) {
  const Stopwatch watch;
  const PlannedWork planned(given);
  const CollectionWork& work = planned.work();
  const CollectionPlan& plan = work.plan;
  BlockMatcher matcher(work, descriptors, nullptr, control);
  const WorkStage stage(control, "match", plan.comparisons(), "pairs");
  const auto pairs_of = [&](std::size_t n) {
    return n < plan.blocks.size() ? work.pairs.within(plan.blocks[n].rows, plan.blocks[n].columns)
                                  : std::vector<ImagePair>();
  };
  std::vector<ImagePair> pairs = pairs_of(0);
  for (std::size_t n = 0; n < plan.blocks.size(); ++n) {
    std::vector<ImagePair> next = pairs_of(n + 1);
    matcher.match(pairs, next, [&](const FoundPair& found) { sink(found.pair, found.matches); });
    pairs = std::move(next);
  }
  matcher.finish();
  CollectionStatistics statistics = matcher.statistics();
  statistics.blocks = std::ssize(plan.blocks);
  statistics.seconds = watch.seconds();
  return statistics;
}

CollectionStatistics run_collection(const CollectionWork& given, const RunPlaces& places, const Shard& shard,
                                    RunEvents* events, const RunControl& control) {
  const Stopwatch watch;
  const PlannedWork planned(given);
  const CollectionWork& work = planned.work();
  settle_plan(work.plan, places.folder);
  FinishedBlocks finished(work.plan, places.folder, shard, events);
  const std::vector<const Block*> todo = unfinished(work.plan, shard, finished, control);
  if (!todo.empty() && work.plan.keypoints() > 0) finished.settle_host(work);
  const EarlierResults earlier(work.plan, places.folder);
  const auto open = [&](std::size_t n) { return open_block(work, earlier, n < todo.size() ? todo[n] : nullptr); };

  BlockMatcher matcher(work, places.descriptors, events, control);
  const WorkStage stage(control, "match", comparisons_of(todo), "pairs");
  try {
    OpenBlock now = open(0);
    for (std::size_t n = 0; n < todo.size(); ++n) {
      const Stopwatch block_watch;
      OpenBlock next = open(n + 1);
      BlockResult made = match_pairs(matcher, now.missing, next.missing);
      if (!now.found.pairs.empty()) made = merged(now.found, made);
      finished.add(*todo[n], std::move(made), block_watch, [&earlier, block = todo[n], pairs = std::move(now.pairs)] {
        earlier.remove_superseded(*block, pairs);
      });
      now = std::move(next);
    }
    matcher.finish();
  } catch (...) {
    finished.finish_quietly();
    throw;
  }
  finished.finish();
  CollectionStatistics statistics = matcher.statistics();
  statistics.stages.write += finished.writing();
  statistics.blocks = std::ssize(shard_blocks(work.plan, shard));
  statistics.blocks_found = statistics.blocks - std::ssize(todo);
  statistics.seconds = watch.seconds();
  return statistics;
}

}  // namespace twinpatch
