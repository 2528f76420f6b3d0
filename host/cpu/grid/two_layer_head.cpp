// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <utility>
#include <vector>

#include "grid/panel_scoring.hpp"
#include "twinpatch/net/decision_head.hpp"

namespace twinpatch::cpu {
namespace {

/// Linear - ReLU - Linear(1), by w·relu(p + q) = w·max(p, −q) + w·q: two instructions for each k and vector of columns.
class TwoLayerScoring final : public PanelScoring {
 public:
  explicit TwoLayerScoring(const DecisionHead& head)
      : weights_(head.layers.at(1).weight.begin(), head.layers.at(1).weight.end()) {}

  void pack(const Panel& panel, Purpose /*purpose*/) const override {
    pack_panel(kernels_, panel, -1.0F, [&](std::int64_t j) { return panel.rows->scalars[j]; });
  }

  void score(const Strip& left, const Panel& right, Purpose /*purpose*/, int /*worker*/, float* out) override {
    kernels_.head({row_block(left), right.values, weights_.data(), right.constants}, out);
  }

 private:
  const GridKernels& kernels_ = grid_kernels();
  std::vector<float> weights_;  ///< of the second layer
};

}  // namespace

std::unique_ptr<PanelScoring> make_two_layer_scoring(const DecisionHead& head) {
  return std::make_unique<TwoLayerScoring>(head);
}

std::unique_ptr<GridStrategy> make_two_layer_head_grid(std::shared_ptr<CpuContext> context,
                                                       std::shared_ptr<const Model> model) {
  return make_panel_grid(std::move(context), model->spec.name, make_two_layer_scoring(read_decision_head(*model)));
}

}  // namespace twinpatch::cpu
