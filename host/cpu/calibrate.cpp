// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/cpu/calibrate.hpp"

#include <fmt/format.h>

#include <cmath>
#include <vector>

#include "branch/siamese_branch.hpp"
#include "branch/two_channel_rows.hpp"
#include "grid/strategies.hpp"
#include "pair_scorer.hpp"
#include "plan/activation_recorder.hpp"
#include "plan/context.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch {
namespace {

void run_branch(const std::shared_ptr<cpu::CpuContext>& context, const std::shared_ptr<const Model>& model,
                PatchView patches, const RunControl& control) {
  const auto branch = cpu::make_siamese_branch(context, model);
  (void)branch->descriptors(patches, Side::left, control);
  if (model->spec.coupling == Coupling::pseudo_siamese) (void)branch->descriptors(patches, Side::right, control);
}

void run_pairs(const std::shared_ptr<cpu::CpuContext>& context, const std::shared_ptr<const Model>& model,
               PatchView patches, std::span<const IndexPair> pairs, const RunControl& control) {
  const auto branch = cpu::make_two_channel_branch(context, model);
  const auto left = branch->rows(patches, Side::left);
  const auto right = branch->rows(patches, Side::right);
  std::vector<float> scores(pairs.size());
  cpu::make_pair_scorer(context, model, cpu::grid_strategies())->score_list(*left, *right, pairs, scores, control);
}

}  // namespace

ActivationRanges calibrate(const std::shared_ptr<const Model>& model, PatchView patches,
                           std::span<const IndexPair> pairs, const RunControl& control) {
  const bool sees_pairs = model->spec.coupling == Coupling::two_channel;
  if (patches.count == 0 || (sees_pairs && pairs.empty())) {
    throw InvalidArgument(fmt::format("the calibration set has no {}", patches.count == 0 ? "patches" : "pairs"));
  }
  check_patch_size(model->spec, patches.height, patches.width);
  const auto folded = fold_batch_normalisation(model);
  cpu::ActivationRecorder recorder;
  const auto context = std::make_shared<cpu::CpuContext>(ExecutionOptions());
  context->recorder = &recorder;
  if (sees_pairs) {
    run_pairs(context, folded, patches, pairs, control);
  } else {
    run_branch(context, folded, patches, control);
  }
  ActivationRanges ranges = recorder.ranges();
  for (const auto& [layer, range] : ranges) {
    if (std::isfinite(range.low) && std::isfinite(range.high)) continue;
    throw InvalidArgument(fmt::format("network {}: what goes into layer {} is not finite on the calibration set",
                                      model->spec.name, layer));
  }
  return ranges;
}

}  // namespace twinpatch
