// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "losses.hpp"

#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "random.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch::train {
namespace {

constexpr std::uint64_t kNegativeStream = 3;

at::Tensor index(const std::vector<std::int64_t>& values, at::Device device) {
  return at::tensor(values, at::kLong).to(device);
}

at::Tensor patches_of(const PatchBatch& batch) {
  return at::from_blob(const_cast<std::uint8_t*>(batch.pixels.data()),
                       {2 * std::int64_t{batch.count}, batch.height, batch.width}, at::kByte);
}

/// Scores of pairs of the batch: for branches that see one patch from their vectors, else through the whole network.
class PairScores {
 public:
  PairScores(const TorchNetwork& net, const PatchBatch& batch) : net_(net) {
    const auto patches = net.normalise(patches_of(batch));
    left_ = patches.narrow(0, 0, batch.count);
    right_ = patches.narrow(0, batch.count, batch.count);
    if (net.spec().coupling == Coupling::two_channel) return;
    const auto vectors = net.vectors(left_, right_);
    left_ = vectors.left;
    right_ = vectors.right;
  }
  [[nodiscard]] const at::Tensor& left() const { return left_; }
  [[nodiscard]] const at::Tensor& right() const { return right_; }
  [[nodiscard]] at::Tensor of(const GridPairs& pairs) const {
    const auto left = left_.index_select(0, index(pairs.rows, left_.device()));
    const auto right = right_.index_select(0, index(pairs.columns, right_.device()));
    return net_.spec().coupling == Coupling::two_channel ? net_.pair_scores(left, right)
                                                         : net_.vector_scores(left, right);
  }

 private:
  const TorchNetwork& net_;
  at::Tensor left_, right_;  // vectors, or (2-channel) normalised patches
};

GridPairs random_negatives(const PatchBatch& batch, std::int64_t count, std::uint64_t seed) {
  Random random(seed, kNegativeStream, static_cast<std::uint64_t>(batch.step));
  GridPairs pairs;
  const std::int64_t n = batch.count;
  for (std::int64_t tries = 0; static_cast<std::int64_t>(pairs.rows.size()) < count && tries < 20 * count; ++tries) {
    const std::int64_t row = tries % n;
    const std::int64_t column = random.below(n);
    if (batch.excluded[static_cast<std::size_t>(row * n + column)] != 0) continue;
    pairs.rows.push_back(row);
    pairs.columns.push_back(column);
  }
  if (pairs.rows.empty()) throw InvalidArgument("no negatives: all pairs of the batch show the same point");
  return pairs;
}

/// The hardest `count` of the candidates; see hard_negatives for what is left out.
GridPairs hardest(const GridPairs& candidates, const at::Tensor& scores, const PatchBatch& batch, std::int64_t count,
                  double leave_out) {
  const auto values = scores.to(at::kCPU).contiguous();
  std::vector<std::size_t> order(candidates.rows.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return values.data_ptr<float>()[a] > values.data_ptr<float>()[b];
  });
  const auto same_scene = [&](std::size_t i) {
    return batch.scene[static_cast<std::size_t>(candidates.rows[i])] ==
           batch.scene[static_cast<std::size_t>(candidates.columns[i])];
  };
  auto to_skip =
      static_cast<std::int64_t>(leave_out * static_cast<double>(std::count_if(order.begin(), order.end(), same_scene)));
  GridPairs kept;
  for (const std::size_t i : order) {
    if (static_cast<std::int64_t>(kept.rows.size()) == count) break;
    if (to_skip > 0 && same_scene(i)) {
      --to_skip;
      continue;
    }
    kept.rows.push_back(candidates.rows[i]);
    kept.columns.push_back(candidates.columns[i]);
  }
  return kept;
}

/// Scores and targets (+1, −1) of a batch's pairs: as listed, or its matches and as many negatives.
struct LabelledScores {
  at::Tensor scores, targets;
};

LabelledScores labelled_scores(const TorchNetwork& net, const TrainOptions& options, const PatchBatch& batch) {
  const PairScores scores(net, batch);
  GridPairs pairs;
  pairs.rows.resize(static_cast<std::size_t>(batch.count));
  std::iota(pairs.rows.begin(), pairs.rows.end(), std::int64_t{0});
  pairs.columns = pairs.rows;
  std::vector<float> targets;
  for (const auto match : batch.matches) targets.push_back(match != 0 ? 1.0F : -1.0F);
  if (options.pairs == PairSource::groups) {
    GridPairs negatives = random_negatives(batch, std::int64_t{batch.count} * options.mine, options.seed);
    if (options.mine > 1) {
      const c10::NoGradGuard no_gradient;
      negatives = hardest(negatives, scores.of(negatives), batch, batch.count, options.leave_out);
    }
    pairs.rows.insert(pairs.rows.end(), negatives.rows.begin(), negatives.rows.end());
    pairs.columns.insert(pairs.columns.end(), negatives.columns.begin(), negatives.columns.end());
    targets.resize(pairs.rows.size(), -1.0F);
  }
  return {scores.of(pairs), at::tensor(targets).to(net.device())};
}

