// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "scorer_parts.hpp"

#include <utility>
#include <variant>

namespace twinpatch::cuda {
namespace {

kernels::PairOperation operation_of(DecisionMetric::Kind kind) {
  switch (kind) {
    case DecisionMetric::Kind::l2:
      return kernels::PairOperation::l2;
    case DecisionMetric::Kind::l1:
      return kernels::PairOperation::l1;
    case DecisionMetric::Kind::cosine:
      break;
  }
  return kernels::PairOperation::dot;
}

}  // namespace

ScorerParts::ScorerParts(std::shared_ptr<Device> on, std::shared_ptr<const Model> model)
    : device(std::move(on)), weights(device, std::move(model)) {
  if (spec().coupling == Coupling::two_channel) {
    pairs = std::make_unique<PairNetwork>(weights);
    return;
  }
  length = branch_size(spec());
  if (const auto* metric = std::get_if<DecisionMetric>(&spec().decision)) {
    operation = operation_of(metric->kind);
    return;
  }
  head = upload_head(weights);
  length = head->hidden;
  if (head->output_weights == nullptr) deep = std::make_unique<DeepHead>(weights, *head);
}

double ScorerParts::operations() const {
  return deep != nullptr ? deep->operations() : (head ? 3.0 : 2.0) * static_cast<double>(length);
}

void ScorerParts::release() {
  if (deep != nullptr) deep = std::make_unique<DeepHead>(weights, *head);
  if (pairs != nullptr) pairs->release();
}

void score_row_pairs(ScorerParts& parts, const SiameseRows& left, const SiameseRows& right, DevicePairs pairs) {
  const kernels::RowMatrix a = left.matrix(0, left.size());
  const kernels::RowMatrix b = right.matrix(0, right.size());
  if (parts.deep != nullptr) return parts.deep->score(a, b, pairs);
  kernels::Comparison comparison{.operation = parts.operation, .left = a, .right = b, .length = parts.length};
  if (parts.head) {
    comparison.weights = parts.head->output_weights;
    comparison.bias = parts.head->output_bias;
  }
  kernels::score_pairs(parts.device->stream(), comparison, {pairs.pairs, pairs.count}, pairs.scores);
}

}  // namespace twinpatch::cuda
