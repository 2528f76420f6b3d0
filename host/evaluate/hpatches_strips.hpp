// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "twinpatch/evaluate/hpatches_tasks.hpp"

namespace twinpatch::evaluate {

inline constexpr std::array kLevels = {'e', 'h', 't'};
inline constexpr int kStrips = 5;  // of a level
inline constexpr int kImages = kStrips + 1;

/// What a task needs to run.
struct HPatchesRun {
  Comparer& comparer;
  const HPatchesSource& source;
  const HPatchesProtocol& protocol;
  const RunControl& control;
};

/// Image 0 is the reference, 1…5 the level's strips. Nothing where the sequence lacks it.
[[nodiscard]] std::optional<PatchView> find_strip(const HPatchesSequence& sequence, char level, int image);
/// The same; throws InvalidArgument naming the strip where it is missing.
[[nodiscard]] PatchView strip(const HPatchesSequence& sequence, char level, int image);

/// Patches of one size, one after the other.
class Gathered {
 public:
  Gathered(std::int64_t count, int side) : patches_(count, side, side) {}
  /// Appends patches of this size.
  void add(PatchView patches);
  [[nodiscard]] PatchView view() const { return patches_.view(); }

 private:
  PatchSet patches_;
  std::int64_t used_ = 0;
};

[[nodiscard]] std::array<HPatchesMatching, 3> match_hpatches(const HPatchesRun& run);
[[nodiscard]] HPatchesVerification verify_hpatches(const HPatchesRun& run, char level);
/// Of each level.
[[nodiscard]] std::array<double, 3> retrieve_hpatches(const HPatchesRun& run);

}  // namespace twinpatch::evaluate
