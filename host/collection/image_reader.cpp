// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "image_reader.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "hash.hpp"
#include "keypoint_mask.hpp"
#include "twinpatch/core/stopwatch.hpp"

namespace twinpatch {

std::int64_t LoadedImage::bytes() const {
  const std::int64_t of_patches = patches ? patches->size() * patches->view().patch_bytes() : 0;
  return of_patches + (descriptors ? descriptors->bytes() : 0);
}

DescriptorKeys::DescriptorKeys(const Engine& engine, std::string patch_settings, std::string numerics)
    : sides_differ_(engine.spec().coupling == Coupling::pseudo_siamese), descriptor_size_(engine.descriptor_size()) {
  Hash hash;
  made_with_ = hash.add(model_hash(engine.model())).add(patch_settings).add(numerics).hex();
}

std::string DescriptorKeys::key(const PlannedImage& image, Side side) const {
  Hash hash;
  return hash.add(content_of(image.key)).add(made_with_).add(sides_differ_ && side == Side::right ? 1 : 0).hex();
}

ImageReader::ImageReader(const ImageSource& source, const std::vector<PlannedImage>& images, const DescriptorKeys& keys,
                         DescriptorDiskCache* disk_cache, std::int64_t bytes_ahead)
    : source_(source),
      images_(images),
      keys_(keys),
      disk_cache_(disk_cache),
      bytes_ahead_(bytes_ahead),
      thread_([this] { serve(); }) {}

ImageReader::~ImageReader() {
  {
    const std::scoped_lock lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void ImageReader::expect(std::deque<Wanted> next) {
  {
    const std::scoped_lock lock(mutex_);
    std::erase_if(ready_, [&](const Ready& ready) {  // read ahead and then not needed: they would stand in the way
      if (std::find(next.begin(), next.end(), ready.wanted) != next.end()) return false;
      ready_bytes_ -= ready.image.bytes();
      return true;
    });
    std::erase_if(next, [&](const Wanted& wanted) {
      return loading_ == wanted ||
             std::any_of(ready_.begin(), ready_.end(), [&](const Ready& ready) { return ready.wanted == wanted; });
    });
    next_ = std::move(next);
  }
  changed_.notify_all();
}

LoadedImage ImageReader::take(const Wanted& wanted) {
  std::unique_lock lock(mutex_);
  const auto found = [&] {
    return std::find_if(ready_.begin(), ready_.end(), [&](const Ready& ready) { return ready.wanted == wanted; });
  };
  const Stopwatch watch;
  if (loading_ != wanted && found() == ready_.end()) {  // not expected, or its turn has not come: read here
    std::erase(next_, wanted);
    lock.unlock();
    LoadedImage image = load(wanted);
    waited_ += watch.seconds();
    return image;
  }
  changed_.wait(lock, [&] { return found() != ready_.end(); });
  waited_ += watch.seconds();
  // Images before it were expected and then not needed: they make room.
  Ready ready = std::move(*found());
  while (!(ready_.front().wanted == wanted)) {
    ready_bytes_ -= ready_.front().image.bytes();
    ready_.pop_front();
  }
  ready_bytes_ -= ready.image.bytes();
  ready_.pop_front();
  lock.unlock();
  changed_.notify_all();
  if (ready.error) std::rethrow_exception(ready.error);
  return std::move(ready.image);
}

void ImageReader::serve() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return stop_ || (!next_.empty() && (ready_.empty() || ready_bytes_ < bytes_ahead_)); });
    if (stop_) return;
    const Wanted wanted = next_.front();
    next_.pop_front();
    loading_ = wanted;
    lock.unlock();
    Ready ready{wanted, {}, nullptr};
    try {
      ready.image = load(wanted);
    } catch (...) {
      ready.error = std::current_exception();
    }
    lock.lock();
    loading_.reset();
    ready_bytes_ += ready.image.bytes();
    ready_.push_back(std::move(ready));
    changed_.notify_all();
  }
}

LoadedImage ImageReader::load(const Wanted& wanted) const {
  const PlannedImage& planned = images_[static_cast<std::size_t>(wanted.image)];
  LoadedImage result;
  if (!wanted.patches && disk_cache_ != nullptr) {
    result.descriptors =
        disk_cache_->find(keys_.key(planned, wanted.side), planned.keypoints, keys_.descriptor_size(), result.damage);
    if (result.descriptors != nullptr) return result;
  }
  result.patches = std::make_shared<const PatchSet>(source_.patches(wanted.image));
  const auto changed = [&](const std::string& what) {
    throw ImageChanged(planned.name, fmt::format("image {} changed since the run was planned: {}", planned.name, what));
  };
  if (result.patches->size() != planned.keypoints) {
    changed(fmt::format("it had {} keypoints, now it has {}", planned.keypoints, result.patches->size()));
  }
  if (planned_key(source_, wanted.image) != planned.key) changed("its pixels, keypoints or mask differ");
  return result;
}

}  // namespace twinpatch
