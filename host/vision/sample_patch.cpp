// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "sample_patch.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "host/vision/sample_patch.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace twinpatch::vision::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using Ints = hn::RebindToSigned<Floats>;
using FloatVector = hn::Vec<Floats>;
using IntVector = hn::Vec<Ints>;

/// Two neighbouring 16-bit pixels in one 32-bit lane → their linear interpolation.
HWY_INLINE FloatVector mix_pair(IntVector pair, FloatVector weight) {
  const Floats floats;
  const Ints ints;
  const hn::RebindToUnsigned<Ints> bits;
  const auto left = hn::ConvertTo(floats, hn::And(pair, hn::Set(ints, 0xFFFF)));
  const auto right = hn::ConvertTo(floats, hn::BitCast(ints, hn::ShiftRight<16>(hn::BitCast(bits, pair))));
  return hn::MulAdd(weight, hn::Sub(right, left), left);
}

/// Bilinear samples of one vector of patch pixels at (x, y) of a level.
HWY_INLINE FloatVector sample(const SampledWindow& window, FloatVector x, FloatVector y) {
  const Floats floats;
  const Ints ints;
  x = hn::Min(hn::Max(x, hn::Set(floats, window.x_low)), hn::Set(floats, window.x_high));
  y = hn::Min(hn::Max(y, hn::Set(floats, window.y_low)), hn::Set(floats, window.y_high));
  const auto x_floor = hn::Floor(x);
  const auto y_floor = hn::Floor(y);
  const auto offset = hn::Add(hn::Mul(hn::ConvertTo(ints, y_floor), hn::Set(ints, window.stride_bytes)),
                              hn::ShiftLeft<1>(hn::ConvertTo(ints, x_floor)));
  // A 32-bit load at an even address takes a pixel and its right neighbour.
  const auto* const base = reinterpret_cast<const std::int32_t*>(window.origin);
  const auto upper = hn::GatherOffset(ints, base, offset);
  const auto lower = hn::GatherOffset(ints, base, hn::Add(offset, hn::Set(ints, window.stride_bytes)));
  const auto x_weight = hn::Sub(x, x_floor);
  const auto top = mix_pair(upper, x_weight);
  return hn::MulAdd(hn::Sub(y, y_floor), hn::Sub(mix_pair(lower, x_weight), top), top);
}

HWY_INLINE FloatVector sample_row(const SampledWindow& level, FloatVector column, float row) {
  const Floats floats;
  const LevelWindow& window = level.window;
  const auto rows = hn::Set(floats, row);
  const auto x_begin = hn::MulAdd(rows, hn::Set(floats, window.x_row), hn::Set(floats, window.x0));
  const auto y_begin = hn::MulAdd(rows, hn::Set(floats, window.y_row), hn::Set(floats, window.y0));
  return sample(level, hn::MulAdd(column, hn::Set(floats, window.x_column), x_begin),
                hn::MulAdd(column, hn::Set(floats, window.y_column), y_begin));
}

void SamplePatch(const SampledWindow& fine, const SampledWindow& coarse, float blend, int side, std::uint8_t* patch) {
  const Floats floats;
  const hn::Rebind<std::uint8_t, Floats> bytes;
  const int lanes = static_cast<int>(hn::Lanes(floats));
  HWY_ALIGN std::uint8_t tail[HWY_MAX_BYTES];
  for (int row = 0; row < side; ++row) {
    std::uint8_t* const target = patch + static_cast<std::int64_t>(row) * side;
    for (int begin = 0; begin < side; begin += lanes) {
      const auto column = hn::Iota(floats, static_cast<float>(begin));
      auto value = sample_row(fine, column, static_cast<float>(row));
      if (blend > 0) {
        const auto other = sample_row(coarse, column, static_cast<float>(row));
        value = hn::MulAdd(hn::Set(floats, blend), hn::Sub(other, value), value);
      }
      // Levels hold 256 times the grey level.
      const auto rounded = hn::NearestInt(hn::Mul(value, hn::Set(floats, 1.0F / 256.0F)));
      const auto narrow = hn::DemoteTo(bytes, rounded);
      if (begin + lanes <= side) {
        hn::StoreU(narrow, bytes, target + begin);
      } else {
        hn::StoreU(narrow, bytes, tail);
        for (int i = 0; i < side - begin; ++i) target[begin + i] = tail[i];
      }
    }
  }
}

}  // namespace twinpatch::vision::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace twinpatch::vision {

HWY_EXPORT(SamplePatch);

void sample_patch(const SampledWindow& fine, const SampledWindow& coarse, float blend, int side, std::uint8_t* patch) {
  HWY_DYNAMIC_DISPATCH(SamplePatch)(fine, coarse, blend, side, patch);
}

}  // namespace twinpatch::vision
#endif
