// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/train/augment.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "clones.hpp"
#include "twinpatch/net/spec.hpp"

namespace twinpatch {
namespace {

/// Sampling position of output (x, y): origin + x·(ax, bx) + y·(ay, by), in pixels of the input.
struct Affine {
  float x0 = 0, xx = 0, xy = 0;
  float y0 = 0, yx = 0, yy = 0;
};

Affine sampling(int height, int width, const PatchChange& change) {
  // Around the patch's centre: first the symmetry, then the small turn and scale, then the shift.
  const double radians = change.angle;
  const double c = std::cos(radians) * change.scale;
  const double s = std::sin(radians) * change.scale;
  static constexpr double kCosine[] = {1, 0, -1, 0};
  static constexpr double kSine[] = {0, 1, 0, -1};
  const int turn = ((change.symmetry.turns % 4) + 4) % 4;
  const double mirror = change.symmetry.mirror ? -1 : 1;
  // Columns of symmetry: where a step to the right and a step down of the output lead in the input.
  const double right_x = kCosine[turn] * mirror;
  const double right_y = kSine[turn] * mirror;
  const double down_x = -kSine[turn];
  const double down_y = kCosine[turn];
  const double centre_x = (width - 1) / 2.0;
  const double centre_y = (height - 1) / 2.0;
  const double xx = c * right_x - s * right_y;
  const double yx = s * right_x + c * right_y;
  const double xy = c * down_x - s * down_y;
  const double yy = s * down_x + c * down_y;
  return {static_cast<float>(centre_x + change.shift_x - xx * centre_x - xy * centre_y),
          static_cast<float>(xx),
          static_cast<float>(xy),
          static_cast<float>(centre_y + change.shift_y - yx * centre_x - yy * centre_y),
          static_cast<float>(yx),
          static_cast<float>(yy)};
}

/// grey → (grey − 128) · gain + 128 + offset
struct Tone {
  float gain;
  float offset;
};

/// Bilinear, mirrored at the border (…2 1 0 1 2…), gain and offset around 128. All-float inner loop: it vectorises.
TWINPATCH_CLONES void resample(const std::uint8_t* from, std::uint8_t* to, Extent size, Affine affine, Tone tone) {
  const int height = size.height;
  const int width = size.width;
  const float gain = tone.gain;
  const float offset = tone.offset;
  const float last_x = static_cast<float>(width - 1);
  const float last_y = static_cast<float>(height - 1);
  const int limit_x = width > 1 ? width - 2 : 0;
  const int limit_y = height > 1 ? height - 2 : 0;
  const int step_x = width > 1 ? 1 : 0;
  const int step_y = height > 1 ? width : 0;
  for (int row = 0; row < height; ++row) {
    const float start_x = affine.x0 + affine.xy * static_cast<float>(row);
    const float start_y = affine.y0 + affine.yy * static_cast<float>(row);
#pragma omp simd
    for (int column = 0; column < width; ++column) {
      float x = __builtin_fabsf(start_x + affine.xx * static_cast<float>(column));
      float y = __builtin_fabsf(start_y + affine.yx * static_cast<float>(column));
      x = last_x - __builtin_fabsf(last_x - x);
      y = last_y - __builtin_fabsf(last_y - y);
      x = x > 0 ? x : 0;
      y = y > 0 ? y : 0;
      const int ix = static_cast<int>(x) < limit_x ? static_cast<int>(x) : limit_x;
      const int iy = static_cast<int>(y) < limit_y ? static_cast<int>(y) : limit_y;
      const float fx = x - static_cast<float>(ix);
      const float fy = y - static_cast<float>(iy);
      const std::uint8_t* corner = from + iy * width + ix;
      const float top = static_cast<float>(corner[0]) + fx * static_cast<float>(corner[step_x] - corner[0]);
      const float bottom =
          static_cast<float>(corner[step_y]) + fx * static_cast<float>(corner[step_y + step_x] - corner[step_y]);
      const float grey = (top + fy * (bottom - top) - 128.0F) * gain + offset + 128.5F;
      const float bounded = grey < 0 ? 0 : (grey > 255 ? 255 : grey);
      to[row * width + column] = static_cast<std::uint8_t>(bounded);
    }
  }
}

/// 1-2-1 by 1-2-1, the border repeated.
TWINPATCH_CLONES void blur(std::uint8_t* patch, std::uint8_t* rows, int height, int width) {
  for (int y = 0; y < height; ++y) {
    const std::uint8_t* here = patch + y * width;
    const std::uint8_t* above = y > 0 ? here - width : here;
    const std::uint8_t* below = y + 1 < height ? here + width : here;
    for (int x = 0; x < width; ++x)
      rows[y * width + x] = static_cast<std::uint8_t>((above[x] + 2 * here[x] + below[x] + 2) >> 2);
  }
  for (int y = 0; y < height; ++y) {
    const std::uint8_t* row = rows + y * width;
    std::uint8_t* out = patch + y * width;
    out[0] = static_cast<std::uint8_t>((3 * row[0] + row[width > 1 ? 1 : 0] + 2) >> 2);
    for (int x = 1; x + 1 < width; ++x)
      out[x] = static_cast<std::uint8_t>((row[x - 1] + 2 * row[x] + row[x + 1] + 2) >> 2);
    if (width > 1) out[width - 1] = static_cast<std::uint8_t>((row[width - 2] + 3 * row[width - 1] + 2) >> 2);
  }
}

bool is_identity(const PatchChange& change) {
  return change.symmetry.turns % 4 == 0 && !change.symmetry.mirror && change.shift_x == 0 && change.shift_y == 0 &&
         change.angle == 0 && change.scale == 1 && change.gain == 1 && change.offset == 0;
}

}  // namespace

void change_patch(const std::uint8_t* from, std::uint8_t* to, int height, int width, const PatchChange& change) {
  if (is_identity(change)) {
    std::memcpy(to, from, static_cast<std::size_t>(height) * static_cast<std::size_t>(width));
  } else {
    PatchChange allowed = change;
    if (height != width) allowed.symmetry.turns &= 2;
    resample(from, to, {height, width}, sampling(height, width, allowed),
             {static_cast<float>(change.gain), static_cast<float>(change.offset)});
  }
  if (change.blur) {
    thread_local std::vector<std::uint8_t> rows;
    rows.resize(static_cast<std::size_t>(height) * static_cast<std::size_t>(width));
    blur(to, rows.data(), height, width);
  }
}

}  // namespace twinpatch
