// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "sampler.hpp"
#include "torch_network.hpp"
#include "twinpatch/train/trainer.hpp"

namespace twinpatch::train {

/// Scores fixed pairs of scenes that are not learned from.
class Validator {
 public:
  Validator(Scenes scenes, const TrainOptions& options);

  struct Outcome {
    std::vector<SceneScore> scenes;
    std::vector<float> scores;  ///< of all scenes' pairs, for the calibration
    std::vector<std::uint8_t> labels;
  };
  /// The network is set to inference and back to training.
  [[nodiscard]] Outcome run(TorchNetwork& net) const;
  [[nodiscard]] bool empty() const { return sets_.empty(); }

 private:
  struct Set {
    std::shared_ptr<const Scene> scene;
    std::vector<IndexPair> pairs;
    std::vector<std::uint8_t> labels;
    std::vector<IndexPair> matching;  ///< one pair of a point each
  };
  std::vector<Set> sets_;
};

}  // namespace twinpatch::train
