// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/collection/estimate.hpp"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "budget.hpp"
#include "planned_work.hpp"
#include "twinpatch/core/lru_cache.hpp"
#include "twinpatch/core/stopwatch.hpp"
#include "twinpatch/engine/two_stage.hpp"

namespace twinpatch {
namespace {

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
    const PlannedImage& planned = plan.images[static_cast<std::size_t>(image)];
    if (planned.keypoints > 0 && !planned.is_left_out()) result.push_back(image);
  }
  return result;
}

/// Uses of images' rows, and how many of them must make the rows first.
struct RowUse {
  std::int64_t uses = 0;
  std::int64_t loads = 0;
};

/// By the order in which blocks use images.
RowUse simulate_cache(const CollectionWork& work, std::span<const std::int64_t> blocks, std::int64_t row_bytes,
                      std::int64_t capacity) {
  const CollectionPlan& plan = work.plan;
  LruCache<std::pair<std::int32_t, Side>, std::int64_t> cache(capacity, [](std::int64_t bytes) { return bytes; });
  RowUse use;
  for (const std::int64_t n : blocks) {
    const Block& block = plan.blocks[static_cast<std::size_t>(n)];
    std::set<std::int32_t> left;
    std::set<std::int32_t> right;
    for (const ImagePair pair : work.pairs.within(block.rows, block.columns)) {
      const auto bytes_of = [&](std::int32_t image) {
        return plan.images[static_cast<std::size_t>(image)].keypoints * row_bytes;
      };
      if (bytes_of(pair.first) == 0 || bytes_of(pair.second) == 0) continue;
      const bool both = work.rerank != nullptr;  // candidates are looked for in both directions
      use.uses += both ? 4 : 2;
      const auto touch = [&](std::set<std::int32_t>& seen, std::int32_t image, Side side) {
        if (seen.insert(image).second) (void)cache.get({image, side}, [&] { return bytes_of(image); });
      };
      touch(left, pair.first, Side::left);
      touch(right, pair.second, Side::right);
      if (!both) continue;
      touch(left, pair.second, Side::left);
      touch(right, pair.first, Side::right);
    }
  }
  use.loads = cache.misses();
  return use;
}

/// An image that is tried: its patches, and its rows as both sides of a grid.
struct Tried {
  PatchSet patches;
  RowChunks left, right;
};

/// Grids take the same time whatever is compared: these descriptors again and again.
Matrix repeated(MatrixView descriptors, std::int64_t rows) {
  Matrix result(rows, descriptors.columns);
  for (std::int64_t i = 0; i < rows; ++i) {
    std::copy_n(descriptors.row(i % descriptors.rows).data(), descriptors.columns, result.row(i).data());
  }
  return result;
}

/// Measures this host's rates with the engines and images of a run.
class Calibration {
 public:
  Calibration(const CollectionWork& work, const RunControl& control) : work_(work), control_(control) {}

  void measure(RunEstimate& estimate) {
    load_images(estimate);
    if (tried_.empty()) return;
    compare(estimate);
    if (work_.rerank != nullptr) rescore(estimate);
  }

 private:
  [[nodiscard]] RunControl quiet() const { return control_.quiet(); }
  [[nodiscard]] const Tried& tried(std::size_t n) const { return tried_[n % tried_.size()]; }

  void load_images(RunEstimate& estimate) {
    const bool descriptors = has_descriptors(work_.engine.spec());
    double load = 0;
    for (const std::int64_t image : images_to_try(work_.plan)) {
      control_.check();
      Tried now;
      const Stopwatch watch;
      now.patches = work_.source.patches(image);
      load += watch.seconds();
      const std::int64_t most = descriptors ? kTriedKeypoints : kTriedSide;
      const PatchView some = now.patches.view().slice(0, std::min(most, now.patches.size()));
      if (descriptors) {
        const Matrix made = describe(some);
        now.left = work_.engine.rows(made.view(), Side::left);
        now.right = work_.engine.rows(made.view(), Side::right);
      } else {
        now.left = work_.engine.rows(some, Side::left, quiet());
        now.right = work_.engine.rows(some, Side::right, quiet());
      }
      tried_.push_back(std::move(now));
    }
    if (tried_.empty()) return;
    estimate.load_seconds_per_image = load / static_cast<double>(tried_.size());
    if (described_ > 0) estimate.patches_per_second = static_cast<double>(described_) / std::max(describing_, 1e-9);
  }

  /// A descriptor for each patch, from the first few patches.
  Matrix describe(const PatchView& patches) {
    const PatchView few = patches.slice(0, std::min(kTriedPatches, patches.count));
    if (tried_.empty()) (void)work_.engine.describe(few.slice(0, 1), Side::left, quiet());  // plans
    const Stopwatch watch;
    const Matrix made = work_.engine.describe(few, Side::left, quiet());
    describing_ += watch.seconds();
    described_ += few.count;
    return repeated(made.view(), patches.count);
  }

