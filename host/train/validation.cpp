// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "validation.hpp"

#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <unordered_map>

#include "random.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/evaluate/metrics.hpp"

namespace twinpatch::train {
namespace {

constexpr std::uint64_t kPairSeed = 20150607;  // not the run's: curves of different runs compare
constexpr std::int64_t kChunk = 256;
constexpr std::int64_t kMatchingPoints = 512;

/// `count` of `pairs`, drawn without repetition.
std::vector<IndexPair> draw(std::vector<IndexPair> pairs, std::int64_t count, std::uint64_t stream) {
  Random random(kPairSeed, stream);
  const auto size = static_cast<std::int64_t>(pairs.size());
  count = std::min(count, size);
  for (std::int64_t i = 0; i < count; ++i)
    std::swap(pairs[static_cast<std::size_t>(i)], pairs[static_cast<std::size_t>(i + random.below(size - i))]);
  pairs.resize(static_cast<std::size_t>(count));
  return pairs;
}

/// One pair of each of `count` points.
std::vector<IndexPair> group_pairs(const Scene& scene, std::int64_t count, std::uint64_t stream) {
  std::vector<IndexPair> pairs;
  for (std::int64_t i = 0; i < scene.groups(); ++i) {
    const auto patches = scene.group(i);
    Random random(kPairSeed, stream + 100, static_cast<std::uint64_t>(i));
    const auto left = random.below(static_cast<std::int64_t>(patches.size()));
    auto right = random.below(static_cast<std::int64_t>(patches.size()) - 1);
    if (right >= left) ++right;
    pairs.push_back({patches[static_cast<std::size_t>(left)], patches[static_cast<std::size_t>(right)]});
  }
  return draw(std::move(pairs), count, stream);
}

/// Pairs of different points; a scene has two points or more by then.
std::vector<IndexPair> random_others(const Scene& scene, std::int64_t count, std::uint64_t stream) {
  Random random(kPairSeed, stream);
  const auto any_of = [&](std::int64_t group) {
    const auto patches = scene.group(group);
    return patches[static_cast<std::size_t>(random.below(static_cast<std::int64_t>(patches.size())))];
  };
  std::vector<IndexPair> pairs;
  for (std::int64_t i = 0; i < count && scene.groups() > 1; ++i) {
    const auto left = random.below(scene.groups());
    auto right = random.below(scene.groups() - 1);
    if (right >= left) ++right;
    pairs.push_back({any_of(left), any_of(right)});
  }
  return pairs;
}

bool has_list(const std::filesystem::path& folder) {
  const std::filesystem::directory_iterator entries(folder);
  return std::any_of(begin(entries), end(entries), [](const auto& entry) {
    const std::string name = entry.path().filename().string();
    return name.starts_with("m50_") && name.ends_with(".txt");
  });
}

/// The folder's list, or, where it has none, matches and others drawn from its points.
PairList pairs_of(const Scene& scene, std::int64_t count) {
  if (has_list(scene.folder())) return read_scene_pairs(scene);
  PairList list;
  list.pairs = group_pairs(scene, count, 4);
  list.matches.assign(list.pairs.size(), 1);
  const auto others = random_others(scene, count, 5);
  if (others.empty())
    throw InvalidArgument(fmt::format("{}: no negatives: all its patches show one point", scene.folder().string()));
  list.pairs.insert(list.pairs.end(), others.begin(), others.end());
  list.matches.resize(list.pairs.size(), 0);
  return list;
}

at::Tensor gather(const Scene& scene, const std::vector<std::int32_t>& patches, std::int64_t begin,
                  std::int64_t count) {
  const PatchView all = scene.patches();
  auto pixels = at::empty({count, all.height, all.width}, at::kByte);
  for (std::int64_t i = 0; i < count; ++i)
    std::copy_n(scene.patch(patches[static_cast<std::size_t>(begin + i)]), all.patch_bytes(),
                pixels.data_ptr<std::uint8_t>() + i * all.patch_bytes());
  return pixels;
}

at::Tensor vectors_of(const TorchNetwork& net, const Scene& scene, const std::vector<std::int32_t>& patches,
                      Side side) {
  std::vector<at::Tensor> parts;
  const auto size = static_cast<std::int64_t>(patches.size());
  for (std::int64_t begin = 0; begin < size; begin += kChunk)
    parts.push_back(net.vectors(net.normalise(gather(scene, patches, begin, std::min(kChunk, size - begin))), side));
  return at::cat(parts);
}

std::vector<std::int32_t> side_of(const std::vector<IndexPair>& pairs, Side side) {
  std::vector<std::int32_t> patches;
  for (const IndexPair& pair : pairs) patches.push_back(side == Side::left ? pair.left : pair.right);
  return patches;
}

/// Vectors of each distinct patch once, then of every pair by index.
at::Tensor vectors_by_pair(const TorchNetwork& net, const Scene& scene, const std::vector<std::int32_t>& patches,
                           Side side) {
  auto distinct = patches;
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  std::vector<std::int64_t> rows;
  for (const auto patch : patches)
    rows.push_back(std::lower_bound(distinct.begin(), distinct.end(), patch) - distinct.begin());
  return vectors_of(net, scene, distinct, side).index_select(0, at::tensor(rows, at::kLong).to(net.device()));
}

std::vector<float> pair_scores(const TorchNetwork& net, const Scene& scene, const std::vector<IndexPair>& pairs) {
  const auto left = side_of(pairs, Side::left);
  const auto right = side_of(pairs, Side::right);
  const auto size = static_cast<std::int64_t>(pairs.size());
  std::vector<at::Tensor> parts;
  if (net.spec().coupling == Coupling::two_channel) {
    for (std::int64_t begin = 0; begin < size; begin += kChunk) {
      const auto count = std::min(kChunk, size - begin);
      parts.push_back(net.pair_scores(net.normalise(gather(scene, left, begin, count)),
                                      net.normalise(gather(scene, right, begin, count))));
    }
  } else if (net.spec().coupling == Coupling::siamese) {
    auto both = left;
    both.insert(both.end(), right.begin(), right.end());
    const auto vectors = vectors_by_pair(net, scene, both, Side::left);
    parts.push_back(net.vector_scores(vectors.narrow(0, 0, size), vectors.narrow(0, size, size)));
  } else {
    parts.push_back(net.vector_scores(vectors_by_pair(net, scene, left, Side::left),
                                      vectors_by_pair(net, scene, right, Side::right)));
  }
  const auto scores = at::cat(parts).to(at::kCPU).contiguous();
  return {scores.data_ptr<float>(), scores.data_ptr<float>() + scores.numel()};
}

double mutual_share(const TorchNetwork& net, const Scene& scene, const std::vector<IndexPair>& pairs) {
  const auto grid = net.grid_scores(vectors_of(net, scene, side_of(pairs, Side::left), Side::left),
                                    vectors_of(net, scene, side_of(pairs, Side::right), Side::right));
  const auto own = at::arange(grid.size(0), at::TensorOptions().dtype(at::kLong).device(grid.device()));
  const auto right = grid.argmax(1).eq(own).logical_and(grid.argmax(0).eq(own));
  return right.to(at::kFloat).mean().item<double>();
}

}  // namespace

Validator::Validator(Scenes scenes, const TrainOptions& options) {
  for (auto& scene : scenes) {
    const PairList list = pairs_of(*scene, options.validation_pairs);
    std::vector<IndexPair> matches, others;
    for (std::size_t i = 0; i < list.pairs.size(); ++i)
      (list.matches[i] != 0 ? matches : others).push_back(list.pairs[i]);
    Set set;
    set.pairs = draw(std::move(matches), options.validation_pairs, 1);
    set.labels.assign(set.pairs.size(), 1);
    const auto negatives = draw(std::move(others), options.validation_pairs, 2);
    set.pairs.insert(set.pairs.end(), negatives.begin(), negatives.end());
    set.labels.resize(set.pairs.size(), 0);
    set.matching = group_pairs(*scene, kMatchingPoints, 3);
    set.scene = std::move(scene);
    sets_.push_back(std::move(set));
  }
}

Validator::Outcome Validator::run(TorchNetwork& net) const {
  const c10::NoGradGuard no_gradient;
  net.set_training(false);
  Outcome outcome;
  for (const Set& set : sets_) {
    const auto scores = pair_scores(net, *set.scene, set.pairs);
    SceneScore result;
    result.scene = set.scene->name();
    const bool finite = std::all_of(scores.begin(), scores.end(), [](float s) { return std::isfinite(s); });
    result.fpr95 = finite ? fpr95(scores, set.labels, Fpr95::hardnet) : 1;
    result.auc = finite ? roc_auc(scores, set.labels) : 0;
    if (net.spec().coupling != Coupling::two_channel) result.matching = mutual_share(net, *set.scene, set.matching);
    outcome.scenes.push_back(result);
    outcome.scores.insert(outcome.scores.end(), scores.begin(), scores.end());
    outcome.labels.insert(outcome.labels.end(), set.labels.begin(), set.labels.end());
  }
  for (const ListValidation& lists : lists_) {
    const auto of_lists = lists.run(net, rule_);
    outcome.scenes.push_back(of_lists.score);
    outcome.scores.insert(outcome.scores.end(), of_lists.network.begin(), of_lists.network.end());
    outcome.labels.insert(outcome.labels.end(), of_lists.labels.begin(), of_lists.labels.end());
  }
  net.set_training(true);
  return outcome;
}

void Validator::add(const ListSets& lists, const TwoStageRule& rule, const TrainOptions& options) {
  rule_ = rule;
  for (const auto& set : lists) lists_.emplace_back(set, options);
}

std::vector<SceneScore> Validator::without_network(const TorchNetwork& net) const {
  TwoStageRule alone = rule_;
  alone.network_weight = 0;
  std::vector<SceneScore> scores;
  for (const ListValidation& lists : lists_) scores.push_back(lists.run(net, alone).score);
  return scores;
}

}  // namespace twinpatch::train
