// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "kernels/cutting.hpp"

#include "kernels/launch_helpers.cuh"

namespace twinpatch::cuda::kernels {
namespace {

/// Level 0 of a pyramid.
/// image [pixels] u8, level [pixels] u16. Thread: a pixel at a time (grid-stride). 3 bytes a pixel.
__global__ void pyramid_base_kernel(const std::uint8_t* image, std::int64_t pixels, std::uint16_t* level) {
  for (std::int64_t i = global_thread(); i < pixels; i += all_threads()) {
    level[i] = static_cast<std::uint16_t>(image[i] * 256U);
  }
}

/// The next level of a pyramid.
/// from [height, width], to [ceil(height / 2), ceil(width / 2)] u16.
/// Thread: a pixel of `to` at a time (grid-stride). No shared memory: its 25 pixels are its neighbours' too, and come
/// out of L1. Sums are exact, in 32 bits (at most 256 · 65280). Floor: 10 bytes of memory and about 60 instructions a
/// pixel of `to`. Reference: cv::pyrDown with BORDER_REPLICATE.
__global__ void pyramid_down_kernel(const std::uint16_t* from, int width, int height, std::uint16_t* to) {
  const int to_width = (width + 1) / 2;
  const std::int64_t pixels = std::int64_t{to_width} * ((height + 1) / 2);
  constexpr unsigned kWeights[] = {1, 4, 6, 4, 1};
  for (std::int64_t i = global_thread(); i < pixels; i += all_threads()) {
    const int y = static_cast<int>(i / to_width);
    const int x = static_cast<int>(i - std::int64_t{y} * to_width);
    unsigned sum = 0;
    TWINPATCH_UNROLL
    for (int dy = -2; dy <= 2; ++dy) {
      const std::uint16_t* const row = from + std::int64_t{min(max(2 * y + dy, 0), height - 1)} * width;
      unsigned of_row = 0;
      TWINPATCH_UNROLL
      for (int dx = -2; dx <= 2; ++dx) of_row += kWeights[dx + 2] * row[min(max(2 * x + dx, 0), width - 1)];
      sum += kWeights[dy + 2] * of_row;
    }
    to[i] = static_cast<std::uint16_t>((sum + 128) >> 8);
  }
}

/// A level as patches are sampled from it.
struct SampledLevel {
  __device__ SampledLevel(const Cut& cut, int number, const LevelWindow& at) : window(at) {
    const PyramidLevels::Level& level = cut.levels.level[static_cast<std::size_t>(number)];
    width = level.width;
    x_low = static_cast<float>(-at.origin_x);
    x_high = static_cast<float>(level.width - 1 - at.origin_x);
    y_low = static_cast<float>(-at.origin_y);
    y_high = static_cast<float>(level.height - 1 - at.origin_y);
    origin = cut.pyramid + level.first + std::int64_t{at.origin_y} * level.width + at.origin_x;
  }

  /// Bilinear; every rounding that of the host's vectors. A neighbour beyond the border has weight 0.
  [[nodiscard]] __device__ float sample(int column, int row) const {
    const auto c = static_cast<float>(column);
    const auto r = static_cast<float>(row);
    const float x = fminf(fmaxf(fmaf(c, window.x_column, fmaf(r, window.x_row, window.x0)), x_low), x_high);
    const float y = fminf(fmaxf(fmaf(c, window.y_column, fmaf(r, window.y_row, window.y0)), y_low), y_high);
    const float x_floor = floorf(x);
    const float y_floor = floorf(y);
    const std::uint16_t* const upper =
        origin + std::int64_t{static_cast<int>(y_floor)} * width + static_cast<int>(x_floor);
    const std::int64_t right = x_floor < x_high ? 1 : 0;
    const std::int64_t down = y_floor < y_high ? width : 0;
    const float top = mix(upper[0], upper[right], x - x_floor);
    const float bottom = mix(upper[down], upper[down + right], x - x_floor);
    return fmaf(y - y_floor, bottom - top, top);
  }

