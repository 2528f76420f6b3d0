// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <vector>

#include "budget.hpp"
#include "image_reader.hpp"
#include "shard_hosts.hpp"
#include "twinpatch/collection/run.hpp"

namespace twinpatch {

void describe_collection(Engine& engine, const ImageSource& source, const DescriptorFolder& folder,
                         const DescriptorSink& sink, const RunControl& control) {
  check_has_descriptors(engine.spec());
  std::vector<PlannedImage> images = folder.images;
  if (images.empty()) {
    ImageListing listing = list_images(source, {}, {control.stop, nullptr});
    if (!listing.damaged.empty()) throw DamagedImages(std::move(listing.damaged), source.size());
    images = std::move(listing.images);
  }
  const auto has_patches = [](const PlannedImage& image) { return image.keypoints > 0 && !image.is_left_out(); };
  std::vector<Wanted> order;
  for (std::int32_t i = 0; i < std::ssize(images); ++i) {
    if (has_patches(images[static_cast<std::size_t>(i)])) order.push_back({i, Side::left, false});
  }
  const DescriptorKeys keys(engine, source.patch_settings(), folder.numerics,
                            descriptor_bits(engine, source.patch_size(), images, folder.path));
  const auto stored =
      folder.path.empty() ? nullptr : std::make_unique<DescriptorsBehind>(make_folder_cache(folder.path));
  ImageReader reader({source, images, keys, stored.get(), engine.cuts_patches()},
                     Budget(engine, nullptr, source.patch_size()).ahead());
  reader.expect(order);
  for (std::int32_t i = 0; i < std::ssize(images); ++i) {
    control.check();
    const PlannedImage& image = images[static_cast<std::size_t>(i)];
    if (!has_patches(image)) {
      sink(i, {nullptr, 0, engine.descriptor_size()});
      continue;
    }
    const LoadedImage loaded = reader.take({i, Side::left, false});
    if (loaded.descriptors != nullptr) {
      sink(i, loaded.descriptors->view());
      continue;
    }
    try {
      const auto made = std::make_shared<const CachedDescriptors>(
          loaded.photograph ? engine.describe(loaded.photograph->view, Side::left, control.quiet())
                            : engine.describe(loaded.patches->view(), Side::left, control.quiet()));
      if (stored != nullptr) stored->store(keys.key(image, Side::left), made);
      sink(i, made->view());
    } catch (const NotFinite& error) {
      throw NotFinite(fmt::format("image {}: {}", image.name, error.what()), error.index());
    }
  }
  if (stored != nullptr) stored->finish();
}

}  // namespace twinpatch