  void compare(RunEstimate& estimate) {
    const auto match = [&](const Tried& left, const Tried& right) -> std::int64_t {
      if (work_.rerank == nullptr)
        return std::ssize(work_.engine.match(left.left, right.right, work_.plan.rules.match, quiet()));
      const GridOptions nearest{.top_k = two_stage_rule(work_.rerank->model(), work_.engine.spec().name).candidates};
      const Selected to_right = work_.engine.grid(left.left, right.right, nearest, quiet());
      const Selected to_left = work_.engine.grid(right.left, left.right, nearest, quiet());
      const Candidates found = unite_candidates(to_right.segment(0), to_left.segment(0));
      candidates_ += std::ssize(found.pairs);
      return std::count(found.mutual.begin(), found.mutual.end(), std::uint8_t{1});
    };
    (void)match(tried(0), tried(1));  // plans
    candidates_ = 0;
    std::int64_t comparisons = 0;
    std::int64_t matches = 0;
    std::int64_t pairs = 0;
    const Stopwatch watch;
    for (std::size_t n = 0; watch.seconds() < kTriedSeconds; ++n) {
      control_.check();
      matches += match(tried(n), tried(n + 1));
      comparisons += tried(n).left.size * tried(n + 1).right.size;
      ++pairs;
    }
    estimate.comparisons_per_second = static_cast<double>(comparisons) / watch.seconds();
    estimate.matches_per_pair = static_cast<double>(matches) / static_cast<double>(pairs);
    estimate.candidates_per_pair = static_cast<double>(candidates_) / static_cast<double>(pairs);
  }

  void rescore(RunEstimate& estimate) {
    const PatchSet& left = tried(0).patches;
    const PatchSet& right = tried(1).patches;
    const std::int64_t count = std::min({kTriedRescored, left.size(), right.size()});
    std::vector<IndexPair> list;
    list.reserve(static_cast<std::size_t>(count));
    for (std::int32_t i = 0; i < count; ++i) list.push_back({i, i});
    (void)work_.rerank->score(left.view(), right.view(), std::span(list).first(1));  // plans
    const Stopwatch watch;
    (void)work_.rerank->score(left.view(), right.view(), list, quiet());
    estimate.rerank_pairs_per_second = static_cast<double>(count) / std::max(watch.seconds(), 1e-9);
  }

  const CollectionWork& work_;
  const RunControl& control_;
  std::vector<Tried> tried_;
  double describing_ = 0;  ///< seconds
  std::int64_t described_ = 0;
  std::int64_t candidates_ = 0;  ///< of two stages
};

/// What a shard has to do.
struct Amounts {
  double pairs = 0;
  double comparisons = 0;
  double images = 0;
  double keypoints = 0;  ///< of its images
};

Amounts amounts_of(const CollectionPlan& plan, std::span<const std::int64_t> blocks) {
  Amounts amounts;
  std::vector<bool> met(plan.images.size());
  for (const std::int64_t n : blocks) {
    const Block& block = plan.blocks[static_cast<std::size_t>(n)];
    amounts.pairs += static_cast<double>(block.pairs);
    amounts.comparisons += static_cast<double>(block.comparisons);
    for (const ImageRange images : {block.rows, block.columns}) {
      for (std::int32_t i = images.begin; i < images.end; ++i) {
        const auto at = static_cast<std::size_t>(i);
        if (met[at]) continue;
        met[at] = true;
        amounts.images += 1;
        amounts.keypoints += static_cast<double>(plan.images[at].keypoints);
      }
    }
  }
  return amounts;
}

}  // namespace

RunEstimate estimate_run(const CollectionWork& given, std::span<const std::int64_t> blocks, const RunControl& control) {
  const PlannedWork planned(given);
  const CollectionWork& work = planned.work();
  const CollectionPlan& plan = work.plan;
  const bool descriptors = has_descriptors(work.engine.spec());
  const Extent patch = work.source.patch_size();
  const std::int64_t row_bytes = work.engine.row_bytes(patch.height, patch.width);
  const std::int64_t row_memory =
      Budget(work.engine, work.rerank, patch, work.plan.tile_keypoints, work.early_exit != nullptr).rows();
  RunEstimate estimate;
  const RowUse use = simulate_cache(work, blocks, row_bytes, row_memory);
  estimate.row_loads = use.loads;
  estimate.hit_rate = use.uses == 0 ? 0 : 1.0 - static_cast<double>(use.loads) / static_cast<double>(use.uses);
  estimate.device_bytes = std::min(row_memory, 2 * plan.keypoints() * row_bytes);
  for (const PlannedImage& image : plan.images) estimate.images_with_keypoints += image.keypoints > 0 ? 1 : 0;
  if (descriptors) {
    estimate.descriptor_bytes =
        plan.keypoints() * work.engine.descriptor_size() * 4 + 64 * estimate.images_with_keypoints;
  }
  Calibration(work, control).measure(estimate);

  const Amounts amounts = amounts_of(plan, blocks);
  estimate.result_bytes =
      static_cast<std::int64_t>(amounts.pairs * 12 * (1 + estimate.matches_per_pair)) + 72 * std::ssize(blocks);
  const auto at_rate = [](double amount, double rate) { return rate > 0 ? amount / rate : 0.0; };
  const double engine_seconds = at_rate(amounts.keypoints, estimate.patches_per_second) +
                                at_rate(amounts.comparisons, estimate.comparisons_per_second) +
                                at_rate(amounts.pairs * estimate.candidates_per_pair, estimate.rerank_pairs_per_second);
  const bool reads_each_time = !descriptors || work.rerank != nullptr;
  const double loads = reads_each_time ? static_cast<double>(use.loads) : amounts.images;
  estimate.seconds = std::max(engine_seconds, loads * estimate.load_seconds_per_image);
  return estimate;
}

}  // namespace twinpatch
