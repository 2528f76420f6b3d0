// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdint>
#include <vector>

#include "kernels/screen_kernels.hpp"
#include "support/random.hpp"
#include "twinpatch/core/checked.hpp"

namespace twinpatch::test {

/// Rows of bytes within [low, high], some at either end.
template <class Byte>
std::vector<Byte> some_bytes(std::int64_t count, int low, int high, std::uint64_t seed) {
  Random random(seed);
  std::vector<Byte> bytes(static_cast<std::size_t>(count));
  for (Byte& byte : bytes) {
    const auto end = random.below(6);
    byte = static_cast<Byte>(end == 0 ? low : end == 1 ? high : low + random.below(high - low + 1));
  }
  return bytes;
}

/// A strip and a panel, and what of each pair is expected.
struct Sums {
  Sums(const cpu::ScreenKernels& kernels, bool head, std::int64_t row_count, std::int64_t wanted_depth)
      : rows(row_count),
        depth(round_up(wanted_depth, kernels.grain)),
        panel(kernels.panel),
        left(some_bytes<std::uint8_t>(rows * depth, 0, head ? 255 : 2 * kernels.levels + 1, 1)),
        right(head ? some_bytes<std::uint8_t>(depth * panel, 0, 255, 2)
                   : some_bytes<std::uint8_t>(depth * panel, -127, 127, 2)),
        weights(some_bytes<std::int8_t>(depth, -kernels.multiples, kernels.multiples, 3)) {
    Random random(4);
    for (std::int64_t j = 0; j < panel; ++j) starts.push_back(static_cast<std::int32_t>(random.below(1000)) - 500);
  }

  [[nodiscard]] cpu::ScreenWork work() const {
    return {left.data(), rows, depth, right.data(), weights.data(), starts.data()};
  }
  [[nodiscard]] std::int32_t expected(bool head, std::int64_t i, std::int64_t j) const {
    std::int32_t sum = starts[static_cast<std::size_t>(j)];
    for (std::int64_t k = 0; k < depth; ++k) {
      const std::int32_t a = left[static_cast<std::size_t>(i * depth + k)];
      const std::uint8_t b = right[static_cast<std::size_t>(k / 4 * 4 * panel + 4 * j + k % 4)];
      const std::int32_t weight = weights[static_cast<std::size_t>(k)];
      sum += head ? weight * std::max<std::int32_t>(a, b) : a * static_cast<std::int8_t>(b);
    }
    return sum;
  }

  std::int64_t rows, depth, panel;
  std::vector<std::uint8_t> left;
  std::vector<std::uint8_t> right;
  std::vector<std::int8_t> weights;
  std::vector<std::int32_t> starts;
};

/// A kernel's sums are those of the definition, at the ends of what bytes may be.
inline void expect_exact_sums(const cpu::ScreenKernels& kernels, bool head) {
  for (const std::int64_t rows : {1, 5, 16, 63, 64}) {
    for (const std::int64_t depth : {1, 63, 200}) {
      INFO((head ? "head, " : "product, ") << rows << " rows, " << depth << " terms");
      const Sums sums(kernels, head, rows, depth);
      std::vector<std::int32_t> got(static_cast<std::size_t>(rows * kernels.panel));
      (head ? kernels.head : kernels.dot)(sums.work(), got.data());
      bool same = true;
      for (std::int64_t n = 0; n < std::ssize(got); ++n) {
        same = same && got[static_cast<std::size_t>(n)] == sums.expected(head, n / kernels.panel, n % kernels.panel);
      }
      CHECK(same);
    }
  }
}

}  // namespace twinpatch::test
