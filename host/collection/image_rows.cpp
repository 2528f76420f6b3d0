// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "image_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "keypoint_mask.hpp"
#include "shard_hosts.hpp"

namespace twinpatch {
namespace {

std::unique_ptr<DescriptorsBehind> make_store(const Engine& engine, const std::filesystem::path& folder) {
  if (!has_descriptors(engine.spec())) return nullptr;
  return std::make_unique<DescriptorsBehind>(folder.empty() ? make_temporary_cache() : make_folder_cache(folder));
}

/// Numbers of the keypoints that an early exit samples of an image, among those that are matched.
std::vector<std::int32_t> sample_of(const CollectionWork& work, Side side, std::int64_t matched) {
  if (work.early_exit == nullptr || side == Side::right) return {};
  return work.early_exit->sample().of(matched);
}

}  // namespace

std::int64_t row_count(const CollectionWork& work, std::int64_t keypoints, Side side) {
  if (work.early_exit == nullptr || side == Side::right) return keypoints;
  return keypoints + std::min(keypoints, work.early_exit->sample().size);
}

ImageRows::ImageRows(const CollectionWork& work, const Budget& budget, const std::filesystem::path& descriptors,
                     const RunControl& control)
    : work_(work),
      control_(control.quiet()),
      two_channel_(!has_descriptors(work.engine.spec())),
      keypoint_cost_(budget.row_bytes() + budget.patch_bytes()),
      keys_(work.engine, work.plan.patch_settings, work.plan.numerics,
            descriptor_bits(work.engine, work.source.patch_size(), work.plan.images, descriptors)),
      stored_(make_store(work.engine, descriptors)),
      reader_({work.source, work.plan.images, keys_, stored_.get(),
               work.engine.cuts_patches() && work.rerank == nullptr},  // which needs the patches themselves
              budget.ahead()),
      ahead_({[this](const RowKey& key) { return make(key); },
              [this](const RowKey& key) {
                return row_count(work_, planned(key.first).keypoints, key.second) * keypoint_cost_;
              }},
             budget.rows_ahead(), 1) {}

void ImageRows::expect(std::span<const Needed> needed) {
  std::vector<RowKey> rows;
  for (const Needed& each : needed) {
    if (each.side) rows.emplace_back(each.image, *each.side);
  }
  const std::vector<RowKey> waiting = ahead_.expect(rows);
  std::vector<Wanted> images;
  for (const Needed& each : needed) {
    if (!each.side) {
      images.push_back({each.image, Side::left, true});
    } else if (std::ranges::find(waiting, RowKey{each.image, *each.side}) != waiting.end()) {
      images.push_back({each.image, *each.side, two_channel_});
    }
  }
  reader_.expect(images);
}

std::shared_ptr<const PatchSet> ImageRows::patches(std::int32_t image) {
  return reader_.take({image, Side::left, true}).patches;
}

void ImageRows::finish() {
  if (stored_ != nullptr) stored_->finish();
}

double ImageRows::describing() const { return std::max(0.0, ahead_.busy() - reader_.waited()); }

ImageRows::Made ImageRows::make(const RowKey& key) {
  const auto [image, side] = key;
  const LoadedImage loaded = reader_.take({image, side, two_channel_});
  Made made;
  made.damage = loaded.damage;
  if (work_.rerank != nullptr) made.patches = loaded.patches;
  try {
    made.rows = std::make_shared<const SideRows>(rows_of(image, side, loaded, made));
  } catch (const NotFinite& error) {
    throw NotFinite(fmt::format("image {}: {}", planned(image).name, error.what()), error.index());
  }
  return made;
}

SideRows ImageRows::rows_of(std::int32_t image, Side side, const LoadedImage& loaded, Made& made) {
  const VisibleKeypoints visible = visible_keypoints(work_.source, image, planned(image).keypoints);
  const auto rows_of_some = [&](const auto& all, std::span<const std::int32_t> numbers) {
    return work_.engine.rows(gathered(all, numbers).view(), side, control_);
  };
  const auto with_sample = [&](RowChunks made_of_all, const auto& all) {
    SideRows rows;
    rows.all = std::move(made_of_all);
    rows.sampled = sample_of(work_, side, rows.all.size);
    if (rows.sampled.empty()) return rows;
    std::vector<std::int32_t> numbers = rows.sampled;
    if (visible)
      std::ranges::transform(numbers, numbers.begin(),
                             [&](std::int32_t n) { return (*visible)[static_cast<std::size_t>(n)]; });
    rows.sample = rows_of_some(all, numbers);
    return rows;
  };
  const auto rows_from = [&](const auto& all) {
    return with_sample(visible ? rows_of_some(all, *visible) : work_.engine.rows(all, side, control_), all);
  };
  if (two_channel_) {
    made.described = visible ? std::ssize(*visible) : loaded.patches->size();
    return rows_from(loaded.patches->view());
  }
  std::shared_ptr<const CachedDescriptors> descriptors = loaded.descriptors;
  const std::string key = keys_.key(planned(image), side);
  if (descriptors == nullptr) {  // another block, or the other side, may have made them since they were asked for
    std::string damage;
    descriptors = stored_->find(key, planned(image).keypoints, work_.engine.descriptor_size(), damage);
  }
  made.descriptors_read = descriptors != nullptr;
  if (descriptors == nullptr && !visible) {  // rows stay where they are made, the disk gets a copy
    DescribedRows described = loaded.photograph ? work_.engine.describe_rows(loaded.photograph->view, side, control_)
                                                : work_.engine.describe_rows(loaded.patches->view(), side, control_);
    made.described = described.descriptors.rows();
    descriptors = std::make_shared<const CachedDescriptors>(std::move(described.descriptors));
    stored_->store(key, descriptors);
    return with_sample(std::move(described.rows), descriptors->view());
  }
  if (descriptors == nullptr) {
    descriptors = std::make_shared<const CachedDescriptors>(
        loaded.photograph ? work_.engine.describe(loaded.photograph->view, side, control_)
                          : work_.engine.describe(loaded.patches->view(), side, control_));
    made.described = descriptors->view().rows;
    stored_->store(key, descriptors);
  }
  return rows_from(descriptors->view());
}

}  // namespace twinpatch
