// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "image_reader.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "hash.hpp"
#include "keypoint_mask.hpp"
#include "twinpatch/core/available_threads.hpp"

namespace twinpatch {

namespace {

/// Decoding is the slowest step of images that are large for their keypoints. Half of the threads, as the CPU engine
/// and the cutting of patches use them too; each holds a photograph.
int reading_threads(int asked) { return asked > 0 ? asked : std::clamp(available_threads() / 2, 1, 8); }

}  // namespace

DescriptorKeys::DescriptorKeys(const Engine& engine, const std::string& patch_settings, const std::string& numerics,
                               const std::string& bits)
    : sides_differ_(engine.spec().coupling == Coupling::pseudo_siamese), descriptor_size_(engine.descriptor_size()) {
  Hash hash;
  made_with_ = hash.add(model_hash(engine.model())).add(patch_settings).add(numerics).add(bits).hex();
}

std::string DescriptorKeys::key(const PlannedImage& image, Side side) const {
  Hash hash;
  return hash.add(content_of(image.key)).add(made_with_).add(sides_differ_ && side == Side::right ? 1 : 0).hex();
}

ImageReader::ImageReader(const From& from, std::int64_t bytes_ahead, int threads)
    : from_(from),
      threads_(reading_threads(threads)),
      ahead_({[this](const Wanted& wanted) { return load(wanted); },
              [this](const Wanted& wanted) { return cost(wanted); }},
             bytes_ahead, threads_) {}

/// Patches, or descriptors where those are larger.
std::int64_t ImageReader::cost(const Wanted& wanted) const {
  const Extent patch = from_.source.patch_size();
  const std::int64_t bytes = std::max(std::int64_t{patch.height} * patch.width, from_.keys.descriptor_size() * 4);
  return from_.images[static_cast<std::size_t>(wanted.image)].keypoints * bytes;
}

LoadedImage ImageReader::load(const Wanted& wanted) const {
  const PlannedImage& planned = from_.images[static_cast<std::size_t>(wanted.image)];
  LoadedImage result;
  if (!wanted.patches && from_.descriptors != nullptr) {
    result.descriptors = from_.descriptors->find(from_.keys.key(planned, wanted.side), planned.keypoints,
                                                 from_.keys.descriptor_size(), result.damage);
    if (result.descriptors != nullptr) return result;
  }
  if (from_.photographs && !wanted.patches) result.photograph = from_.source.photograph(wanted.image);
  if (!result.photograph) result.patches = std::make_shared<const PatchSet>(from_.source.patches(wanted.image));
  const std::int64_t keypoints =
      result.photograph ? std::ssize(result.photograph->view.windows) : result.patches->size();
  const auto changed = [&](const std::string& what) {
    throw ImageChanged(planned.name, fmt::format("image {} changed since the run was planned: {}", planned.name, what));
  };
  if (keypoints != planned.keypoints) {
    changed(fmt::format("it had {} keypoints, now it has {}", planned.keypoints, keypoints));
  }
  if (planned_key(from_.source, wanted.image) != planned.key) changed("its pixels, keypoints or mask differ");
  return result;
}

}  // namespace twinpatch
