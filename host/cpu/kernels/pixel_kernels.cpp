// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/pixel_kernels.cpp"
#include <hwy/foreach_target.h>
// The order matters: once per target.
#include <hwy/highway.h>

#include "kernels/pixel_kernels.hpp"

HWY_BEFORE_NAMESPACE();
namespace twinpatch::cpu::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::CappedTag<float, 16>;
using IntTag = hn::Rebind<std::int32_t, Tag>;
using ByteTag = hn::Rebind<std::uint8_t, Tag>;
using Vector = hn::Vec<Tag>;

HWY_INLINE std::int64_t lanes() { return static_cast<std::int64_t>(hn::Lanes(Tag())); }

HWY_INLINE hn::Vec<IntTag> load_bytes(const std::uint8_t* pixels) {
  return hn::PromoteTo(IntTag(), hn::LoadU(ByteTag(), pixels));
}

void load(const std::uint8_t* HWY_RESTRICT pixels, std::int64_t count, float scale, float offset,
          float* HWY_RESTRICT out) {
  const Tag d;
  const Vector factor = hn::Set(d, scale);
  const Vector summand = hn::Set(d, offset);
  std::int64_t i = 0;
  for (; i + lanes() <= count; i += lanes()) {
    hn::StoreU(hn::MulAdd(hn::ConvertTo(d, load_bytes(pixels + i)), factor, summand), d, out + i);
  }
  for (; i < count; ++i) out[i] = static_cast<float>(pixels[i]) * scale + offset;
}

void moments(const std::uint8_t* HWY_RESTRICT pixels, std::int64_t count, std::int64_t* sum, std::int64_t* squares) {
  constexpr std::int64_t kChunk = 8192;  // 255² of each fit in 32 bits even in one lane's sum
  const IntTag d;
  *sum = 0;
  *squares = 0;
  for (std::int64_t first = 0; first < count; first += kChunk) {
    const std::int64_t end = count - first < kChunk ? count : first + kChunk;
    auto sums = hn::Zero(d);
    auto products = hn::Zero(d);
    std::int64_t i = first;
    for (; i + lanes() <= end; i += lanes()) {
      const auto values = load_bytes(pixels + i);
      sums = hn::Add(sums, values);
      products = hn::Add(products, hn::Mul(values, values));
    }
    *sum += hn::GetLane(hn::SumOfLanes(d, sums));
    *squares += hn::GetLane(hn::SumOfLanes(d, products));
    for (; i < end; ++i) {
      const std::int64_t value = pixels[i];
      *sum += value;
      *squares += value * value;
    }
  }
}

void join(const float* HWY_RESTRICT left, const float* HWY_RESTRICT right, std::int64_t count,
          float* HWY_RESTRICT out) {
  const Tag d;
  std::int64_t i = 0;
  for (; i + lanes() <= count; i += lanes()) {
    hn::StoreU(hn::Max(hn::Add(hn::LoadU(d, left + i), hn::LoadU(d, right + i)), hn::Zero(d)), d, out + i);
  }
  for (; i < count; ++i) {
    const float value = left[i] + right[i];
    out[i] = value > 0 ? value : 0;
  }
}

HWY_INLINE Vector sum_at(const float* HWY_RESTRICT left, const float* HWY_RESTRICT right, std::int64_t at) {
  return hn::Add(hn::LoadU(Tag(), left + at), hn::LoadU(Tag(), right + at));
}

