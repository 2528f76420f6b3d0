// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "apps/twinpatch/pair_choice.hpp"
#include "twinpatch/formats/npy.hpp"
#include "twinpatch/sfm/image_retrieval.hpp"

namespace twinpatch::app {
namespace {

using Kind = PairRule::Kind;

/// Numbers of the images in order of their names, which is COLMAP's order too.
std::vector<std::int32_t> order_of_names(const std::vector<std::string>& names) {
  std::vector<std::int32_t> order(names.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, {}, [&](std::int32_t i) { return names[static_cast<std::size_t>(i)]; });
  return order;
}

/// Every image with the `window` that follow it.
std::vector<ImagePair> sequential(const std::vector<std::string>& names, int window) {
  const std::int64_t count = std::ssize(names);
  const std::vector<std::int32_t> order = order_of_names(names);
  std::vector<ImagePair> pairs;
  for (std::int64_t i = 0; i < count; ++i) {
    for (std::int64_t j = i + 1; j <= std::min<std::int64_t>(i + window, count - 1); ++j) {
      pairs.push_back({order[static_cast<std::size_t>(i)], order[static_cast<std::size_t>(j)]});
    }
  }
  return pairs;
}

/// One vector per image from a file, each of length 1, in the order of the images.
Matrix read_global_vectors(const std::string& path, const std::vector<std::string>& names) {
  const NpyArray array = read_npy(path);
  const auto& shape = array.shape();
  if (shape.size() != 2 || shape[0] != std::ssize(names) || shape[1] < 1) {
    throw FormatError(path, -1,
                      fmt::format("expected an array of {} rows, one for each image in order of their names, found "
                                  "shape [{}]",
                                  names.size(), fmt::join(shape, ", ")));
  }
  const auto values = array.values<float>();
  const std::vector<std::int32_t> order = order_of_names(names);
  Matrix vectors(shape[0], shape[1]);
  for (std::int64_t row = 0; row < shape[0]; ++row) {
    const auto from = values.subspan(static_cast<std::size_t>(row * shape[1]), static_cast<std::size_t>(shape[1]));
    const std::int32_t image = order[static_cast<std::size_t>(row)];
    double squares = 0;
    for (const float value : from) squares += static_cast<double>(value) * value;
    if (!std::isfinite(squares)) {
      throw FormatError(path, -1,
                        fmt::format("row {} (\"{}\") is not finite", row, names[static_cast<std::size_t>(image)]));
    }
    const double scale = squares > 0 ? 1 / std::sqrt(squares) : 0;
    std::ranges::transform(from, vectors.row(image).begin(),
                           [&](float value) { return static_cast<float>(value * scale); });
  }
  return vectors;
}

/// Descriptors of the patches, pooled over each image.
Matrix pooled_vectors(Session& session, const PairRule& rule, const Retrieval& retrieval) {
  const NetworkSpec& spec = retrieval.engine.spec();
  if (!has_descriptors(spec)) {
    throw InvalidArgument(
        fmt::format("--pairs {}: {} compares pairs of patches and has no descriptors to find similar "
                    "images; use a siamese model, and {} as --rerank",
                    rule.text, spec.name, spec.name));
  }
  const auto walk = [&](const DescriptorSink& sink) {
    const auto visible = [&](std::int64_t image, MatrixView all) {
      const std::vector<bool> masked = retrieval.source.masked_keypoints(image);
      if (masked.empty() || all.rows == 0) return sink(image, all);
      Matrix some(std::ranges::count(masked, false), all.columns);
      std::int64_t row = 0;
      for (std::int64_t i = 0; i < all.rows; ++i) {
        if (!masked.at(static_cast<std::size_t>(i))) std::ranges::copy(all.row(i), some.row(row++).begin());
      }
      sink(image, some.view());
    };
    describe_collection(retrieval.engine, retrieval.source, retrieval.descriptors, visible, session.control());
  };
  return global_vectors(retrieval.source.size(), walk, {.neighbours = rule.count(), .seed = session.options().seed});
}

/// The images whose vectors are most similar.
std::vector<ImagePair> retrieved(Session& session, const PairRule& rule, const PairCandidates& candidates,
                                 const Retrieval& retrieval) {
  const Matrix vectors = retrieval.global_vectors.empty()
                             ? pooled_vectors(session, rule, retrieval)
                             : read_global_vectors(retrieval.global_vectors, candidates.names);
  ThreadPool pool(retrieval.threads);
  auto pairs = nearest_images(vectors.view(), rule.count(), pool, session.control());
  session.info("retrieval: {} pairs, each image with the {} most similar ones", pairs.size(), rule.count());
  return pairs;
}

std::vector<ImagePair> spatial(const PairRule& rule, const PairCandidates& candidates) {
  const auto& positions = candidates.knowledge.positions;
  auto pairs = spatial_pairs(positions, rule.number);
  if (!pairs.empty()) return pairs;
  const auto least = least_distance(positions);
  if (!least) throw InvalidArgument(fmt::format("--pairs {}: fewer than two images have a position", rule.text));
  throw InvalidArgument(fmt::format(
      "--pairs {}: no two images are so close to each other; the least distance is {:.6g}", rule.text, *least));
}

std::vector<ImagePair> pairs_of(Session& session, const PairRule& rule, const PairCandidates& candidates,
                                const Retrieval& retrieval) {
  const std::int64_t images = std::ssize(candidates.names);
  const auto last = static_cast<std::int32_t>(images);
  switch (rule.kind) {
    case Kind::exhaustive:
      return PairSelection::exhaustive(images).within({0, last}, {0, last});
    case Kind::sequential:
      return sequential(candidates.names, rule.count());
    case Kind::retrieval:
      return retrieved(session, rule, candidates, retrieval);
    case Kind::spatial:
      return spatial(rule, candidates);
    case Kind::overlap:
      return candidates.knowledge.overlapping;
    case Kind::transitive:
      return transitive_pairs(images, candidates.knowledge.verified, rule.count());
    case Kind::list:
      break;
  }
  return candidates.listed;
}

/// Takes out the pairs that the database rules out: within a frame, and of cameras that are never matched.
void skip_pairs(Session& session, const PairKnowledge& knowledge, std::int64_t images, std::vector<ImagePair>& pairs) {
  const auto skip = [&](const char* which, const auto& is_skipped) {
    const std::int64_t before = PairSelection::listed(images, pairs).count();
    std::erase_if(pairs, is_skipped);
    session.info("pairs: {} {} are skipped", before - PairSelection::listed(images, pairs).count(), which);
  };
  const auto of = [](const auto& values, std::int32_t image) { return values[static_cast<std::size_t>(image)]; };
  if (!knowledge.frames.empty()) {
    skip("within a frame", [&](const ImagePair& pair) {
      const auto frame = of(knowledge.frames, pair.first);
      return frame >= 0 && frame == of(knowledge.frames, pair.second);
    });
  }
  if (!knowledge.never.empty()) {
    skip("between the sensors of --skip-sensors", [&](const ImagePair& pair) {
      const auto cameras = std::minmax({of(knowledge.cameras, pair.first), of(knowledge.cameras, pair.second)});
      return std::ranges::find(knowledge.never, std::pair(cameras.first, cameras.second)) != knowledge.never.end();
    });
  }
}

}  // namespace

nlohmann::ordered_json rules_json(const std::vector<RuleCount>& by_rule) {
  auto rules = nlohmann::ordered_json::array();
  for (const RuleCount& one : by_rule) rules.push_back({{"rule", one.rule}, {"pairs", one.pairs}});
  return rules;
}

SelectedPairs select_pairs(Session& session, const PairCandidates& candidates, const Retrieval& retrieval) {
  const PairChoice& choice = candidates.choice;
  const std::int64_t images = std::ssize(candidates.names);
  const PairKnowledge& knowledge = candidates.knowledge;
  if (choice.rules.size() == 1 && choice.has(Kind::exhaustive) && knowledge.frames.empty() && knowledge.never.empty()) {
    auto all = PairSelection::exhaustive(images);  // takes no memory
    const std::int64_t count = all.count();
    return {std::move(all), {{choice.text, count}}};
  }
  std::vector<ImagePair> all;
  std::vector<RuleCount> by_rule;
  for (const PairRule& rule : choice.rules) {
    const auto pairs = pairs_of(session, rule, candidates, retrieval);
    by_rule.push_back({rule.text, PairSelection::listed(images, pairs).count()});
    if (choice.rules.size() > 1) session.info("pairs: {} by {}", by_rule.back().pairs, rule.text);
    all.insert(all.end(), pairs.begin(), pairs.end());
  }
  skip_pairs(session, knowledge, images, all);
  PairSelection selection = PairSelection::listed(images, std::move(all));
  if (choice.rules.size() > 1) session.info("pairs: {} in all", selection.count());
  return {std::move(selection), std::move(by_rule)};
}

}  // namespace twinpatch::app
