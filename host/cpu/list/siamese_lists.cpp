// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "branch/siamese_rows.hpp"
#include "list/pair_lists.hpp"
#include "plan/deep_head.hpp"
#include "plan/exact_metric.hpp"

namespace twinpatch::cpu {
namespace {

constexpr std::int64_t kPairsPerRange = 1024;

/// At most kStripRows pairs of one list.
struct PairBatch {
  const SiameseRows* left = nullptr;
  const SiameseRows* right = nullptr;
  std::span<const IndexPair> pairs;

  [[nodiscard]] PairOfHalves halves(std::size_t n) const {
    return {left->values.row(pairs[n].left).data(), right->values.row(pairs[n].right).data()};
  }
};

/// Asks for the rows of pair n, which is about to be scored: rows of a list lie anywhere.
void prefetch(const PairBatch& batch, std::size_t n) {
  if (n >= batch.pairs.size()) return;
  constexpr std::int64_t kLine = 16;  // floats
  const PairOfHalves rows = batch.halves(n);
  for (std::int64_t k = 0; k < batch.right->values.columns(); k += kLine) {
    __builtin_prefetch(rows.left + k);
    __builtin_prefetch(rows.right + k);
  }
}

/// Divides a list among threads, in batches.
class SiameseList : public ListStrategy {
 public:
  SiameseList(std::shared_ptr<CpuContext> context, std::string network)
      : context_(std::move(context)), network_(std::move(network)) {}

  void score(const PairsOfRows& list, std::span<float> scores, const RunControl& control) override {
    const SiameseRows& left = siamese_rows(*list.left, Side::left, network_);
    const SiameseRows& right = siamese_rows(*list.right, Side::right, network_);
    const auto body = [&](std::int64_t begin, std::int64_t end, int worker) {
      control.check();
      for (std::int64_t at = begin; at < end; at += kStripRows) {
        const auto count = static_cast<std::size_t>(std::min(kStripRows, end - at));
        score_batch(worker, {&left, &right, list.pairs.subspan(static_cast<std::size_t>(at), count)},
                    scores.data() + at);
      }
    };
    context_->pool.for_ranges(std::ssize(list.pairs), kPairsPerRange, body);
  }

 protected:
  virtual void score_batch(int worker, const PairBatch& batch, float* scores) = 0;

 private:
  std::shared_ptr<CpuContext> context_;
  std::string network_;
};

class MetricList final : public SiameseList {
 public:
  MetricList(std::shared_ptr<CpuContext> context, const NetworkSpec& spec)
      : SiameseList(std::move(context), spec.name), exact_(std::get<DecisionMetric>(spec.decision).kind) {}

 protected:
  void score_batch(int /*worker*/, const PairBatch& batch, float* scores) override {
    for (std::size_t n = 0; n < batch.pairs.size(); ++n) {
      prefetch(batch, n + 1);
      const PairOfHalves rows = batch.halves(n);
      scores[n] = exact_(rows.left, rows.right, batch.left->values.columns());
    }
  }

 private:
  ExactMetric exact_;
};

/// Linear - ReLU - Linear(1).
class TwoLayerList final : public SiameseList {
 public:
  TwoLayerList(std::shared_ptr<CpuContext> context, const std::string& network, const DecisionHead& head)
      : SiameseList(std::move(context), network),
        weights_(head.layers.at(1).weight.begin(), head.layers.at(1).weight.end()),
        bias_(head.layers.at(1).bias[0]) {}

 protected:
  void score_batch(int /*worker*/, const PairBatch& batch, float* scores) override {
    const std::int64_t depth = batch.left->values.columns();
    for (std::size_t n = 0; n < batch.pairs.size(); ++n) {
      prefetch(batch, n + 1);
      const PairOfHalves rows = batch.halves(n);
      scores[n] = bias_ + kernels_.head_pair(rows.left, rows.right, weights_.data(), depth);
    }
  }

 private:
  const GridKernels& kernels_ = grid_kernels();
  std::vector<float> weights_;  ///< of the second layer
  float bias_;
};

/// A decision of any depth.
class DeepList final : public SiameseList {
 public:
  DeepList(const std::shared_ptr<CpuContext>& context, const std::string& network, const DecisionHead& head)
      : SiameseList(context, network), head_(head, context->pool.threads()) {}

 protected:
  void score_batch(int worker, const PairBatch& batch, float* scores) override {
    std::array<PairOfHalves, kStripRows> pairs;
    for (std::size_t n = 0; n < batch.pairs.size(); ++n) pairs[n] = batch.halves(n);
    head_.score(worker, {pairs.data(), batch.pairs.size()}, scores);
  }

 private:
  DeepHead head_;
};

}  // namespace

std::unique_ptr<ListStrategy> make_metric_list(std::shared_ptr<CpuContext> context,
                                               std::shared_ptr<const Model> model) {
  return std::make_unique<MetricList>(std::move(context), model->spec);
}

std::unique_ptr<ListStrategy> make_head_list(std::shared_ptr<CpuContext> context, std::shared_ptr<const Model> model) {
  const DecisionHead head = read_decision_head(*model);
  if (head.has_two_layers()) return std::make_unique<TwoLayerList>(std::move(context), model->spec.name, head);
  return std::make_unique<DeepList>(context, model->spec.name, head);
}

}  // namespace twinpatch::cpu
