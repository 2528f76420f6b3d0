// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <numeric>

#include "hpatches_strips.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/evaluate/trapezoidal.hpp"

namespace twinpatch::evaluate {
namespace {

/// Every patch of a level: the images of the first sequence one after the other, then those of the next.
struct LevelPatches {
  Gathered patches;
  std::vector<std::int64_t> first;  ///< of each sequence
  std::vector<std::int64_t> count;  ///< of each of its images

  [[nodiscard]] std::int32_t index(const HPatchesPatch& patch) const {
    const auto sequence = static_cast<std::size_t>(patch.sequence);
    return static_cast<std::int32_t>(first[sequence] + patch.image * count[sequence] + patch.row);
  }
  [[nodiscard]] IndexPair index(const HPatchesPair& pair) const { return {index(pair.left), index(pair.right)}; }
};

LevelPatches gather(const HPatchesRun& run, char level) {
  const int side = run.comparer.side();
  std::vector<std::vector<PatchSet>> resized;
  std::vector<std::int64_t> first, count;
  std::int64_t total = 0;
  for (const std::string& name : run.protocol.sequences) {
    run.control.check();
    const HPatchesSequence sequence = run.source.read(name);
    auto& images = resized.emplace_back();
    for (int image = 0; image < kImages; ++image) images.push_back(resize_patches(strip(sequence, level, image), side));
    first.push_back(total);
    count.push_back(images.front().size());
    total += kImages * images.front().size();
  }
  LevelPatches gathered{Gathered(total, side), std::move(first), std::move(count)};
  for (auto& images : resized) {
    for (const PatchSet& image : images) gathered.patches.add(image.view());
    images.clear();
  }
  return gathered;
}

/// The authors' order matters where scores are equal: negatives first.
struct Areas {
  double roc_area = 0;
  double precision = 0;
};
Areas areas(std::span<const float> negatives, std::span<const float> positives) {
  std::vector<float> scores(negatives.begin(), negatives.end());
  scores.insert(scores.end(), positives.begin(), positives.end());
  std::vector<std::uint8_t> labels(negatives.size(), 0);
  labels.resize(scores.size(), 1);
  const double roc_area = trapezoidal_roc_area(scores, labels);
  const auto fifth = static_cast<std::size_t>(static_cast<double>(positives.size()) * 0.2);
  if (fifth == 0) throw InvalidArgument("verification needs at least five positive pairs");
  const std::size_t kept = negatives.size() + fifth;
  return {roc_area, trapezoidal_average_precision(std::span(scores).first(kept), std::span(labels).first(kept),
                                                  static_cast<std::int64_t>(fifth))};
}

}  // namespace

HPatchesVerification verify_hpatches(const HPatchesRun& run, char level) {
  const HPatchesVerificationTask& task = *run.protocol.verification;
  const LevelPatches level_patches = gather(run, level);
  std::vector<IndexPair> pairs;
  for (const auto* const list : {&task.positives, &task.same_sequence, &task.other_sequence}) {
    for (const HPatchesPair& pair : *list) pairs.push_back(level_patches.index(pair));
  }
  const PatchView patches = level_patches.patches.view();
  const std::vector<float> scores = run.comparer.score(patches, patches, pairs, run.control);
  const std::size_t positives = task.positives.size();
  const std::size_t same = task.same_sequence.size();
  const auto all = std::span(scores);
  const Areas of_same = areas(all.subspan(positives, same), all.first(positives));
  const Areas of_other = areas(all.subspan(positives + same), all.first(positives));
  return {of_same.roc_area, of_other.roc_area, of_same.precision, of_other.precision};
}

}  // namespace twinpatch::evaluate
