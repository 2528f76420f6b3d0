// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "plan/patch_input.hpp"

#include <cmath>
#include <type_traits>

#include "kernels/pixel_kernels.hpp"

namespace twinpatch::cpu {
namespace {

template <class Pixel>
void load(PatchView patch, PixelMap map, StreamView view, float* out, int step) {
  using Kind = StreamView::Kind;
  const auto* pixels = static_cast<const Pixel*>(patch.pixels);
  const int height = patch.height;
  const int width = patch.width;
  if (view.kind == Kind::surround_average) {
    const PixelMap quarter{map.scale / 4, map.offset};
    for (int y = 0; y + 1 < height; y += 2) {
      const Pixel* upper = pixels + std::int64_t{y} * width;
      const Pixel* lower = upper + width;
      for (int x = 0; x + 1 < width; x += 2, out += step) {
        const auto sum = static_cast<float>(upper[x] + upper[x + 1] + lower[x] + lower[x + 1]);
        *out = quarter.scale * sum + quarter.offset;
      }
    }
    return;
  }
  const bool crop = view.kind == Kind::central_crop;
  const int rows = crop ? height / 2 : height;
  const int columns = crop ? width / 2 : width;
  pixels += crop ? std::int64_t{height / 4} * width + width / 4 : 0;
  if constexpr (std::is_same_v<Pixel, std::uint8_t>) {
    if (step == 1) {
      const auto& kernels = pixel_kernels();
      if (columns == width) {
        kernels.load(pixels, std::int64_t{rows} * columns, map.scale, map.offset, out);
        return;
      }
      for (int y = 0; y < rows; ++y, pixels += width, out += columns) {
        kernels.load(pixels, columns, map.scale, map.offset, out);
      }
      return;
    }
  }
  for (int y = 0; y < rows; ++y, pixels += width) {
    for (int x = 0; x < columns; ++x, out += step) *out = map.scale * static_cast<float>(pixels[x]) + map.offset;
  }
}

}  // namespace

PixelMap pixel_map(const Normalisation& normalisation, PatchView patch) {
  if (patch.type == PixelType::f32) return {};
  const auto* pixels = static_cast<const std::uint8_t*>(patch.pixels);
  const auto count = std::int64_t{patch.height} * patch.width;
  std::int64_t sum = 0;
  std::int64_t squares = 0;
  pixel_kernels().moments(pixels, count, &sum, &squares);
  const double mean = static_cast<double>(sum) / static_cast<double>(count);
  double variance = static_cast<double>(squares) / static_cast<double>(count) - mean * mean;
  if (normalisation.unbiased_deviation && count > 1) {
    variance *= static_cast<double>(count) / static_cast<double>(count - 1);
  }
  double scale = normalisation.scale;
  if (normalisation.divide_deviation) {
    scale /= std::sqrt(variance * scale * scale + normalisation.deviation_epsilon);
  }
  const double offset = normalisation.subtract_mean ? -mean * scale : 0.0;
  return {static_cast<float>(scale), static_cast<float>(offset)};
}

void load_patch(PatchView patch, PixelMap map, StreamView view, float* out, int step) {
  if (patch.type == PixelType::u8) {
    load<std::uint8_t>(patch, map, view, out, step);
  } else {
    load<float>(patch, map, view, out, step);
  }
}

}  // namespace twinpatch::cpu
