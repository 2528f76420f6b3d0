// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "list_sampler.hpp"
#include "torch_network.hpp"
#include "twinpatch/train/trainer.hpp"

namespace twinpatch::train {

/// Lists of a dataset that is not learned from, drawn once as they come, all kinds alike.
class ListValidation {
 public:
  ListValidation(std::shared_ptr<const CandidateLists> set, const TrainOptions& options);

  struct Outcome {
    SceneScore score;                  ///< FPR95 and AUC of right and wrong candidates; share of right answers
    std::vector<float> network;        ///< the network's own scores of the candidates
    std::vector<std::uint8_t> labels;  ///< 1: right
  };
  /// By the sum of both stages; with a network_weight of 0 by the similarity alone, and the network is not asked.
  [[nodiscard]] Outcome run(const TorchNetwork& net, const TwoStageRule& rule) const;

 private:
  std::string name_;
  std::vector<ListBatch> batches_;
};

}  // namespace twinpatch::train
