// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/collection/estimate.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include "budget.hpp"
#include "byte_cache.hpp"

namespace twinpatch {
namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

constexpr std::int64_t kTriedImages = 4;
constexpr std::int64_t kTriedPatches = 1024;    // of an image, through the tower
constexpr std::int64_t kTriedKeypoints = 4096;  // of an image, in a grid
constexpr std::int64_t kTriedRescored = 256;
constexpr double kTriedSeconds = 1.0;

/// Of a grid of a network without descriptors, which takes a millisecond a pair: so many on a side.
constexpr std::int64_t kTriedSide = 48;

/// Images that are tried: neighbours in the middle of the collection that have keypoints.
std::vector<std::int64_t> images_to_try(const CollectionPlan& plan) {
  std::vector<std::int64_t> result;
  const std::int64_t count = std::ssize(plan.images);
  for (std::int64_t n = 0; n < count && std::ssize(result) < kTriedImages; ++n) {
    const std::int64_t image = (count / 2 + n) % count;
    if (plan.images[static_cast<std::size_t>(image)].keypoints > 0) result.push_back(image);
  }
  return result;
}

/// Counts how often rows are made, by the order in which blocks use images.
void simulate_cache(const CollectionPlan& plan, const PairSelection& pairs, BlockRange range, std::int64_t row_bytes,
                    const Budget& budget, RunEstimate& estimate) {
  ByteCache<std::pair<std::int32_t, Side>, bool> cache(budget.rows());
  std::int64_t uses = 0;
  for (std::int64_t n = range.begin; n < range.end; ++n) {
    const Block& block = plan.blocks[static_cast<std::size_t>(n)];
    std::vector<bool> left(static_cast<std::size_t>(block.rows.size()));
    std::vector<bool> right(static_cast<std::size_t>(block.columns.size()));
    for (const ImagePair pair : pairs.within(block.rows, block.columns)) {
      const auto bytes_of = [&](std::int32_t image) {
        return plan.images[static_cast<std::size_t>(image)].keypoints * row_bytes;
      };
      if (bytes_of(pair.first) == 0 || bytes_of(pair.second) == 0) continue;
      uses += 2;
      const auto touch = [&](std::vector<bool>& seen, ImageRange in, std::int32_t image, Side side) {
        const auto at = static_cast<std::size_t>(image - in.begin);
        if (seen[at]) return;
        seen[at] = true;
        (void)cache.get({image, side}, [&] { return std::pair(true, bytes_of(image)); });
      };
      touch(left, block.rows, pair.first, Side::left);
      touch(right, block.columns, pair.second, Side::right);
    }
  }
  estimate.row_loads = cache.misses();
  estimate.hit_rate = uses == 0 ? 0 : 1.0 - static_cast<double>(cache.misses()) / static_cast<double>(uses);
  estimate.device_bytes = std::min(budget.rows(), 2 * plan.keypoints() * row_bytes);
}

struct Tried {
  PatchSet patches;
  Matrix descriptors;
  RowChunks left, right;
};

/// Rates of this host, into `estimate`.
void calibrate(Engine& engine, Engine* rerank, const ImageSource& source, const CollectionPlan& plan,
               const RunControl& control, RunEstimate& estimate) {
  const bool descriptors = has_descriptors(engine.spec());
  std::vector<Tried> tried;
  double load = 0;
  double tower = 0;
  std::int64_t described = 0;
  for (const std::int64_t image : images_to_try(plan)) {
    control.check();
    Tried now;
    const auto start = Clock::now();
    now.patches = source.patches(image);
    load += seconds_since(start);
    const std::int64_t most = descriptors ? kTriedKeypoints : kTriedSide;
    const PatchView some = now.patches.view().slice(0, std::min(most, now.patches.size()));
    if (descriptors) {
      const PatchView few = some.slice(0, std::min(kTriedPatches, some.count));
      if (tried.empty()) (void)engine.describe(few.slice(0, 1), Side::left, {control.stop, nullptr});  // plans
      const auto described_from = Clock::now();
      const Matrix known = engine.describe(few, Side::left, {control.stop, nullptr});
      tower += seconds_since(described_from);
      described += few.count;
      // Grids take the same time whatever is compared: those few again and again.
      now.descriptors = Matrix(some.count, known.columns());
      for (std::int64_t i = 0; i < some.count; ++i) {
        std::copy_n(known.row(i % few.count).data(), known.columns(), now.descriptors.row(i).data());
      }
      now.left = engine.rows(now.descriptors.view(), Side::left);
      now.right = engine.rows(now.descriptors.view(), Side::right);
    } else {
      now.left = engine.rows(some, Side::left, {control.stop, nullptr});
      now.right = engine.rows(some, Side::right, {control.stop, nullptr});
    }
    tried.push_back(std::move(now));
  }
  if (tried.empty()) return;
  estimate.load_seconds_per_image = load / static_cast<double>(tried.size());
  if (described > 0) estimate.patches_per_second = static_cast<double>(described) / std::max(tower, 1e-9);

  std::int64_t comparisons = 0;
  std::int64_t matches = 0;
  std::int64_t pairs = 0;
  const Tried& other = tried.size() > 1 ? tried[1] : tried[0];
  (void)engine.match(tried[0].left, other.right, plan.rules.match, {control.stop, nullptr});  // plans
  const auto start = Clock::now();
  for (std::size_t n = 0; seconds_since(start) < kTriedSeconds; ++n) {
    control.check();
    const Tried& left = tried[n % tried.size()];
    const Tried& right = tried[(n + 1) % tried.size()];
    matches += std::ssize(engine.match(left.left, right.right, plan.rules.match, {control.stop, nullptr}));
    comparisons += left.left.size * right.right.size;
    ++pairs;
  }
  estimate.comparisons_per_second = static_cast<double>(comparisons) / seconds_since(start);
  estimate.matches_per_pair = static_cast<double>(matches) / static_cast<double>(pairs);
  if (rerank == nullptr) return;
  const std::int64_t count = std::min({kTriedRescored, tried[0].patches.size(), other.patches.size()});
  std::vector<IndexPair> list;
  list.reserve(static_cast<std::size_t>(count));
  for (std::int32_t i = 0; i < count; ++i) list.push_back({i, i});
  (void)rerank->score(tried[0].patches.view(), other.patches.view(), std::span(list).first(1));  // plans
  const auto rescored = Clock::now();
  (void)rerank->score(tried[0].patches.view(), other.patches.view(), list, {control.stop, nullptr});
  estimate.rerank_pairs_per_second = static_cast<double>(count) / std::max(seconds_since(rescored), 1e-9);
}

}  // namespace

