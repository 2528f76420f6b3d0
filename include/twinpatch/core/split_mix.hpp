// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace twinpatch {

/// SplitMix64 (Steele, Lea, Flood 2014): small, and the same numbers with every standard library, whose own
/// distributions differ.
class SplitMix64 {
 public:
  explicit SplitMix64(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() { return mix(state_ += kStep); }
  /// In [0, 1), all 53 bits of a double.
  double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  /// A permutation of 64 bits that scatters neighbours.
  [[nodiscard]] static constexpr std::uint64_t mix(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }
  static constexpr std::uint64_t kStep = 0x9e3779b97f4a7c15U;

 private:
  std::uint64_t state_;
};

}  // namespace twinpatch
