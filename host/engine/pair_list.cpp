// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <utility>

#include "engine_state.hpp"
#include "pair_chunk.hpp"
#include "twinpatch/core/checked.hpp"

// Lists of pairs. Only patches that a pair mentions go through a tower, each once; pairs are then taken in order of
// their left patch, in chunks whose rows fit the run's memory, and their scores put back in the order of the list.

namespace twinpatch {
namespace {

/// Pairs between two reports of progress; of networks that take a millisecond a pair.
constexpr std::int64_t kReportedPairs = std::int64_t{1} << 20;
constexpr std::int64_t kReportedTwoChannelPairs = kReportedPairs / 256;

/// Patches copied side by side.
struct GatheredPatches {
  Buffer<std::byte> pixels;
  PatchView view;
};

GatheredPatches gather_patches(PatchView patches, std::span<const std::int32_t> indices) {
  const std::int64_t bytes = patches.patch_bytes();
  GatheredPatches result{Buffer<std::byte>(checked_multiply(std::ssize(indices), bytes)), patches};
  std::byte* to = result.pixels.data();
  for (const std::int32_t index : indices) {
    std::memcpy(to, patches.slice(index, 1).pixels, static_cast<std::size_t>(bytes));
    to += bytes;
  }
  result.view.pixels = result.pixels.data();
  result.view.count = std::ssize(indices);
  return result;
}

void check_finite(const NetworkSpec& spec, std::span<const IndexPair> pairs, std::span<const float> scores) {
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (!std::isfinite(scores[i])) {
      throw NotFinite(fmt::format("network {}: the score of pair {} (left patch {}, right patch {}) is not finite ({})",
                                  spec.name, i, pairs[i].left, pairs[i].right, scores[i]),
                      pairs[i]);
    }
  }
}

/// The patches of one set that pairs mention, and their descriptors in the order of their numbers.
struct MentionedPatches {
  explicit MentionedPatches(PatchView of) : patches(of), numbering(of.count) {}
  PatchView patches;
  Numbering numbering;
  std::optional<DescriptorStore> descriptors;
};

}  // namespace

/// A list of pairs on its way to scores.
class Engine::State::ListScoring {
 public:
  ListScoring(State& engine, const PairsOfSets& list, const RunControl& control)
      : engine_(engine),
        pairs_(list.pairs),
        control_(control),
        two_channel_(engine.two_channel()),
        shared_(list.same && engine.shared_branch()),
        left_(list.left),
        right_(list.right),
        order_(sorted_order(list.pairs)),
        chunk_(list.left.count, list.right.count) {
    const std::int64_t row_bytes = engine.branch->row_bytes(list.left.height, list.left.width);
    most_patches_ = std::max<std::int64_t>(2, engine.backend->memory() / 4 / std::max<std::int64_t>(1, row_bytes));
  }

  std::vector<float> run() {
    PairScorer& scorer = engine_.scorer();  // a model without one says so before any patch is described
    if (!two_channel_) describe();
    std::vector<float> result(pairs_.size());
    const WorkStage stage(control_, "score", std::ssize(pairs_), "pairs");
    for (std::int64_t begin = 0; begin < std::ssize(pairs_); begin += std::ssize(chunk_.pairs)) {
      control_.check();
      take_chunk(begin);
      score_chunk(scorer);
      for (std::size_t i = 0; i < scores_.size(); ++i) {
        result[static_cast<std::size_t>(order_[static_cast<std::size_t>(begin) + i])] = scores_[i];
      }
    }
    check_finite(engine_.spec(), pairs_, result);
    return result;
  }

 private:
  /// Both sides of a list over one set, through one branch, share their descriptors.
  [[nodiscard]] MentionedPatches& right() { return shared_ ? left_ : right_; }

  void describe() {
    for (const IndexPair& pair : pairs_) {
      (void)left_.numbering.number(pair.left);
      (void)right().numbering.number(pair.right);
    }
    describe(left_, Side::left);
    if (!shared_) describe(right_, Side::right);
  }