 private:
  [[nodiscard]] __device__ static float mix(std::uint16_t left, std::uint16_t right, float weight) {
    return fmaf(weight, static_cast<float>(right) - static_cast<float>(left), static_cast<float>(left));
  }
  LevelWindow window;
  const std::uint16_t* origin;
  int width;
  float x_low, x_high, y_low, y_high;
};

constexpr int kCutThreads = 256;

/// Patches cut from a pyramid.
/// pyramid [levels] u16, windows [count], patches [count, side, side] u8.
/// Block: one patch at a time (grid-stride). Warp: rows of it, as far apart as the block has warps; lane: every 32nd
/// pixel of a row, so that lanes read neighbours and write 32 bytes together. No shared memory: a window lies in L1,
/// where 8 reads a pixel meet the same lines. Float arithmetic. Floor, 64 × 64: 4,096 pixels of 8 reads and about 70
/// instructions (9 k a warp's), 4 KB written, and of the pyramid, which L2 holds, at most 2 × (64 · 2)² · 1.25 bytes.
/// Reference: vision::sample_patch.
__global__ void cut_patches_kernel(Cut cut, std::uint8_t* patches) {
  const int lane = lane_index();
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const std::int64_t side = cut.side;
  for (std::int64_t patch = blockIdx.x; patch < cut.count; patch += gridDim.x) {
    const PatchWindow window = cut.windows[patch];
    const SampledLevel fine(cut, window.level, window.fine);
    const SampledLevel coarse(cut, min(window.level + 1, cut.levels.count - 1), window.coarse);
    for (int row = warp; row < cut.side; row += kCutThreads / kWarp) {
      std::uint8_t* const to = patches + (patch * side + row) * side;
      for (int column = lane; column < cut.side; column += kWarp) {
        float value = fine.sample(column, row);
        if (window.blend > 0) value = fmaf(window.blend, coarse.sample(column, row) - value, value);
        to[column] = static_cast<std::uint8_t>(fminf(fmaxf(rintf(value * (1.0F / 256.0F)), 0.0F), 255.0F));
      }
    }
  }
}

}  // namespace

PyramidLevels PyramidLevels::of(int width, int height, int most) {
  PyramidLevels levels;
  std::int64_t first = 0;
  for (int count = 0; count < std::min(most, kMostLevels); ++count) {
    levels.level[static_cast<std::size_t>(count)] = {first, width, height};
    levels.count = count + 1;
    first += std::int64_t{width} * height;
    if (width == 1 && height == 1) break;
    width = (width + 1) / 2;
    height = (height + 1) / 2;
  }
  return levels;
}

std::int64_t PyramidLevels::pixels() const {
  if (count == 0) return 0;
  const Level& last = level[static_cast<std::size_t>(count - 1)];
  return last.first + std::int64_t{last.width} * last.height;
}

void make_pyramid(cudaStream_t stream, const std::uint8_t* image, const PyramidLevels& levels, std::uint16_t* pyramid) {
  for (int l = 0; l < levels.count; ++l) {
    const PyramidLevels::Level& level = levels.level[static_cast<std::size_t>(l)];
    const std::int64_t pixels = std::int64_t{level.width} * level.height;
    if (l == 0) {
      launch(stream, per_item(pixels), "pyramid_base", &pyramid_base_kernel, image, pixels, pyramid);
      continue;
    }
    const PyramidLevels::Level& finer = levels.level[static_cast<std::size_t>(l - 1)];
    launch(stream, per_item(pixels), "pyramid_down", &pyramid_down_kernel, pyramid + finer.first, finer.width,
           finer.height, pyramid + level.first);
  }
}

void cut_patches(cudaStream_t stream, const Cut& cut, std::uint8_t* patches) {
  if (cut.count == 0) return;
  launch(stream, per_block(cut.count, kCutThreads), "cut_patches", &cut_patches_kernel, cut, patches);
}

}  // namespace twinpatch::cuda::kernels
