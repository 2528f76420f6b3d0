// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <numeric>

#include "apps/frame/command.hpp"
#include "apps/twinpatch/colmap_images.hpp"
#include "twinpatch/sfm/image_pair_list.hpp"
#include "twinpatch/sfm/image_retrieval.hpp"

namespace twinpatch::app {
namespace {

constexpr std::string_view kSequential = "sequential:";
constexpr std::string_view kRetrieval = "retrieval:";

int number_behind(const std::string& spec, std::string_view prefix) {
  int value = 0;
  const char* end = spec.data() + spec.size();
  const auto [rest, error] = std::from_chars(spec.data() + prefix.size(), end, value);
  if (error == std::errc() && rest == end && value >= 1) return value;
  throw UsageError(fmt::format("--pairs {}: expected {}N with N of 1 or more", spec, prefix));
}

/// Every image with the `window` that follow it in order of names, which is COLMAP's order too.
PairSelection sequential(const ColmapImages& images, int window) {
  const auto count = static_cast<std::int64_t>(images.rows.size());
  std::vector<std::int32_t> order(images.rows.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, {}, [&](std::int32_t i) { return images.rows[static_cast<std::size_t>(i)].name; });
  std::vector<ImagePair> pairs;
  for (std::int64_t i = 0; i < count; ++i) {
    for (std::int64_t j = i + 1; j <= std::min<std::int64_t>(i + window, count - 1); ++j) {
      pairs.push_back({order[static_cast<std::size_t>(i)], order[static_cast<std::size_t>(j)]});
    }
  }
  return PairSelection::listed(count, std::move(pairs));
}

PairSelection retrieved(Session& session, const ColmapOptions& options, const PairContext& context, int neighbours) {
  const NetworkSpec& spec = context.engine.spec();
  if (!has_descriptors(spec)) {
    throw InvalidArgument(
        fmt::format("--pairs {}: {} compares pairs of patches and has no descriptors to find similar "
                    "images by; take a siamese model, and {} as --rerank",
                    options.pairs, spec.name, spec.name));
  }
  const auto walk = [&](const std::function<void(std::int64_t, MatrixView)>& sink) {
    describe_collection(context.engine, context.source, context.descriptors, context.numbers, sink, session.control());
  };
  const Matrix vectors =
      global_vectors(context.source.size(), walk, {.neighbours = neighbours, .seed = session.options().seed});
  ThreadPool pool(options.engine.execution.threads);
  auto pairs = nearest_images(vectors.view(), neighbours, pool, session.control());
  session.say("retrieval: {} pairs, each image with the {} most similar to it", pairs.size(), neighbours);
  return PairSelection::listed(context.source.size(), std::move(pairs));
}

PairSelection from_list(Session& session, const ColmapOptions& options, const ColmapImages& images, bool& complete) {
  if (!std::filesystem::exists(options.pairs)) {
    throw UsageError(fmt::format("--pairs {}: neither exhaustive, sequential:N or retrieval:N nor a file that is there",
                                 options.pairs));
  }
  const ImagePairList list = read_image_pairs(options.pairs, images.names());
  for (const std::string& warning : list.warnings()) session.warn("{}", warning);
  complete = list.complete();
  return PairSelection::listed(static_cast<std::int64_t>(images.rows.size()), list.pairs);
}

}  // namespace

PairSelection choose_pairs(Session& session, const ColmapOptions& options, const ColmapImages& images,
                           const PairContext& context, bool& complete) {
  complete = true;
  if (options.pairs == "exhaustive") return PairSelection::exhaustive(context.source.size());
  if (options.pairs.starts_with(kSequential)) return sequential(images, number_behind(options.pairs, kSequential));
  if (options.pairs.starts_with(kRetrieval)) {
    return retrieved(session, options, context, number_behind(options.pairs, kRetrieval));
  }
  return from_list(session, options, images, complete);
}

}  // namespace twinpatch::app
