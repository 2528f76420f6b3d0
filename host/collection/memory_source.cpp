// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "hash.hpp"
#include "twinpatch/collection/image_source.hpp"

namespace twinpatch {

void MemoryImageSource::add(std::string name, PatchSet patches) {
  if (std::any_of(images_.begin(), images_.end(), [&](const Image& image) { return image.name == name; })) {
    throw InvalidArgument(fmt::format("duplicate image \"{}\"", name));
  }
  const PatchView view = patches.view();
  if (view.count > 0) {
    const Extent extent{view.height, view.width};
    if (has_patches_ && extent != extent_) {
      throw ShapeError(fmt::format("image \"{}\": its patches are {}×{}, those of the other images {}×{}", name,
                                   extent.height, extent.width, extent_.height, extent_.width));
    }
    extent_ = extent;
    has_patches_ = true;
  }
  Hash hash;
  hash.add(view.count).add(view.height).add(view.width).add(pixel_bytes(view.type));
  hash.add_bytes(
      {static_cast<const std::byte*>(view.pixels), static_cast<std::size_t>(view.count * view.patch_bytes())});
  images_.push_back({std::move(name), hash.hex(), std::move(patches)});
}

PatchSet MemoryImageSource::patches(std::int64_t image) const { return {at(image).patches.view(), nullptr}; }

}  // namespace twinpatch
