// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/narrow_kernels.cpp"
#include <hwy/foreach_target.h>
// The order matters: once per target.
#include <hwy/highway.h>

#include "kernels/narrow_kernels.hpp"

HWY_BEFORE_NAMESPACE();
namespace twinpatch::cpu::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::CappedTag<float, 16>;
using Bits = hn::Rebind<std::uint32_t, Tag>;
using HalfBits = hn::Rebind<std::uint16_t, Tag>;

HWY_INLINE std::int64_t lanes() { return static_cast<std::int64_t>(hn::Lanes(Tag())); }

/// The upper half of the nearest float whose lower half is zero.
HWY_INLINE hn::Vec<HalfBits> bfloat16_of(hn::Vec<Tag> values) {
  const Bits d;
  const auto bits = hn::BitCast(d, values);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(d, 1));
  const auto rounded = hn::ShiftRight<16>(hn::Add(bits, hn::Add(odd, hn::Set(d, 0x7fff))));
  const auto is_number = hn::RebindMask(d, hn::Eq(values, values));
  return hn::TruncateTo(HalfBits(), hn::IfThenElse(is_number, rounded, hn::Set(d, 0x7fc0)));
}

void to_bfloat16(const float* HWY_RESTRICT in, std::int64_t count, std::uint16_t* HWY_RESTRICT out) {
  std::int64_t i = 0;
  for (; i + lanes() <= count; i += lanes()) hn::StoreU(bfloat16_of(hn::LoadU(Tag(), in + i)), HalfBits(), out + i);
  const hn::CappedTag<float, 1> one;
  const hn::Rebind<std::uint32_t, decltype(one)> one_bits;
  for (; i < count; ++i) {
    const std::uint32_t bits = hn::GetLane(hn::BitCast(one_bits, hn::LoadU(one, in + i)));
    const bool is_number = in[i] == in[i];
    out[i] = static_cast<std::uint16_t>(is_number ? (bits + 0x7fff + ((bits >> 16) & 1)) >> 16 : 0x7fc0);
  }
}

HWY_INLINE std::int64_t ones(hn::Mask<Tag> mask) { return static_cast<std::int64_t>(hn::CountTrue(Tag(), mask)); }

NarrowLosses to_integers(const float* HWY_RESTRICT in, std::int64_t count, NarrowRange range,
                         std::uint8_t* HWY_RESTRICT out) {
  const Tag d;
  const hn::Rebind<std::uint8_t, Tag> bytes;
  const auto factor = hn::Set(d, range.factor);
  const auto low = hn::Set(d, static_cast<float>(range.low));
  const auto high = hn::Set(d, static_cast<float>(range.high));
  const auto half = hn::Set(d, 0.5F);
  const auto largest = hn::Set(d, 3.4028234664e38F);
  NarrowLosses losses{0, false};
  float rest[HWY_MAX_BYTES / sizeof(float)] = {};
  for (std::int64_t i = 0; i < count; i += lanes()) {
    const std::int64_t left = count - i;
    const bool whole = left >= lanes();
    for (std::int64_t j = 0; !whole && j < left; ++j) rest[j] = in[i + j];
    const auto values = hn::LoadU(d, whole ? in + i : rest);
    const auto scaled = hn::Mul(values, factor);
    const auto inside = hn::Min(hn::Max(scaled, low), high);
    // Half a step beyond the range is still rounded into it.
    const auto outside = hn::Gt(hn::Abs(hn::Sub(scaled, inside)), half);
    if (!hn::AllFalse(d, outside)) losses.saturated += ones(outside);
    if (!hn::AllTrue(d, hn::Le(hn::Abs(values), largest))) losses.not_finite = true;
    const auto integers = hn::BitCast(Bits(), hn::NearestInt(inside));
    const auto narrow = hn::TruncateTo(bytes, integers);
    if (whole) {
      hn::StoreU(narrow, bytes, out + i);
      continue;
    }
    std::uint8_t last[HWY_MAX_BYTES];
    hn::StoreU(narrow, bytes, last);
    for (std::int64_t j = 0; j < left; ++j) out[i + j] = last[j];
  }
  return losses;
}

