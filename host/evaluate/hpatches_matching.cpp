// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "hpatches_strips.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/evaluate/trapezoidal.hpp"

namespace twinpatch::evaluate {
namespace {

double match_strip(const HPatchesRun& run, PatchView reference, PatchView strip) {
  const PatchSet target = resize_patches(strip, run.comparer.side());
  const Selected best = run.comparer.best(reference, target.view(), {.top_k = 1}, run.control);
  std::vector<std::uint8_t> right;
  std::vector<float> scores;
  for (std::int64_t row = 0; row < reference.count; ++row) {
    right.push_back(best.indices[row] == row ? 1 : 0);
    scores.push_back(best.scores[row]);
  }
  return trapezoidal_average_precision(scores, right, reference.count);
}

struct Sum {
  double sum = 0;
  int count = 0;
  void add(double value) { sum += value, ++count; }
  [[nodiscard]] std::optional<double> mean() const { return count == 0 ? std::nullopt : std::optional(sum / count); }
};

}  // namespace

std::array<HPatchesMatching, 3> match_hpatches(const HPatchesRun& run) {
  std::array<std::array<Sum, 2>, 3> sums;  // of each level, illumination's and viewpoint's
  for (const std::string& name : run.protocol.sequences) {
    const HPatchesSequence sequence = run.source.read(name);
    const PatchSet reference = resize_patches(strip(sequence, 'e', 0), run.comparer.side());
    if (reference.size() == 0) throw InvalidArgument(name + ": its ref strip has no patches");
    for (std::size_t l = 0; l < kLevels.size(); ++l) {
      Sum of_sequence;
      for (int image = 1; image <= kStrips; ++image) {
        run.control.check();
        if (const auto target = find_strip(sequence, kLevels[l], image))
          of_sequence.add(match_strip(run, reference.view(), *target));
      }
      if (const auto mean = of_sequence.mean()) sums[l][name.starts_with("v_") ? 1 : 0].add(*mean);
    }
  }
  std::array<HPatchesMatching, 3> result;
  for (std::size_t l = 0; l < kLevels.size(); ++l) result[l] = {sums[l][0].mean(), sums[l][1].mean()};
  return result;
}

}  // namespace twinpatch::evaluate
