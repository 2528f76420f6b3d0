// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "engine_state.hpp"

// Lists of pairs. Only patches that a pair mentions go through a tower, each once; pairs are then taken in order of
// their left patch, in chunks whose rows fit the run's memory, and their scores put back in the order of the list.

namespace twinpatch {
namespace {

/// Pairs between two reports of progress.
constexpr std::int64_t kReportedPairs = std::int64_t{1} << 20;

/// Numbers patches 0, 1, 2, … in the order in which they are first asked for.
class Numbering {
 public:
  explicit Numbering(std::int64_t patches) : numbers_(static_cast<std::size_t>(patches), -1) {}
  [[nodiscard]] bool knows(std::int32_t patch) const { return numbers_[static_cast<std::size_t>(patch)] >= 0; }
  std::int32_t number(std::int32_t patch) {
    std::int32_t& number = numbers_[static_cast<std::size_t>(patch)];
    if (number < 0) {
      number = static_cast<std::int32_t>(patches_.size());
      patches_.push_back(patch);
    }
    return number;
  }
  void clear() {
    for (const std::int32_t patch : patches_) numbers_[static_cast<std::size_t>(patch)] = -1;
    patches_.clear();
  }
  [[nodiscard]] std::int64_t count() const { return std::ssize(patches_); }
  [[nodiscard]] const std::vector<std::int32_t>& patches() const { return patches_; }

 private:
  std::vector<std::int32_t> numbers_;
  std::vector<std::int32_t> patches_;
};

/// Order of pairs by left, then right patch.
std::vector<std::int64_t> sorted_order(std::span<const IndexPair> pairs) {
  std::vector<std::int64_t> order(pairs.size());
  std::iota(order.begin(), order.end(), std::int64_t{0});
  const auto key = [&](std::int64_t i) {
    const IndexPair pair = pairs[static_cast<std::size_t>(i)];
    return std::pair(pair.left, pair.right);
  };
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) { return key(a) < key(b); });
  return order;
}

/// Pairs of one chunk, in order, with the numbers of their patches among those of the chunk.
struct Chunk {
  Chunk(std::int64_t left_patches, std::int64_t right_patches) : left(left_patches), right(right_patches) {}
  Numbering left;
  Numbering right;
  std::vector<IndexPair> pairs;
};

/// Takes pairs order[begin], order[begin + 1], … while no more than `most` patches are mentioned; returns the end.
std::int64_t fill(Chunk& chunk, std::span<const IndexPair> pairs, std::span<const std::int64_t> order,
                  std::int64_t begin, std::int64_t most) {
  chunk.left.clear();
  chunk.right.clear();
  chunk.pairs.clear();
  std::int64_t end = begin;
  for (; end < std::ssize(order); ++end) {
    const IndexPair pair = pairs[static_cast<std::size_t>(order[static_cast<std::size_t>(end)])];
    const int added = (chunk.left.knows(pair.left) ? 0 : 1) + (chunk.right.knows(pair.right) ? 0 : 1);
    if (chunk.left.count() + chunk.right.count() + added > most && end > begin) break;
    const std::int32_t left = chunk.left.number(pair.left);
    chunk.pairs.push_back({left, chunk.right.number(pair.right)});
  }
  return end;
}

void check_finite(const NetworkSpec& spec, std::span<const IndexPair> pairs, std::span<const float> scores) {
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (!std::isfinite(scores[i])) {
      throw NotFinite(fmt::format("network {}: the score of pair {} (left patch {}, right patch {}) is not finite ({})",
                                  spec.name, i, pairs[i].left, pairs[i].right, scores[i]));
    }
  }
}

}  // namespace

/// The patches of one set that pairs mention, and their descriptors in the order of their numbers.
struct Engine::State::Mentioned {
  explicit Mentioned(PatchView of) : patches(of), numbering(of.count) {}
  PatchView patches;
  Numbering numbering;
  std::optional<DescriptorStore> store;
};

