// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "grid/panel_scoring.hpp"
#include "plan/packed_linear.hpp"

namespace twinpatch::cpu {
namespace {

/// Linear - ReLU - Linear(1), by w·relu(p + q) = w·max(p, −q) + w·q: two instructions for each k and vector of columns.
class TwoLayerRule final : public PairRule {
 public:
  explicit TwoLayerRule(PackedHead head) : head_(std::move(head)) {}

  void pack(const Panel& panel, Purpose /*purpose*/) const override {
    pack_panel(kernels_, panel, -1.0F, [&](std::int64_t j) { return panel.rows->scalars[j]; });
  }

  void score(const Strip& left, const Panel& right, Purpose /*purpose*/, RuleScratch& /*scratch*/,
             float* out) const override {
    const std::int64_t depth = left.rows->values.columns();
    kernels_.head(left.rows->values.data() + left.first * depth, depth, left.count, right.values, depth,
                  head_.output_weights.data(), right.constants, out);
  }

  void list(const SiameseRows& left, const SiameseRows& right, std::span<const IndexPair> pairs,
            RuleScratch& /*scratch*/, float* scores) const override {
    const std::int64_t depth = left.values.columns();
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      if (i + 1 < pairs.size()) prefetch_rows(left, right, pairs[i + 1]);
      scores[i] = head_.output_bias + kernels_.head_pair(left.values.data() + pairs[i].left * depth,
                                                         right.values.data() + pairs[i].right * depth,
                                                         head_.output_weights.data(), depth);
    }
  }

 private:
  PackedHead head_;
  const GridKernels& kernels_ = grid_kernels();
};

/// Any other head: the first layer's sum and activation per pair, then small matrix products over batches of pairs.
class LayersRule final : public PairRule {
 public:
  explicit LayersRule(PackedHead head) : head_(std::move(head)) {
    for (const auto& layer : head_.rest) widest_ = std::max(widest_, layer.linear.out());
  }

  bool reads_panels() const override { return false; }
  void pack(const Panel& /*panel*/, Purpose /*purpose*/) const override {}

  void score(const Strip& left, const Panel& right, Purpose /*purpose*/, RuleScratch& scratch,
             float* out) const override {
    for (std::int64_t i = 0; i < left.count; ++i) {
      float* scores = out + i * kernels_.panel;
      score_pairs(right.count, scratch, scores, [&](std::int64_t n) {
        add_first(left.rows->values.row(left.first + i).data(), right.rows->values.row(right.first + n).data(), n,
                  scratch);
      });
      std::fill(scores + right.count, scores + kernels_.panel, -1e38F);
    }
  }

  void list(const SiameseRows& left, const SiameseRows& right, std::span<const IndexPair> pairs, RuleScratch& scratch,
            float* scores) const override {
    score_pairs(static_cast<std::int64_t>(pairs.size()), scratch, scores, [&](std::int64_t n) {
      const IndexPair pair = pairs[static_cast<std::size_t>(n)];
      add_first(left.values.row(pair.left).data(), right.values.row(pair.right).data(), n, scratch);
    });
  }

 private:
  void add_first(const float* left, const float* right, std::int64_t n, RuleScratch& scratch) const {
    const std::int64_t depth = head_.hidden();
    float* out = scratch.hidden.data() + n * depth;
    if (head_.activation == Activation::Kind::relu) {
      kernels_.add_relu(left, right, depth, out);
    } else {
      for (std::int64_t k = 0; k < depth; ++k) out[k] = left[k] + right[k];
      apply(head_.activation, {out, static_cast<std::size_t>(depth)});
    }
  }

  /// Scores of `count` ≤ kStripRows pairs; add(n) puts the first layer's output of pair n into scratch.hidden.
  template <class Add>
  void score_pairs(std::int64_t count, RuleScratch& scratch, float* scores, const Add& add) const {
    const std::int64_t widest = std::max(widest_, head_.hidden());
    scratch.hidden.resize(static_cast<std::size_t>(kStripRows * widest));
    scratch.next.resize(static_cast<std::size_t>(kStripRows * widest));
    for (std::int64_t n = 0; n < count; ++n) add(n);
    for (const auto& layer : head_.rest) {
      const std::int64_t out = layer.linear.out();
      layer.linear.run(scratch.hidden.data(), layer.linear.in(), count, scratch.next.data(), out);
      apply(layer.activation, {scratch.next.data(), static_cast<std::size_t>(count * out)});
      scratch.hidden.swap(scratch.next);
    }
    std::copy_n(scratch.hidden.data(), count, scores);
  }

  PackedHead head_;
  const GridKernels& kernels_ = grid_kernels();
  std::int64_t widest_ = 1;
};

}  // namespace

std::unique_ptr<PairRule> make_head_rule(const Model& model) {
  PackedHead head(read_decision_head(model));
  if (head.has_two_layers()) return std::make_unique<TwoLayerRule>(std::move(head));
  return std::make_unique<LayersRule>(std::move(head));
}

}  // namespace twinpatch::cpu
