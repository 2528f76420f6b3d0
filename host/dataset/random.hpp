// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <string_view>
#include <utility>
#include <vector>

#include "twinpatch/core/split_mix.hpp"

namespace twinpatch::dataset {

/// A seed means one dataset, with every standard library.
class Random {
 public:
  explicit Random(std::uint64_t seed) : bits_(seed) {}
  /// An independent sequence for a part of the work, so that its draws do not depend on what came before.
  [[nodiscard]] static Random part(std::uint64_t seed, std::string_view name) {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    Random mixed(seed ^ hash);
    return Random(mixed.next());
  }

  std::uint64_t next() { return bits_.next(); }
  /// In [0, n), n ≥ 1. The bias of the multiplication is under n / 2^64.
  std::int64_t below(std::int64_t n) {
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::int64_t>((static_cast<Wide>(next()) * static_cast<std::uint64_t>(n)) >> 64);
  }
  double uniform() { return bits_.uniform(); }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  bool chance(double probability) { return uniform() < probability; }
  double normal() {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
    return radius * std::cos(2.0 * std::numbers::pi * uniform());
  }
  template <class T>
  void shuffle(std::vector<T>& values) {
    for (std::size_t i = values.size(); i > 1; --i) {
      std::swap(values[i - 1], values[static_cast<std::size_t>(below(static_cast<std::int64_t>(i)))]);
    }
  }

 private:
  SplitMix64 bits_;
};

}  // namespace twinpatch::dataset
