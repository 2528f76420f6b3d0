// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "pair_head.hpp"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "clones.hpp"

namespace twinpatch::train {
namespace {

/// A row of each side, and the weights.
struct HeadRows {
  const float* p;
  const float* q;
  const float* weight;
};

/// Σ_k weight_k · max(0, p_k + q_k)
TWINPATCH_CLONES float rectified_sum(HeadRows rows, std::int64_t size) {
  const float* const p = rows.p;
  const float* const q = rows.q;
  const float* const weight = rows.weight;
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t k = 0; k < size; ++k) {
    const float x = p[k] + q[k];
    sum += weight[k] * (x > 0 ? x : 0);
  }
  return sum;
}

/// Gradients of a row of p and, with it, of the weights.
struct RowGradients {
  float* of_row;
  float* of_weight;
};

/// Adds g · weight_k where p_k + q_k > 0 to the row's gradient, and g · max(0, p_k + q_k) to the weights'.
TWINPATCH_CLONES void add_gradient(HeadRows rows, float g, RowGradients gradients, std::int64_t size) {
  const float* const p = rows.p;
  const float* const q = rows.q;
  const float* const weight = rows.weight;
  float* const d = gradients.of_row;
  float* const dw = gradients.of_weight;
#pragma omp simd
  for (std::int64_t k = 0; k < size; ++k) {
    const float x = p[k] + q[k];
    d[k] += x > 0 ? g * weight[k] : 0.0F;
    dw[k] += g * (x > 0 ? x : 0.0F);
  }
}

struct PairHead : torch::autograd::Function<PairHead> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& p_in, const at::Tensor& q_in,
                            const at::Tensor& weight_in, const at::Tensor& bias) {
    const auto p = p_in.contiguous();
    const auto q = q_in.contiguous();
    const auto weight = weight_in.contiguous();
    context->save_for_backward({p, q, weight});
    const std::int64_t m = q.size(0);
    const std::int64_t size = p.size(1);
    auto scores = at::empty({p.size(0), m}, p.options());
    const float offset = bias.item<float>();
    at::parallel_for(0, p.size(0), 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i)
        for (std::int64_t j = 0; j < m; ++j)
          scores.data_ptr<float>()[i * m + j] =
              offset +
              rectified_sum({p.data_ptr<float>() + i * size, q.data_ptr<float>() + j * size, weight.data_ptr<float>()},
                            size);
    });
    return scores;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& outputs) {
    const auto saved = context->get_saved_variables();
    const auto& p = saved[0];
    const auto& q = saved[1];
    const auto& weight = saved[2];
    const auto g = outputs[0].contiguous();
    auto dp = at::zeros_like(p);
    auto dq = at::zeros_like(q);
    auto dw = at::zeros_like(p);  // a row for each left patch, summed at the end in a fixed order
    accumulate({p, q, weight}, g, dp, dw);
    auto unused = at::zeros_like(q);
    accumulate({q, p, weight}, g.t().contiguous(), dq, unused);
    return {dp, dq, dw.sum(0).reshape(weight.sizes()), g.sum().reshape({1})};
  }

  struct Sides {
    const at::Tensor& p;
    const at::Tensor& q;
    const at::Tensor& weight;
  };
  /// d_i += Σ_j g_ij · weight · [p_i + q_j > 0], and dw_i likewise; rows i shared out among threads.
  static void accumulate(const Sides& sides, const at::Tensor& g, at::Tensor& d, at::Tensor& dw) {
    const std::int64_t m = sides.q.size(0);
    const std::int64_t size = sides.p.size(1);
    at::parallel_for(0, sides.p.size(0), 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i)
        for (std::int64_t j = 0; j < m; ++j) {
          const float gradient = g.data_ptr<float>()[i * m + j];
          if (gradient == 0.0F) continue;
          add_gradient({sides.p.data_ptr<float>() + i * size, sides.q.data_ptr<float>() + j * size,
                        sides.weight.data_ptr<float>()},
                       gradient, {d.data_ptr<float>() + i * size, dw.data_ptr<float>() + i * size}, size);
        }
    });
  }
};

}  // namespace

at::Tensor pair_head(const at::Tensor& p, const at::Tensor& q, const at::Tensor& weight, const at::Tensor& bias) {
  return PairHead::apply(p, q, weight, bias);
}

}  // namespace twinpatch::train