at::Tensor pick(const at::Tensor& grid, const GridPairs& pairs) {
  return grid.index({index(pairs.rows, grid.device()), index(pairs.columns, grid.device())});
}

/// The hardest negatives of each row's own scene, those that hard_negatives passes over.
GridPairs left_out(const at::Tensor& scores, const PatchBatch& batch, double share) {
  const std::int64_t n = batch.count;
  GridPairs skipped;
  std::vector<std::pair<float, std::int64_t>> own;
  for (std::int64_t row = 0; row < n; ++row) {
    own.clear();
    for (std::int64_t column = 0; column < n; ++column)
      if (batch.excluded[static_cast<std::size_t>(row * n + column)] == 0 &&
          batch.scene[static_cast<std::size_t>(column)] == batch.scene[static_cast<std::size_t>(row)])
        own.emplace_back(-scores.data_ptr<float>()[row * n + column], column);
    const auto count = static_cast<std::ptrdiff_t>(share * static_cast<double>(own.size()));
    std::partial_sort(own.begin(), own.begin() + count, own.end());
    for (std::ptrdiff_t i = 0; i < count; ++i) {
      skipped.rows.push_back(row);
      skipped.columns.push_back(own[static_cast<std::size_t>(i)].second);
    }
  }
  return skipped;
}

/// The hardest negative of each row and each column of a grid, as pairs of the grid.
struct HardPairs {
  GridPairs by_row, by_column;
};
HardPairs hard_pairs(const at::Tensor& grid, const PatchBatch& batch, int count, double leave_out) {
  const auto scores = grid.detach().to(at::kCPU);
  HardPairs pairs{hard_negatives(scores, batch, count, leave_out), {}};
  // Columns: the same on the mirrored grid. Exclusion is symmetric in the two points.
  pairs.by_column = hard_negatives(scores.t().contiguous(), batch, count, leave_out);
  std::swap(pairs.by_column.rows, pairs.by_column.columns);
  if (pairs.by_row.rows.empty()) throw InvalidArgument("no negatives: all pairs of the batch show the same point");
  return pairs;
}

/// −log of the probability of each match in its row and in its column, by softmax over all that may count as negatives.
at::Tensor softmax_ranking(const at::Tensor& grid, const PatchBatch& batch, const TrainOptions& options) {
  const auto n = std::int64_t{batch.count};
  const auto score = [&](const at::Tensor& scores) {
    auto closed = at::from_blob(const_cast<std::uint8_t*>(batch.excluded.data()), {n, n}, at::kByte).to(at::kBool);
    closed = closed.logical_and(at::eye(n, at::kBool).logical_not());
    if (options.leave_out > 0) {
      const GridPairs skipped = left_out(scores.detach().to(at::kCPU).contiguous(), batch, options.leave_out);
      for (std::size_t i = 0; i < skipped.rows.size(); ++i)
        closed.data_ptr<bool>()[skipped.rows[i] * n + skipped.columns[i]] = true;
    }
    const auto logits = (scores / options.temperature).masked_fill(closed.to(scores.device()), -1e9);
    return (at::logsumexp(logits, 1) - logits.diagonal()).mean();
  };
  return 0.5 * (score(grid) + score(grid.t()));
}

/// For normalised vectors −d²/2 is the cosine less 1, so that the temperature means the same for every length.
at::Tensor softmax_loss(const TorchNetwork& net, const TrainOptions& options, const PatchBatch& batch) {
  const PairScores scores(net, batch);
  auto grid = net.grid_scores(scores.left(), scores.right());
  const auto* metric = std::get_if<DecisionMetric>(&net.spec().decision);
  if (metric != nullptr && metric->kind == DecisionMetric::Kind::l2) grid = -0.5 * grid.square();
  return softmax_ranking(grid, batch, options);
}

at::Tensor grid_loss(const TorchNetwork& net, const TrainOptions& options, const PatchBatch& batch) {
  const PairScores scores(net, batch);
  const auto grid = net.grid_scores(scores.left(), scores.right());
  const auto positive = grid.diagonal();
  const HardPairs hard = hard_pairs(grid, batch, options.hard, options.leave_out);
  const auto by_row = pick(grid, hard.by_row);
  const auto by_column = pick(grid, hard.by_column);
  auto loss = at::relu(1 - positive).mean() + 0.5 * (at::relu(1 + by_row).mean() + at::relu(1 + by_column).mean());
  if (options.ranking > 0 && options.temperature > 0) {
    loss = loss + options.ranking * options.temperature * softmax_ranking(grid, batch, options);
  } else if (options.ranking > 0) {
    // A match must beat what competes with it for being the mutual best.
    const auto own_row = positive.index_select(0, index(hard.by_row.rows, grid.device()));
    const auto own_column = positive.index_select(0, index(hard.by_column.columns, grid.device()));
    loss = loss + options.ranking * 0.5 *
                      (at::relu(1 + by_row - own_row).mean() + at::relu(1 + by_column - own_column).mean());
  }
  return loss;
}

