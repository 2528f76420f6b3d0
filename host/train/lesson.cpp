// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "lesson.hpp"

#include <fmt/format.h>

#include <utility>

#include "list_loss.hpp"
#include "losses.hpp"

namespace twinpatch::train {

Lesson make_lesson(const LoadedScenes& scenes, const TrainOptions& options, TrainObserver& observer) {
  if (options.loss != LossKind::lists) {
    const auto sampler = std::make_shared<const Sampler>(scenes.training, options);
    return {[sampler](std::int64_t step) -> Batch { return sampler->batch(step); }, std::nullopt};
  }
  ListSets all = scenes.lists;
  all.insert(all.end(), scenes.list_validation.begin(), scenes.list_validation.end());
  check_alike(all);
  const auto sampler = std::make_shared<const ListSampler>(scenes.lists, options);
  std::string kinds;
  for (std::size_t k = 0; k < kListKinds; ++k)
    kinds += fmt::format("{}{} {}", k == 0 ? "" : ", ", sampler->counts()[k], to_string(static_cast<ListKind>(k)));
  const TwoStageRule rule = fit_first_stage(scenes.lists, options);
  observer.on_message(fmt::format("lists: {}; the network's score is added to {:.4g} · similarity {:+.4g}", kinds,
                                  rule.similarity_weight, -rule.none));
  return {[sampler](std::int64_t step) -> Batch { return sampler->batch(step); }, rule};
}

at::Tensor lesson_loss(const TorchNetwork& net, const TrainOptions& options, const Lesson& lesson, const Batch& batch) {
  if (const auto* const lists = std::get_if<ListBatch>(&batch))
    return list_softmax(list_scores(net, *lists), *lists, lesson.rule.value());
  return batch_loss(net, options, std::get<PatchBatch>(batch));
}

}  // namespace twinpatch::train
