// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "photograph_feed.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "kernels/cutting.hpp"
#include "runtime/nvtx.hpp"
#include "twinpatch/core/checked.hpp"
#include "twinpatch/core/units.hpp"

namespace twinpatch::cuda {
namespace {

/// What a photograph takes on the device beside the patches of a batch.
std::int64_t bytes_of(const PhotographView& photograph, const kernels::PyramidLevels& levels) {
  return checked_add(levels.level[0].width * std::int64_t{levels.level[0].height},
                     checked_multiply(levels.pixels(), 2)) +
         static_cast<std::int64_t>(photograph.windows.size_bytes());
}

}  // namespace

void PhotographFeed::run(const PhotographView& photograph, std::int64_t batch, const RunControl& control,
                         const PatchFeed::Consume& consume) {
  static const RangeName kCut(Stage::compute, "cut");
  const auto count = std::ssize(photograph.windows);
  if (count == 0) return;
  const std::int64_t pixels = std::int64_t{photograph.width} * photograph.height;
  const std::int64_t patch = std::int64_t{photograph.side} * photograph.side;
  const auto window_bytes = static_cast<std::int64_t>(photograph.windows.size_bytes());
  const auto levels = kernels::PyramidLevels::of(photograph.width, photograph.height, photograph.levels);
  HeldBuffer<std::uint16_t> pyramid;
  HeldBuffer<std::uint8_t> patches;
  try {
    if (image_.size() < pixels) image_ = HeldBuffer<std::byte>(device_, pixels);
    if (windows_.size() < window_bytes) windows_ = HeldBuffer<std::byte>(device_, window_bytes);
    pyramid = HeldBuffer<std::uint16_t>(device_, levels.pixels());
    patches = HeldBuffer<std::uint8_t>(device_, checked_multiply(std::min(batch, count), patch));
  } catch (const OutOfMemory& error) {
    throw OutOfMemory(
        fmt::format("a photograph of {}×{} pixels takes {} on the device (--kernels library cuts its patches "
                    "on the host): {}",
                    photograph.width, photograph.height, format_bytes(bytes_of(photograph, levels)), error.what()));
  }
  const cudaStream_t stream = device_->stream();
  staging_.reclaim();  // what lies in both has been used once the compute stream gets here
  staging_.copy(photograph.pixels, pixels, image_.data());
  staging_.copy(photograph.windows.data(), window_bytes, windows_.data());
  staging_.publish();
  work_.begin(stream);
  kernels::make_pyramid(stream, reinterpret_cast<const std::uint8_t*>(image_.data()), levels, pyramid.data());
  work_.end(stream);
  const auto* const windows = reinterpret_cast<const PatchWindow*>(windows_.data());
  for (std::int64_t begin = 0; begin < count; begin += batch) {
    control.check();
    const std::int64_t now = std::min(batch, count - begin);
    device_->profile.next_batch();
    work_.begin(stream);
    {
      const Range range(kCut, {.pairs = now, .bytes = now * patch});
      kernels::cut_patches(stream, {pyramid.data(), levels, windows + begin, now, photograph.side}, patches.data());
    }
    consume(patches.data(), begin, now);
    work_.end(stream);
    control.advance(now);
  }
}

void PhotographFeed::report() {
  staging_.report();
  device_->statistics.add(Stage::compute, work_.collect());
}

}  // namespace twinpatch::cuda
