// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/twinpatch/pair_choice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <numeric>

#include "twinpatch/sfm/image_pair_list.hpp"
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

/// The images whose pooled descriptors are most similar.
PairSelection retrieved(Session& session, const PairChoice& choice, const Retrieval& retrieval) {
  const NetworkSpec& spec = retrieval.engine.spec();
  if (!has_descriptors(spec)) {
    throw InvalidArgument(
        fmt::format("--pairs {}: {} compares pairs of patches and has no descriptors to find similar "
                    "images; use a siamese model, and {} as --rerank",
                    choice.text, spec.name, spec.name));
  }
  const auto walk = [&](const DescriptorSink& sink) {
    describe_collection(retrieval.engine, retrieval.source, retrieval.descriptors, sink, session.control());
  };
  const Matrix vectors =
      global_vectors(retrieval.source.size(), walk, {.neighbours = choice.neighbours, .seed = session.options().seed});
  ThreadPool pool(retrieval.threads);
  auto pairs = nearest_images(vectors.view(), choice.neighbours, pool, session.control());
  session.info("retrieval: {} pairs, each image with the {} most similar ones", pairs.size(), choice.neighbours);
  return PairSelection::listed(retrieval.source.size(), std::move(pairs));
}

}  // namespace

PairChoice PairChoice::parse(const std::string& text) {
  if (text == "exhaustive") return {Kind::exhaustive, 0, text};
  if (text.starts_with(kSequential)) return {Kind::sequential, number_behind(text, kSequential), text};
  if (text.starts_with(kRetrieval)) return {Kind::retrieval, number_behind(text, kRetrieval), text};
  if (!std::filesystem::exists(text)) {
    throw UsageError(
        fmt::format("--pairs {}: expected exhaustive, sequential:N, retrieval:N or an existing file", text));
  }
  return {Kind::list, 0, text};
}

PairCandidates read_candidates(Session& session, const PairChoice& choice, std::vector<std::string> names) {
  PairCandidates candidates{.choice = choice, .names = std::move(names), .listed = {}, .unknown = {}};
  if (choice.kind != PairChoice::Kind::list) return candidates;
  ImagePairList list = read_image_pairs(choice.list_path(), candidates.names);
  for (const std::string& warning : list.warnings()) session.warn("{}", warning);
  if (list.pairs.empty() && list.complete()) {
    throw InvalidArgument(choice.text + ": no pair of images in this list: there is nothing to match");
  }
  if (list.repeated > 0) session.detail("{}: {} lines are duplicate pairs", choice.text, list.repeated);
  candidates.listed = std::move(list.pairs);
  for (const UnknownImage& image : list.unknown) candidates.unknown.push_back(image.name);
  return candidates;
}

void keep_listed_images(PairCandidates& candidates) {
  if (candidates.choice.kind != PairChoice::Kind::list) return;
  std::vector<std::int32_t> place(candidates.names.size(), -1);
  for (const auto& pair : candidates.listed) {
    place[static_cast<std::size_t>(pair.first)] = 0;
    place[static_cast<std::size_t>(pair.second)] = 0;
  }
  std::vector<std::string> named;
  for (std::size_t i = 0; i < candidates.names.size(); ++i) {
    if (place[i] < 0) continue;
    place[i] = static_cast<std::int32_t>(named.size());
    named.push_back(candidates.names[i]);
  }
  for (auto& pair : candidates.listed) {
    pair = {place[static_cast<std::size_t>(pair.first)], place[static_cast<std::size_t>(pair.second)]};
  }
  candidates.names = std::move(named);
}

PairSelection select_pairs(Session& session, const PairCandidates& candidates, const Retrieval& retrieval) {
  const PairChoice& choice = candidates.choice;
  switch (choice.kind) {
    case PairChoice::Kind::exhaustive:
      return PairSelection::exhaustive(std::ssize(candidates.names));
    case PairChoice::Kind::sequential:
      return sequential(candidates.names, choice.neighbours);
    case PairChoice::Kind::retrieval:
      return retrieved(session, choice, retrieval);
    case PairChoice::Kind::list:
      break;
  }
  return PairSelection::listed(std::ssize(candidates.names), candidates.listed);
}

}  // namespace twinpatch::app