void join_pooled(const float* HWY_RESTRICT left, const float* HWY_RESTRICT right, const MapSize& size,
                 float* HWY_RESTRICT out) {
  const auto [height, width, channels] = size;
  const Tag d;
  const Vector zero = hn::Zero(d);
  const std::int64_t row = width * channels;
  for (std::int64_t y = 0; y + 1 < height; y += 2) {
    for (std::int64_t x = 0; x + 1 < width; x += 2, out += channels) {
      const float* u = left + y * row + x * channels;
      const float* v = right + y * row + x * channels;
      std::int64_t c = 0;
      for (; c + lanes() <= channels; c += lanes()) {
        const Vector upper = hn::Max(sum_at(u, v, c), sum_at(u, v, c + channels));
        const Vector lower = hn::Max(sum_at(u, v, c + row), sum_at(u, v, c + row + channels));
        hn::StoreU(hn::Max(hn::Max(upper, lower), zero), d, out + c);
      }
      for (; c < channels; ++c) {
        float largest = 0;
        for (const std::int64_t at : {c, c + channels, c + row, c + row + channels}) {
          const float value = u[at] + v[at];
          if (value > largest) largest = value;
        }
        out[c] = largest;
      }
    }
  }
}

void join_pooled_integers(const IntegerMap& left, const IntegerMap& right, const MapSize& size,
                          float* HWY_RESTRICT out) {
  const auto [height, width, channels] = size;
  const hn::CappedTag<std::int16_t, 32> d;
  const Tag floats;
  const hn::Rebind<std::int16_t, Tag> narrow;
  const IntTag wide;
  constexpr std::int64_t kStep = hn::MaxLanes(d);
  const bool swap = left.step < right.step;
  const float step = swap ? right.step : left.step;
  const std::int16_t* const coarse = swap ? right.integers : left.integers;
  const std::int16_t* const fine = swap ? left.integers : right.integers;
  const float share = 32768 * ((swap ? left.step : right.step) / step) + 0.5F;
  const auto factor = static_cast<std::int16_t>(share < 32767 ? share : 32767);
  const auto factors = hn::Set(d, factor);
  const auto steps = hn::Set(floats, step);
  const std::int64_t row = width * channels;
  for (std::int64_t y = 0; y + 1 < height; y += 2) {
    for (std::int64_t x = 0; x + 1 < width; x += 2, out += channels) {
      const std::int16_t* u = coarse + y * row + x * channels;
      const std::int16_t* v = fine + y * row + x * channels;
      std::int64_t c = 0;
      const auto sum = [&](std::int64_t at) HWY_ATTR {
        return hn::Add(hn::LoadU(d, u + at), hn::MulFixedPoint15(hn::LoadU(d, v + at), factors));
      };
      for (; c + kStep <= channels; c += kStep) {
        const auto upper = hn::Max(sum(c), sum(c + channels));
        const auto lower = hn::Max(sum(c + row), sum(c + row + channels));
        const auto largest = hn::Max(hn::Max(upper, lower), hn::Zero(d));
        HWY_ALIGN std::int16_t kept[kStep];
        hn::Store(largest, d, kept);
        for (std::int64_t i = 0; i < kStep; i += lanes()) {
          const auto integers = hn::PromoteTo(wide, hn::LoadU(narrow, kept + i));
          hn::StoreU(hn::Mul(hn::ConvertTo(floats, integers), steps), floats, out + c + i);
        }
      }
      for (; c < channels; ++c) {
        std::int32_t largest = 0;
        for (const std::int64_t at : {c, c + channels, c + row, c + row + channels}) {
          const std::int32_t value = u[at] + ((v[at] * factor + (1 << 14)) >> 15);
          if (value > largest) largest = value;
        }
        out[c] = static_cast<float>(largest) * step;
      }
    }
  }
}

}  // namespace

const PixelKernels* pixel_table() {
  static const PixelKernels table{hwy::TargetName(HWY_TARGET), &load, &moments, &join, &join_pooled,
                                  &join_pooled_integers};
  return &table;
}

}  // namespace twinpatch::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace twinpatch::cpu {
namespace {

HWY_EXPORT(pixel_table);

}  // namespace

const PixelKernels& pixel_kernels() { return *HWY_DYNAMIC_DISPATCH(pixel_table)(); }

}  // namespace twinpatch::cpu
#endif
