// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/evaluate/hpatches_tasks.hpp"

#include <algorithm>
#include <cstring>

#include "hpatches_strips.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch {
namespace evaluate {

std::optional<PatchView> find_strip(const HPatchesSequence& sequence, char level, int image) {
  const std::string name = image == 0 ? "ref" : std::string{level, static_cast<char>('0' + image)};
  const auto found = std::ranges::find(sequence.strips, name);
  if (found == sequence.strips.end()) return std::nullopt;
  return sequence.patches[static_cast<std::size_t>(found - sequence.strips.begin())].view();
}

PatchView strip(const HPatchesSequence& sequence, char level, int image) {
  if (const auto found = find_strip(sequence, level, image)) return *found;
  throw InvalidArgument(image == 0 ? sequence.name + ": no strip ref"
                                   : sequence.name + ": no strip " + level + std::to_string(image));
}

void Gathered::add(PatchView patches) {
  if (patches.count == 0) return;
  std::memcpy(patches_.mutable_patch(used_), patches.pixels,
              static_cast<std::size_t>(patches.count * patches.patch_bytes()));
  used_ += patches.count;
}

}  // namespace evaluate

namespace {

/// The mean of the values that are there.
class Mean {
 public:
  void add(std::optional<double> value) {
    if (value) sum_ += *value, ++count_;
  }
  [[nodiscard]] std::optional<double> value() const {
    return count_ == 0 ? std::nullopt : std::optional(sum_ / count_);
  }

 private:
  double sum_ = 0;
  int count_ = 0;
};

void add_means(HPatchesResult& result) {
  Mean illumination, viewpoint, matching, precision, roc_area, retrieval;
  for (const HPatchesLevel& level : result.levels) {
    illumination.add(level.matching.illumination);
    viewpoint.add(level.matching.viewpoint);
    retrieval.add(level.retrieval);
    if (!level.verification) continue;
    for (const double value : {level.verification->same_precision, level.verification->other_precision})
      precision.add(value);
    for (const double value : {level.verification->same_roc_area, level.verification->other_roc_area})
      roc_area.add(value);
  }
  matching.add(illumination.value());
  matching.add(viewpoint.value());
  result.matching = matching.value();
  result.verification_precision = precision.value();
  result.verification_roc_area = roc_area.value();
  result.retrieval = retrieval.value();
}

}  // namespace

HPatchesResult evaluate_hpatches(Comparer& comparer, const HPatchesSource& source, const HPatchesProtocol& protocol,
                                 const RunControl& control) {
  if (protocol.sequences.empty()) throw InvalidArgument("no HPatches sequences");
  const evaluate::HPatchesRun run{comparer, source, protocol, control};
  const auto matching = evaluate::match_hpatches(run);
  std::optional<std::array<double, 3>> retrieval;
  if (protocol.retrieval) retrieval = evaluate::retrieve_hpatches(run);

  HPatchesResult result;
  result.name = comparer.name();
  for (std::size_t i = 0; i < matching.size(); ++i) {
    HPatchesLevel level{evaluate::kLevels[i], matching[i], {}, {}};
    if (!level.matching.illumination && !level.matching.viewpoint) continue;
    if (protocol.verification) level.verification = evaluate::verify_hpatches(run, level.level);
    if (retrieval) level.retrieval = (*retrieval)[i];
    result.levels.push_back(level);
  }
  add_means(result);
  return result;
}

}  // namespace twinpatch