RunEstimate estimate_run(Engine& engine, Engine* rerank, const ImageSource& source, const PairSelection& pairs,
                         const CollectionPlan& plan, const Shard& shard, const RunControl& control) {
  RunEstimate estimate;
  const Extent patch = source.patch_extent();
  const Budget budget(engine, rerank, patch);
  const BlockRange range = shard_blocks(plan, shard);
  simulate_cache(plan, pairs, range, engine.row_bytes(patch.height, patch.width), budget, estimate);
  for (const PlannedImage& image : plan.images) estimate.images_with_keypoints += image.keypoints > 0 ? 1 : 0;
  if (has_descriptors(engine.spec())) {
    estimate.descriptor_bytes = plan.keypoints() * engine.descriptor_size() * 4 + 64 * estimate.images_with_keypoints;
  }
  calibrate(engine, rerank, source, plan, control, estimate);

  double of_pairs = 0;
  double comparisons = 0;
  double keypoints = 0;
  std::vector<bool> met(plan.images.size());
  for (std::int64_t n = range.begin; n < range.end; ++n) {
    const Block& block = plan.blocks[static_cast<std::size_t>(n)];
    of_pairs += static_cast<double>(block.pairs);
    comparisons += static_cast<double>(block.comparisons);
    for (const ImageRange images : {block.rows, block.columns}) {
      for (std::int32_t i = images.begin; i < images.end; ++i) {
        const auto at = static_cast<std::size_t>(i);
        if (!met[at]) keypoints += static_cast<double>(plan.images[at].keypoints);
        met[at] = true;
      }
    }
  }
  estimate.result_bytes =
      static_cast<std::int64_t>(of_pairs * 12 * (1 + estimate.matches_per_pair)) + 72 * (range.end - range.begin);
  const auto at_rate = [](double amount, double rate) { return rate > 0 ? amount / rate : 0.0; };
  const double engine_seconds = at_rate(keypoints, estimate.patches_per_second) +
                                at_rate(comparisons, estimate.comparisons_per_second) +
                                at_rate(of_pairs * estimate.matches_per_pair, estimate.rerank_pairs_per_second);
  const bool reads_each_time = !has_descriptors(engine.spec()) || rerank != nullptr;
  const double loads = reads_each_time ? static_cast<double>(estimate.row_loads)
                                       : static_cast<double>(std::count(met.begin(), met.end(), true));
  estimate.seconds = std::max(engine_seconds, loads * estimate.load_seconds_per_image);
  return estimate;
}

}  // namespace twinpatch
