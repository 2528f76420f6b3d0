// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "kernels/patch_view.cuh"

namespace twinpatch::cuda::kernels {
namespace {

constexpr int kThreads = 128;

/// Moments of patches.
/// pixels [count, size] u8, contiguous; maps [count].
/// Block: one patch at a time (grid-stride). Thread: every 128th byte, of patches whose size is a multiple of 4 every
/// 128th word. Shared: 64 bytes. Sums are exact, in 64-bit integers; the map is computed in double by one thread.
/// Reference: reference::normalise.
__global__ void pixel_maps_kernel(BytePatches patches, PixelRule rule, PixelMap* maps) {
  __shared__ unsigned long long partial[2][kThreads / kWarp];
  const int thread = static_cast<int>(threadIdx.x);
  const std::int64_t size = patches.size;
  for (std::int64_t patch = blockIdx.x; patch < patches.count; patch += gridDim.x) {
    const std::uint8_t* const from = patches.pixels + patch * size;
    unsigned long long sum = 0;
    unsigned long long squares = 0;
    const auto add = [&](unsigned value) {
      sum += value;
      squares += value * value;
    };
    if (size % 4 == 0 && reinterpret_cast<std::uintptr_t>(patches.pixels) % 4 == 0) {
      const auto* const words = reinterpret_cast<const std::uint32_t*>(from);
      for (std::int64_t i = thread; i < size / 4; i += kThreads) {
        const std::uint32_t word = words[i];
        for (int byte = 0; byte < 4; ++byte) add(word >> (8 * byte) & 0xffU);
      }
    } else {
      for (std::int64_t i = thread; i < size; i += kThreads) add(from[i]);
    }
    for (int offset = kWarp / 2; offset > 0; offset /= 2) {
      sum += __shfl_xor_sync(kAllLanes, sum, offset);
      squares += __shfl_xor_sync(kAllLanes, squares, offset);
    }
    if (thread % kWarp == 0) {
      partial[0][thread / kWarp] = sum;
      partial[1][thread / kWarp] = squares;
    }
    __syncthreads();
    if (thread == 0) {
      sum = squares = 0;
      for (int warp = 0; warp < kThreads / kWarp; ++warp) {
        sum += partial[0][warp];
        squares += partial[1][warp];
      }
      const double mean = static_cast<double>(sum) / static_cast<double>(size);
      double variance = static_cast<double>(squares) / static_cast<double>(size) - mean * mean;
      if (rule.unbiased_deviation && size > 1) variance *= static_cast<double>(size) / static_cast<double>(size - 1);
      double scale = rule.scale;
      if (rule.divide_deviation) scale /= sqrt(variance * scale * scale + rule.epsilon);
      const double offset = rule.subtract_mean ? -mean * scale : 0.0;
      maps[patch] = {static_cast<float>(scale), static_cast<float>(offset)};
    }
    __syncthreads();  // before the next patch writes `partial`
  }
}

constexpr int kPatchRows = 8;  ///< of threads in a block that loads patches, at most; 16 or 32 columns of them

/// Inputs of a stream.
/// Sources: patches [·, height, width]; out [count, out_height, out_width, channels].
/// Block: one item at a time (grid-stride). Thread: pixels of all channels, as far apart as the block is wide and high.
/// No shared memory. Float arithmetic. Reference: reference::view of reference::patch.
template <class T, int kChannels>
__global__ void load_patches_kernel(Load load, T* out) {
  for (std::int64_t item = blockIdx.x; item < load.count; item += gridDim.x) {
    const Patch first(load.sources[0], item, load);
    const Patch second(load.sources[kChannels - 1], item, load);
    for (int y = static_cast<int>(threadIdx.y); y < load.out_height; y += static_cast<int>(blockDim.y)) {
      T* const row = out + (item * load.out_height + y) * load.out_width * kChannels;
      for (int x = static_cast<int>(threadIdx.x); x < load.out_width; x += static_cast<int>(blockDim.x)) {
        store(row[x * kChannels], view_pixel(first, y, x, load.height, load.view));
        if constexpr (kChannels == 2) store(row[2 * x + 1], view_pixel(second, y, x, load.height, load.view));
      }
    }
  }
}

}  // namespace

void pixel_maps(cudaStream_t stream, BytePatches patches, PixelRule rule, PixelMap* maps) {
  if (patches.count == 0) return;
  launch(stream, per_block(patches.count, kThreads), "pixel_maps", &pixel_maps_kernel, patches, rule, maps);
}

void load_patches(cudaStream_t stream, const PatchLoad& load, void* out) {
  const Load asked = as_read(load);
  const dim3 block(asked.out_width <= kWarp / 2 ? kWarp / 2 : kWarp,
                   static_cast<unsigned>(std::clamp(asked.out_height, 1, kPatchRows)));
  visit_number(load.type, [&]<class T>(T) {
    auto* const kernel = load.sources.size() == 2 ? &load_patches_kernel<T, 2> : &load_patches_kernel<T, 1>;
    launch(stream, {.grid = {blocks_for(load.count, 1, kMostBlocks)}, .block = block}, "load_patches", kernel, asked,
           static_cast<T*>(out));
  });
}

}  // namespace twinpatch::cuda::kernels