  void describe(MentionedPatches& mentioned, Side side) {
    const std::vector<std::int32_t>& indices = mentioned.numbering.patches();
    const auto total = std::ssize(indices);
    mentioned.descriptors.emplace(total, engine_.branch->descriptor_size(), engine_.backend->memory() / 4);
    const WorkStage stage(control_, "describe", total, "patches");
    GatheredPatches gathered;
    const auto view = [&](std::int64_t begin, std::int64_t count) {
      gathered = {};  // before the next block is gathered: it takes the same pages again
      gathered = gather_patches(mentioned.patches, std::span(indices).subspan(static_cast<std::size_t>(begin),
                                                                              static_cast<std::size_t>(count)));
      return gathered.view;
    };
    const auto take = [&](std::int64_t begin, MatrixView made) { mentioned.descriptors->write(begin, made); };
    try {
      engine_.describe({total, view, take}, side, control_);
    } catch (const NotFinite& error) {
      if (error.index() < 0) throw;
      throw NotFinite::of_descriptor(engine_.spec().name, indices[static_cast<std::size_t>(error.index())]);
    }
  }

  /// The pairs from order_[begin] on whose patches fit the memory, and the rows of those patches.
  void take_chunk(std::int64_t begin) {
    for (;;) {
      left_rows_.reset();
      right_rows_.reset();
      chunk_.fill(pairs_, std::span(order_).subspan(static_cast<std::size_t>(begin)), most_patches_);
      try {
        left_rows_ = rows(left_, chunk_.left.patches(), Side::left);
        right_rows_ = rows(right(), chunk_.right.patches(), Side::right);
        return;
      } catch (const OutOfMemory&) {  // fewer patches at a time from here on
        if (most_patches_ <= 2) throw;
        most_patches_ = std::max<std::int64_t>(2, std::min(most_patches_, chunk_.patches()) / 2);
      }
    }
  }

  std::shared_ptr<const Rows> rows(MentionedPatches& owner, const std::vector<std::int32_t>& patches, Side side) {
    if (two_channel_) {
      return engine_.branch->rows(gather_patches(owner.patches, patches).view, side, control_.quiet());
    }
    std::vector<std::int32_t> numbers(patches.size());
    std::transform(patches.begin(), patches.end(), numbers.begin(),
                   [&](std::int32_t patch) { return owner.numbering.number(patch); });
    return engine_.branch->rows(owner.descriptors->gather(numbers).view(), side);
  }

  void score_chunk(PairScorer& scorer) {
    scores_.resize(chunk_.pairs.size());
    const auto step = static_cast<std::size_t>(two_channel_ ? kReportedTwoChannelPairs : kReportedPairs);
    for (std::size_t first = 0; first < scores_.size(); first += step) {
      const std::size_t count = std::min(step, scores_.size() - first);
      scorer.score_list(*left_rows_, *right_rows_, std::span(chunk_.pairs).subspan(first, count),
                        std::span(scores_).subspan(first, count), control_.quiet());
      control_.advance(static_cast<std::int64_t>(count));
    }
  }

  State& engine_;
  std::span<const IndexPair> pairs_;
  RunControl control_;
  bool two_channel_;
  bool shared_;
  MentionedPatches left_;
  MentionedPatches right_;
  std::vector<std::int64_t> order_;  ///< of pairs, by their left patch
  std::int64_t most_patches_ = 0;    ///< of a chunk
  PairChunk chunk_;
  std::shared_ptr<const Rows> left_rows_;   ///< of the chunk
  std::shared_ptr<const Rows> right_rows_;  ///< likewise
  std::vector<float> scores_;               ///< likewise
};

std::vector<float> Engine::State::score(const PairsOfSets& list, const RunControl& control) {
  check_pairs(list.pairs, list.left.count, list.right.count, "");
  if (list.pairs.empty()) return {};
  check_pair_of_sets(list.left, list.right);
  return ListScoring(*this, list, control).run();
}

}  // namespace twinpatch