void Engine::State::describe_mentioned(Mentioned& mentioned, Side side, const RunControl& control) {
  const auto& indices = mentioned.numbering.patches();
  const auto total = std::ssize(indices);
  mentioned.store.emplace(total, branch->descriptor_size(), backend->memory() / 4);
  const WorkStage stage(control, "describe", total, "patches");
  const std::int64_t most = backend->patches_at_once();
  for (std::int64_t begin = 0; begin < total; begin += most) {
    control.check();
    const auto block = std::span(indices).subspan(static_cast<std::size_t>(begin),
                                                  static_cast<std::size_t>(std::min(most, total - begin)));
    const GatheredPatches gathered = gather_patches(mentioned.patches, block);
    try {
      mentioned.store->write(begin, describe_block(gathered.view, side, 0, control).view());
    } catch (const NotFinite& error) {
      if (error.index() < 0) throw;
      throw_not_finite(spec(), block[static_cast<std::size_t>(error.index())]);
    }
    control.advance(gathered.view.count);
  }
}

std::vector<float> Engine::State::score(PatchView left, PatchView right, bool same, std::span<const IndexPair> pairs,
                                        const RunControl& control) {
  check_pairs(pairs, left.count, right.count, "");
  if (pairs.empty()) return {};
  check_pair_of_sets(left, right);
  PairScorer& pair_scorer = scorer();

  // Siamese networks: descriptors first; `rows` then makes the rows of a chunk from them. 2-channel: from the patches.
  Mentioned of_left(left);
  Mentioned of_right(right);
  const bool shared = same && shared_branch();
  Mentioned& right_owner = shared ? of_left : of_right;
  if (!two_channel()) {
    for (const IndexPair& pair : pairs) {
      (void)of_left.numbering.number(pair.left);
      (void)right_owner.numbering.number(pair.right);
    }
    describe_mentioned(of_left, Side::left, control);
    if (!shared) describe_mentioned(of_right, Side::right, control);
  }
  const auto rows = [&](Mentioned& owner, const std::vector<std::int32_t>& patches, Side side) {
    if (two_channel()) return branch->rows(gather_patches(owner.patches, patches).view, side, {control.stop, nullptr});
    std::vector<std::int32_t> numbers(patches.size());
    std::transform(patches.begin(), patches.end(), numbers.begin(),
                   [&](std::int32_t patch) { return owner.numbering.number(patch); });
    return branch->rows(owner.store->gather(numbers).view(), side);
  };

  const std::vector<std::int64_t> order = sorted_order(pairs);
  const std::int64_t row_bytes = std::max<std::int64_t>(1, branch->row_bytes(left.height, left.width));
  std::int64_t most = std::max<std::int64_t>(2, backend->memory() / 4 / row_bytes);
  std::vector<float> result(pairs.size());
  std::vector<float> scores;
  Chunk chunk(left.count, right.count);
  const WorkStage stage(control, "score", std::ssize(pairs), "pairs");
  for (std::int64_t begin = 0; begin < std::ssize(pairs);) {
    control.check();
    std::int64_t end = begin;
    std::shared_ptr<const Rows> left_rows;
    std::shared_ptr<const Rows> right_rows;
    while (right_rows == nullptr) {
      end = fill(chunk, pairs, order, begin, most);
      try {
        left_rows = rows(of_left, chunk.left.patches(), Side::left);
        right_rows = rows(right_owner, chunk.right.patches(), Side::right);
      } catch (const OutOfMemory&) {  // fewer patches at a time from here on
        left_rows.reset();
        if (most <= 2) throw;
        most = std::max<std::int64_t>(2, std::min(most, chunk.left.count() + chunk.right.count()) / 2);
      }
    }
    scores.resize(chunk.pairs.size());
    const std::int64_t step = two_channel() ? kReportedPairs / 256 : kReportedPairs;
    for (std::int64_t at = 0; at < end - begin; at += step) {
      const auto first = static_cast<std::size_t>(at);
      const auto count = static_cast<std::size_t>(std::min(step, end - begin - at));
      pair_scorer.score_list(*left_rows, *right_rows, std::span(chunk.pairs).subspan(first, count),
                             std::span(scores).subspan(first, count), {control.stop, nullptr});
      control.advance(static_cast<std::int64_t>(count));
    }
    for (std::int64_t i = begin; i < end; ++i) {
      result[static_cast<std::size_t>(order[static_cast<std::size_t>(i)])] =
          scores[static_cast<std::size_t>(i - begin)];
    }
    begin = end;
  }
  check_finite(spec(), pairs, result);
  return result;
}

}  // namespace twinpatch