float largest(const float* HWY_RESTRICT in, std::int64_t count) {
  const Tag d;
  const hn::RebindToSigned<Tag> bits;
  constexpr std::int32_t kInfinity = 0x7f800000;
  // By its bits: a maximum of floats may leave out what is not a number.
  auto magnitude = hn::Zero(bits);
  std::int64_t i = 0;
  for (; i + lanes() <= count; i += lanes()) {
    magnitude = hn::Max(magnitude, hn::BitCast(bits, hn::Abs(hn::LoadU(d, in + i))));
  }
  float rest[HWY_MAX_BYTES / sizeof(float)] = {};
  for (std::int64_t j = 0; i + j < count; ++j) rest[j] = in[i + j];
  magnitude = hn::Max(magnitude, hn::BitCast(bits, hn::Abs(hn::LoadU(d, rest))));
  const std::int32_t found = hn::GetLane(hn::MaxOfLanes(bits, magnitude));
  return hn::GetLane(hn::BitCast(d, hn::Set(bits, found < kInfinity ? found : 0x7fc00000)));
}

void to_shorts(const float* HWY_RESTRICT in, std::int64_t count, float factor, std::int16_t* HWY_RESTRICT out) {
  const Tag d;
  const hn::Rebind<std::int16_t, Tag> shorts;
  const auto scale = hn::Set(d, factor);
  std::int64_t i = 0;
  for (; i + lanes() <= count; i += lanes()) {
    hn::StoreU(hn::DemoteTo(shorts, hn::NearestInt(hn::Mul(hn::LoadU(d, in + i), scale))), shorts, out + i);
  }
  float rest[HWY_MAX_BYTES / sizeof(float)] = {};
  std::int16_t last[HWY_MAX_BYTES / sizeof(float)];
  for (std::int64_t j = 0; i + j < count; ++j) rest[j] = in[i + j];
  hn::StoreU(hn::DemoteTo(shorts, hn::NearestInt(hn::Mul(hn::LoadU(d, rest), scale))), shorts, last);
  for (std::int64_t j = 0; i + j < count; ++j) out[i + j] = last[j];
}

void to_pairs(const float* HWY_RESTRICT low, const float* HWY_RESTRICT high, std::int64_t count, float factor,
              std::int32_t* HWY_RESTRICT out) {
  const Tag d;
  const hn::RebindToSigned<Tag> integers;
  const auto scale = hn::Set(d, factor);
  const auto pair = [&](hn::Vec<Tag> first, hn::Vec<Tag> second) HWY_ATTR {
    const auto lower = hn::And(hn::NearestInt(hn::Mul(first, scale)), hn::Set(integers, 0xffff));
    return hn::Or(lower, hn::ShiftLeft<16>(hn::NearestInt(hn::Mul(second, scale))));
  };
  std::int64_t i = 0;
  for (; i + lanes() <= count; i += lanes()) {
    hn::StoreU(pair(hn::LoadU(d, low + i), hn::LoadU(d, high + i)), integers, out + i);
  }
  float rest[2][HWY_MAX_BYTES / sizeof(float)] = {};
  std::int32_t pairs[HWY_MAX_BYTES / sizeof(float)];
  for (std::int64_t j = 0; i + j < count; ++j) {
    rest[0][j] = low[i + j];
    rest[1][j] = high[i + j];
  }
  hn::StoreU(pair(hn::LoadU(d, rest[0]), hn::LoadU(d, rest[1])), integers, pairs);
  for (std::int64_t j = 0; i + j < count; ++j) out[i + j] = pairs[j];
}

}  // namespace

const NarrowKernels* narrow_table() {
  static const NarrowKernels table{&to_bfloat16, &to_integers, &largest, &to_shorts, &to_pairs};
  return &table;
}

}  // namespace twinpatch::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace twinpatch::cpu {
namespace {

HWY_EXPORT(narrow_table);

}  // namespace

const NarrowKernels& narrow_kernels() { return *HWY_DYNAMIC_DISPATCH(narrow_table)(); }

}  // namespace twinpatch::cpu
#endif
