// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <bit>
#include <numeric>
#include <random>

#include "twinpatch/core/error.hpp"
#include "twinpatch/evaluate/hpatches_protocol.hpp"

namespace twinpatch {
namespace {

/// What of NumPy's RandomState the authors' generator calls. Its stream is frozen by NumPy's policy (NEP 19).
class LegacyRandom {
 public:
  explicit LegacyRandom(std::uint32_t seed) : bits_(seed) {}

  /// randint(count): uniform in [0, count) by rejection; a single possibility draws nothing.
  std::int32_t below(std::int64_t count) {
    const auto most = static_cast<std::uint32_t>(count - 1);
    if (most == 0) return 0;
    const auto mask = static_cast<std::uint32_t>(std::bit_ceil(std::uint64_t{most} + 1) - 1);
    for (;;) {
      const std::uint32_t value = static_cast<std::uint32_t>(bits_()) & mask;
      if (value <= most) return static_cast<std::int32_t>(value);
    }
  }
  /// choice(arange(count), 2, replace=False): the first two of a whole shuffle.
  std::pair<std::int32_t, std::int32_t> two_of(std::int64_t count) {
    shuffled_.resize(static_cast<std::size_t>(count));
    std::iota(shuffled_.begin(), shuffled_.end(), 0);
    for (std::size_t i = shuffled_.size() - 1; i > 0; --i) {
      const auto other = static_cast<std::size_t>(below(static_cast<std::int64_t>(i) + 1));
      std::swap(shuffled_[i], shuffled_[other]);
    }
    return {shuffled_[0], shuffled_[1]};
  }

 private:
  std::mt19937 bits_;  // init_genrand, as in NumPy
  std::vector<std::int32_t> shuffled_;
};

}  // namespace

HPatchesVerificationTask draw_hpatches_verification(std::span<const std::int64_t> counts, std::int64_t pairs) {
  for (const std::int64_t count : counts) {
    if (count < 2) throw InvalidArgument(fmt::format("a sequence of {} patches; two are needed to draw pairs", count));
  }
  if (counts.empty()) throw InvalidArgument("no sequences to draw pairs from");
  constexpr std::uint32_t kSeed = 42;
  constexpr std::int64_t kTypes = 5;  // the generator draws images 0…4; the sixth is in no pair
  LegacyRandom random(kSeed);
  const auto all = static_cast<std::size_t>(pairs);
  const auto count_of = [&](std::int32_t sequence) { return counts[static_cast<std::size_t>(sequence)]; };

  // Column by column, as the generator draws them.
  HPatchesVerificationTask task;
  task.positives.resize(all);
  for (HPatchesPair& pair : task.positives) pair.left.sequence = pair.right.sequence = random.below(std::ssize(counts));
  task.same_sequence = task.positives;
  for (std::size_t i = 0; i < all; ++i) {
    const auto [row, other] = random.two_of(count_of(task.positives[i].left.sequence));
    task.positives[i].left.row = task.positives[i].right.row = task.same_sequence[i].left.row = row;
    task.same_sequence[i].right.row = other;
  }
  for (std::size_t i = 0; i < all; ++i) {
    const auto [left, right] = random.two_of(kTypes);
    for (auto* const pair : {&task.positives[i], &task.same_sequence[i]}) {
      pair->left.image = left;
      pair->right.image = right;
    }
  }
  task.other_sequence = task.positives;
  for (HPatchesPair& pair : task.other_sequence) pair.right.sequence = random.below(std::ssize(counts));
  for (HPatchesPair& pair : task.other_sequence) pair.right.row = random.below(count_of(pair.right.sequence));
  return task;
}

}  // namespace twinpatch