at::Tensor triplet_loss(const TorchNetwork& net, const TrainOptions& options, const PatchBatch& batch) {
  const PairScores scores(net, batch);
  const auto grid = net.grid_scores(scores.left(), scores.right());
  const HardPairs hard = hard_pairs(grid, batch, 1, options.leave_out);
  const auto n = std::int64_t{batch.count};
  if (static_cast<std::int64_t>(hard.by_row.rows.size()) != n || hard.by_column.rows.size() != hard.by_row.rows.size())
    return at::relu(1 + pick(grid, hard.by_row) -
                    grid.diagonal().index_select(0, index(hard.by_row.rows, grid.device())))
        .mean();
  const auto hardest = at::maximum(pick(grid, hard.by_row), pick(grid, hard.by_column));
  return at::relu(1 + hardest - grid.diagonal()).mean();
}

at::Tensor energy_loss(const LabelledScores& pairs, double bound) {
  const auto energy = -pairs.scores;
  const auto genuine = (2 / bound) * energy.square();
  const auto impostor = 2 * bound * at::exp((-2.77 / bound) * energy);
  return at::where(pairs.targets > 0, genuine, impostor).mean();
}

}  // namespace

double energy_bound(const NetworkSpec& spec) {
  const auto* metric = std::get_if<DecisionMetric>(&spec.decision);
  if (metric == nullptr || metric->kind == DecisionMetric::Kind::cosine)
    throw InvalidArgument(
        fmt::format("the energy loss needs a network that compares by distance; {} does not", spec.name));
  const double size = static_cast<double>(branch_size(spec));
  const bool l1 = metric->kind == DecisionMetric::Kind::l1;
  if (metric->normalise) return l1 ? 2 * std::sqrt(size) : 2;
  for (const Stream& stream : spec.streams) {
    const auto* last = stream.layers.empty() ? nullptr : std::get_if<Activation>(&stream.layers.back());
    if (last == nullptr || last->kind != Activation::Kind::tanh)
      throw InvalidArgument(
          fmt::format("the energy loss needs a bounded distance: {} neither ends in tanh nor normalises", spec.name));
  }
  return l1 ? 2 * size : 2 * std::sqrt(size);
}

GridPairs hard_negatives(const at::Tensor& scores, const PatchBatch& batch, int count, double leave_out) {
  const std::int64_t n = batch.count;
  const float* values = scores.data_ptr<float>();
  GridPairs pairs;
  std::vector<std::int64_t> candidates;
  for (std::int64_t row = 0; row < n; ++row) {
    candidates.clear();
    std::int64_t same_scene = 0;
    const auto scene = batch.scene[static_cast<std::size_t>(row)];
    for (std::int64_t column = 0; column < n; ++column) {
      if (batch.excluded[static_cast<std::size_t>(row * n + column)] != 0) continue;
      candidates.push_back(column);
      same_scene += batch.scene[static_cast<std::size_t>(column)] == scene ? 1 : 0;
    }
    auto to_skip = static_cast<std::int64_t>(leave_out * static_cast<double>(same_scene));
    const auto wanted = std::min<std::int64_t>(count + to_skip, static_cast<std::int64_t>(candidates.size()));
    std::partial_sort(candidates.begin(), candidates.begin() + wanted, candidates.end(),
                      [&](std::int64_t a, std::int64_t b) {
                        const float x = values[row * n + a];
                        const float y = values[row * n + b];
                        return x > y || (x == y && a < b);
                      });
    int taken = 0;
    for (std::int64_t i = 0; i < wanted && taken < count; ++i) {
      const std::int64_t column = candidates[static_cast<std::size_t>(i)];
      if (to_skip > 0 && batch.scene[static_cast<std::size_t>(column)] == scene) {
        --to_skip;
        continue;
      }
      pairs.rows.push_back(row);
      pairs.columns.push_back(column);
      ++taken;
    }
  }
  return pairs;
}

at::Tensor batch_loss(const TorchNetwork& net, const TrainOptions& options, const PatchBatch& batch) {
  switch (options.loss) {
    case LossKind::grid:
      return grid_loss(net, options, batch);
    case LossKind::triplet:
      return triplet_loss(net, options, batch);
    case LossKind::softmax:
      return softmax_loss(net, options, batch);
    case LossKind::hinge: {
      const auto pairs = labelled_scores(net, options, batch);
      return at::relu(1 - pairs.targets * pairs.scores).mean();
    }
    case LossKind::energy:
      return energy_loss(labelled_scores(net, options, batch), energy_bound(net.spec()));
    case LossKind::cosine: {
      const auto pairs = labelled_scores(net, options, batch);
      return (pairs.scores - pairs.targets).square().mean();
    }
    case LossKind::lists:  // is of another kind of batch: list_loss.hpp
    case LossKind::automatic:
      break;
  }
  throw InvalidArgument("no loss of pairs");
}

}  // namespace twinpatch::train
