// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/twinpatch/pair_choice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <numeric>

#include "apps/frame/command.hpp"
#include "twinpatch/sfm/image_retrieval.hpp"

namespace twinpatch::app {
namespace {

constexpr std::string_view kSequential = "sequential:";
constexpr std::string_view kRetrieval = "retrieval:";

int number_behind(const std::string& text, std::string_view prefix) {
  int value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data() + prefix.size(), end, value);
  if (error == std::errc() && rest == end && value >= 1) return value;
  throw UsageError(fmt::format("--pairs {}: expected {}N with N of 1 or more", text, prefix));
}

/// Every image with the `window` that follow it in order of names, which is COLMAP's order too.
PairSelection sequential(const std::vector<std::string>& names, int window) {
  const std::int64_t count = std::ssize(names);
  std::vector<std::int32_t> order(names.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, {}, [&](std::int32_t i) { return names[static_cast<std::size_t>(i)]; });
  std::vector<ImagePair> pairs;
  for (std::int64_t i = 0; i < count; ++i) {
    for (std::int64_t j = i + 1; j <= std::min<std::int64_t>(i + window, count - 1); ++j) {
      pairs.push_back({order[static_cast<std::size_t>(i)], order[static_cast<std::size_t>(j)]});
    }
  }
  return PairSelection::listed(count, std::move(pairs));
}

PairSelection retrieved(Session& session, const PairRule& rule, const PairContext& context) {
  const NetworkSpec& spec = context.engine.spec();
  if (!has_descriptors(spec)) {
    throw InvalidArgument(
        fmt::format("--pairs {}: {} compares pairs of patches and has no descriptors to find similar "
                    "images by; take a siamese model, and {} as --rerank",
                    rule.text, spec.name, spec.name));
  }
  const auto walk = [&](const std::function<void(std::int64_t, MatrixView)>& sink) {
    describe_collection(context.engine, context.source, {context.descriptors, context.numerics}, sink,
                        session.control());
  };
  const Matrix vectors =
      global_vectors(context.source.size(), walk, {.neighbours = rule.neighbours, .seed = session.options().seed});
  ThreadPool pool(context.threads);
  auto pairs = nearest_images(vectors.view(), rule.neighbours, pool, session.control());
  session.info("retrieval: {} pairs, each image with the {} most similar to it", pairs.size(), rule.neighbours);
  return PairSelection::listed(context.source.size(), std::move(pairs));
}

}  // namespace

PairRule parse_pair_rule(const std::string& text) {
  if (text == "exhaustive") return {PairRule::Kind::exhaustive, 0, text};
  if (text.starts_with(kSequential)) return {PairRule::Kind::sequential, number_behind(text, kSequential), text};
  if (text.starts_with(kRetrieval)) return {PairRule::Kind::retrieval, number_behind(text, kRetrieval), text};
  if (!std::filesystem::exists(text)) {
    throw UsageError(
        fmt::format("--pairs {}: neither exhaustive, sequential:N or retrieval:N nor a file that is there", text));
  }
  return {PairRule::Kind::list, 0, text};
}

ImagePairList listed_pairs(Session& session, const PairRule& rule, const std::vector<std::string>& names) {
  if (rule.kind != PairRule::Kind::list) return {};
  ImagePairList list = read_image_pairs(rule.text, names);
  for (const std::string& warning : list.warnings()) session.warn("{}", warning);
  if (list.repeated > 0) session.detail("{}: {} lines repeat a pair", rule.text, list.repeated);
  return list;
}

PairSelection select_pairs(Session& session, const PairRule& rule, const std::vector<std::string>& names,
                           std::vector<ImagePair> listed, const PairContext& context) {
  switch (rule.kind) {
    case PairRule::Kind::exhaustive:
      return PairSelection::exhaustive(std::ssize(names));
    case PairRule::Kind::sequential:
      return sequential(names, rule.neighbours);
    case PairRule::Kind::retrieval:
      return retrieved(session, rule, context);
    case PairRule::Kind::list:
      break;
  }
  return PairSelection::listed(std::ssize(names), std::move(listed));
}

}  // namespace twinpatch::app
