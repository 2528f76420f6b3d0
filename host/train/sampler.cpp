// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "sampler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "patch_changes.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch::train {
Sampler::Sampler(Scenes scenes, const TrainOptions& options) : scenes_(std::move(scenes)), options_(options) {
  double sum = 0;
  std::int64_t groups = 0;
  const PatchView first = scenes_.front()->patches();
  for (const auto& scene : scenes_) {
    const PatchView patches = scene->patches();
    if (patches.height != first.height || patches.width != first.width)
      throw ShapeError(fmt::format("{} has patches of {}×{}, {} of {}×{}: all datasets must have one size",
                                   scene->name(), patches.width, patches.height, scenes_.front()->name(), first.width,
                                   first.height));
    sum += std::sqrt(static_cast<double>(scene->groups()));
    cumulative_.push_back(sum);
    groups += scene->groups();
    if (options_.pairs == PairSource::list) {
      const PairList list = read_scene_pairs(*scene);
      ListedPairs sorted;
      for (std::size_t i = 0; i < list.pairs.size(); ++i)
        (list.matches[i] != 0 ? sorted.matches : sorted.others).push_back(list.pairs[i]);
      listed_.push_back(std::move(sorted));
    }
  }
  if (options_.pairs == PairSource::groups && groups < 2)
    throw InvalidArgument("no negatives: the datasets have only one point, at least two are needed");
  if (options_.pairs == PairSource::groups)
    options_.batch = static_cast<int>(std::min<std::int64_t>(options_.batch, groups));
}

void Sampler::draw_from_images(std::int32_t index, int count, Random& random, Taken& taken,
                               std::vector<Sample>& samples) const {
  const Scene& scene = *scenes_[static_cast<std::size_t>(index)];
  // Pairs of images are drawn by their points: what two images have in common, until there is enough.
  for (int tries = 0; tries < 64 && static_cast<int>(samples.size()) < count; ++tries) {
    const auto patches = scene.group(random.below(scene.groups()));
    const auto size = static_cast<std::int64_t>(patches.size());
    const std::int32_t left = scene.image_of(patches[static_cast<std::size_t>(random.below(size))]);
    const std::int32_t right = scene.image_of(patches[static_cast<std::size_t>(random.below(size))]);
    if (left < 0 || left == right) continue;
    const auto& a = scene.sightings(left);
    const auto& b = scene.sightings(right);
    std::vector<Sample> common;
    for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
      if (a[i].group == b[j].group) {
        common.push_back({index, a[i].patch, b[j].patch, true, a[i].group});
        ++i;
        ++j;
      } else {
        a[i].group < b[j].group ? ++i : ++j;
      }
    }
    for (std::size_t i = 0; i < common.size() && static_cast<int>(samples.size()) < count; ++i) {
      const auto other = i + static_cast<std::size_t>(random.below(static_cast<std::int64_t>(common.size() - i)));
      std::swap(common[i], common[other]);
      if (taken.emplace(index, common[i].group).second) samples.push_back(common[i]);
    }
  }
}

std::vector<Sampler::Sample> Sampler::draw_groups(std::int64_t step) const {
  Random random(options_.seed, kDraw, static_cast<std::uint64_t>(step));
  const auto any_scene = [&] {
    const double at = random.uniform() * cumulative_.back();
    return static_cast<std::int32_t>(std::upper_bound(cumulative_.begin(), cumulative_.end() - 1, at) -
                                     cumulative_.begin());
  };
  const std::int32_t focus = any_scene();
  const int focused = static_cast<int>(std::lround(options_.same_scene * options_.batch));
  Taken taken;
  std::vector<Sample> samples;
  if (random.uniform() < options_.same_images) draw_from_images(focus, focused, random, taken, samples);
  int misses = 0;
  while (static_cast<int>(samples.size()) < options_.batch) {
    // A scene that is nearly used up gives way to the others.
    const bool from_focus = static_cast<int>(samples.size()) < focused && misses < 4 * options_.batch;
    const std::int32_t index = from_focus ? focus : any_scene();
    const Scene& scene = *scenes_[static_cast<std::size_t>(index)];
    const std::int64_t group = random.below(scene.groups());
    if (!taken.emplace(index, group).second) {
      ++misses;
      continue;
    }
    const auto patches = scene.group(group);
    const auto size = static_cast<std::int64_t>(patches.size());
    const std::int64_t left = random.below(size);
    std::int64_t right = random.below(size - 1);
    if (right >= left) ++right;
    samples.push_back(
        {index, patches[static_cast<std::size_t>(left)], patches[static_cast<std::size_t>(right)], true, group});
  }
  return samples;
}

