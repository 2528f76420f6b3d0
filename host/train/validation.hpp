// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "list_validation.hpp"
#include "sampler.hpp"
#include "torch_network.hpp"
#include "twinpatch/train/trainer.hpp"

namespace twinpatch::train {

/// Scores fixed pairs of scenes, and fixed lists of candidates, that are not learned from.
class Validator {
 public:
  Validator(Scenes scenes, const TrainOptions& options);
  /// Validates on lists too, by a rule for both stages.
  void add(const ListSets& lists, const TwoStageRule& rule, const TrainOptions& options);

  struct Outcome {
    std::vector<SceneScore> scenes;
    std::vector<float> scores;  ///< the network's, of all pairs and candidates, for the calibration
    std::vector<std::uint8_t> labels;
  };
  /// The network is set to inference and back to training.
  [[nodiscard]] Outcome run(TorchNetwork& net) const;
  [[nodiscard]] bool empty() const { return sets_.empty() && lists_.empty(); }
  /// What the first stage alone reaches on the lists.
  [[nodiscard]] std::vector<SceneScore> without_network(const TorchNetwork& net) const;

 private:
  struct Set {
    std::shared_ptr<const Scene> scene;
    std::vector<IndexPair> pairs;
    std::vector<std::uint8_t> labels;
    std::vector<IndexPair> matching;  ///< one pair of a point each
  };
  std::vector<Set> sets_;
  std::vector<ListValidation> lists_;
  TwoStageRule rule_;
};

}  // namespace twinpatch::train
