// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "twinpatch/core/error.hpp"
#include "twinpatch/evaluate/two_stage.hpp"

namespace twinpatch {
namespace {

constexpr int kUnknowns = 3;  // weight of the similarity, weight of the network, score of "none"
using Vector = std::array<double, kUnknowns>;
using Square = std::array<Vector, kUnknowns>;

constexpr int kMostSteps = 100;
constexpr double kConverged = 1e-10;  // decrease of the mean loss that a step promises
constexpr double kRidge = 1e-6;  // pulls weights to 0: with candidates that are told apart perfectly they would not end

double dot(const Vector& a, const Vector& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

/// One left keypoint: inputs of its candidates and of "none", and which of them is right.
struct List {
  std::vector<Vector> answers;
  std::size_t right = 0;
};

/// Ignored candidates are not among the answers; a keypoint with nothing else is no list.
std::vector<List> make_lists(std::span<const std::vector<LabelledCandidate>> images) {
  std::vector<List> lists;
  for (const auto& candidates : images) {
    for (std::size_t begin = 0, end = 0; begin < candidates.size(); begin = end) {
      List list;
      list.answers.push_back({0, 0, 1});
      for (; end < candidates.size() && candidates[end].left == candidates[begin].left; ++end) {
        const LabelledCandidate& candidate = candidates[end];
        if (candidate.truth == CandidateTruth::ignored) continue;
        if (candidate.truth == CandidateTruth::right) list.right = list.answers.size();
        list.answers.push_back({candidate.similarity, candidate.network, 0});
      }
      if (list.answers.size() > 1) lists.push_back(std::move(list));
    }
  }
  return lists;
}

/// Mean of −log P(right answer) and the ridge, its gradient and its Hessian.
struct Loss {
  double value = 0;
  Vector gradient{};
  Square hessian{};
};

Loss loss_at(const std::vector<List>& lists, const Vector& weights) {
  Loss loss;
  const double share = 1 / static_cast<double>(lists.size());
  std::vector<double> logits;
  for (const List& list : lists) {
    logits.clear();
    for (const Vector& answer : list.answers) logits.push_back(dot(weights, answer));
    const double highest = *std::max_element(logits.begin(), logits.end());
    double sum = 0;
    for (const double logit : logits) sum += std::exp(logit - highest);
    loss.value += share * (highest + std::log(sum) - logits[list.right]);
    Vector mean{};
    for (std::size_t i = 0; i < logits.size(); ++i) {
      const double probability = std::exp(logits[i] - highest) / sum;
      const Vector& x = list.answers[i];
      for (std::size_t r = 0; r < kUnknowns; ++r) {
        mean[r] += probability * x[r];
        for (std::size_t c = 0; c < kUnknowns; ++c) loss.hessian[r][c] += share * probability * x[r] * x[c];
      }
    }
    for (std::size_t r = 0; r < kUnknowns; ++r) {
      loss.gradient[r] += share * (mean[r] - list.answers[list.right][r]);
      for (std::size_t c = 0; c < kUnknowns; ++c) loss.hessian[r][c] -= share * mean[r] * mean[c];
    }
  }
  loss.value += kRidge / 2 * dot(weights, weights);
  for (std::size_t r = 0; r < kUnknowns; ++r) {
    loss.gradient[r] += kRidge * weights[r];
    loss.hessian[r][r] += kRidge;
  }
  return loss;
}

/// Solves matrix · x = right for a positive definite matrix, by Gauss without pivoting.
Vector solve(Square matrix, Vector right) {
  for (std::size_t pivot = 0; pivot < kUnknowns; ++pivot) {
    for (std::size_t row = pivot + 1; row < kUnknowns; ++row) {
      const double factor = matrix[row][pivot] / matrix[pivot][pivot];
      for (std::size_t c = pivot; c < kUnknowns; ++c) matrix[row][c] -= factor * matrix[pivot][c];
      right[row] -= factor * right[pivot];
    }
  }
  for (std::size_t row = kUnknowns; row-- > 0;) {
    for (std::size_t c = row + 1; c < kUnknowns; ++c) right[row] -= matrix[row][c] * right[c];
    right[row] /= matrix[row][row];
  }
  return right;
}

}  // namespace

TwoStageRule fit_two_stage(std::span<const std::vector<LabelledCandidate>> lists, TwoStageRule rule) {
  const std::vector<List> all = make_lists(lists);
  const auto matched = std::ranges::count_if(all, [](const List& list) { return list.right != 0; });
  if (matched == 0 || matched == std::ssize(all))
    throw InvalidArgument(matched == 0 ? "nothing to fit: no keypoint has its match among the candidates"
                                       : "nothing to fit: every keypoint has its match among the candidates");
  Vector weights{};
  Loss loss = loss_at(all, weights);
  for (int step = 0; step < kMostSteps; ++step) {
    const Vector direction = solve(loss.hessian, loss.gradient);
    const double promised = dot(direction, loss.gradient) / 2;
    if (promised < kConverged) break;
    for (double length = 1;; length /= 2) {  // the loss is convex: a short enough step lowers it
      Vector next = weights;
      for (std::size_t i = 0; i < kUnknowns; ++i) next[i] -= length * direction[i];
      Loss there = loss_at(all, next);
      if (there.value > loss.value && length > 1e-9) continue;
      weights = next;
      loss = there;
      break;
    }
  }
  rule.similarity_weight = weights[0];
  rule.network_weight = weights[1];
  rule.none = weights[2];
  return rule;
}

}  // namespace twinpatch
