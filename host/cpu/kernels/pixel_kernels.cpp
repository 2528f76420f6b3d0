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
  const Tag d;
  const hn::Rebind<std::int16_t, Tag> narrow;
  const hn::RebindToSigned<Tag> wide;
  const Vector left_step = hn::Set(d, left.step);
  const Vector right_step = hn::Set(d, right.step);
  const std::int64_t row = width * channels;
  const auto values = [&](const std::int16_t* from)
                          HWY_ATTR { return hn::ConvertTo(d, hn::PromoteTo(wide, hn::LoadU(narrow, from))); };
  for (std::int64_t y = 0; y + 1 < height; y += 2) {
    for (std::int64_t x = 0; x + 1 < width; x += 2, out += channels) {
      const std::int16_t* u = left.integers + y * row + x * channels;
      const std::int16_t* v = right.integers + y * row + x * channels;
      std::int64_t c = 0;
      const auto sum = [&](std::int64_t at) HWY_ATTR {
        return hn::MulAdd(values(u + at), left_step, hn::Mul(values(v + at), right_step));
      };
      for (; c + lanes() <= channels; c += lanes()) {
        const Vector upper = hn::Max(sum(c), sum(c + channels));
        const Vector lower = hn::Max(sum(c + row), sum(c + row + channels));
        hn::StoreU(hn::Max(hn::Max(upper, lower), hn::Zero(d)), d, out + c);
      }
      for (; c < channels; ++c) {
        float largest = 0;
        for (const std::int64_t at : {c, c + channels, c + row, c + row + channels}) {
          const float value = static_cast<float>(u[at]) * left.step + static_cast<float>(v[at]) * right.step;
          if (value > largest) largest = value;
        }
        out[c] = largest;
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