std::vector<Sampler::Sample> Sampler::draw_list(std::int64_t step) const {
  Random random(options_.seed, kDraw, static_cast<std::uint64_t>(step));
  std::vector<Sample> samples;
  for (int i = 0; i < 2 * options_.batch; ++i) {
    const double at = random.uniform() * cumulative_.back();
    const auto index = std::upper_bound(cumulative_.begin(), cumulative_.end() - 1, at) - cumulative_.begin();
    const bool match = i % 2 == 0;
    const auto& lists = listed_[static_cast<std::size_t>(index)];
    const auto& pairs = match ? lists.matches : lists.others;
    const IndexPair pair = pairs[static_cast<std::size_t>(random.below(static_cast<std::int64_t>(pairs.size())))];
    samples.push_back({static_cast<std::int32_t>(index), pair.left, pair.right, match, -1});
  }
  return samples;
}

void Sampler::mark_excluded(const std::vector<Sample>& samples, PatchBatch& batch) const {
  const auto count = samples.size();
  batch.excluded.assign(count * count, 0);
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t j = 0; j < count; ++j) {
      if (samples[i].scene != samples[j].scene) continue;
      const Scene& scene = *scenes_[static_cast<std::size_t>(samples[i].scene)];
      const std::int32_t patches[4] = {samples[i].left, samples[i].right, samples[j].left, samples[j].right};
      const bool same = batch.point[i] == batch.point[count + j];
      const bool near = scene.overlapping(patches[0], patches[2]) || scene.overlapping(patches[0], patches[3]) ||
                        scene.overlapping(patches[1], patches[2]) || scene.overlapping(patches[1], patches[3]);
      batch.excluded[i * count + j] = same || near ? 1 : 0;
    }
}

PatchBatch Sampler::batch(std::int64_t step) const {
  const bool listed = options_.pairs == PairSource::list;
  const auto samples = listed ? draw_list(step) : draw_groups(step);
  const PatchView patches = scenes_.front()->patches();
  PatchBatch batch;
  batch.step = step;
  batch.count = static_cast<int>(samples.size());
  batch.height = patches.height;
  batch.width = patches.width;
  const std::size_t bytes = static_cast<std::size_t>(patches.height) * static_cast<std::size_t>(patches.width);
  batch.pixels.resize(2 * samples.size() * bytes);
  batch.point.resize(2 * samples.size());
  Random random(options_.seed, kChange, static_cast<std::uint64_t>(step));
  const auto& augmentation = options_.augmentation;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const Sample& sample = samples[i];
    const Scene& scene = *scenes_[static_cast<std::size_t>(sample.scene)];
    const SquareSymmetry symmetry = draw_symmetry(augmentation, random);
    const bool swap = augmentation.swap && random.coin();
    const double share = window_share(options_.windows, scene.patch_extent(), random);
    for (int side = 0; side < 2; ++side) {
      const std::int32_t patch = (side == 0) != swap ? sample.left : sample.right;
      const std::size_t at = i + (side == 0 ? 0 : samples.size());
      const PatchChange change = draw_change(augmentation, symmetry, share, patches.width, random);
      change_patch(scene.patch(patch), batch.pixels.data() + at * bytes, patches.height, patches.width, change);
      batch.point[at] = scene.points()[static_cast<std::size_t>(patch)];
    }
    batch.matches.push_back(sample.match ? 1 : 0);
    batch.scene.push_back(sample.scene);
  }
  if (!listed) mark_excluded(samples, batch);
  return batch;
}

}  // namespace twinpatch::train
