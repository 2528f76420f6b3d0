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

}  // namespace

const NarrowKernels* narrow_table() {
  static const NarrowKernels table{&to_bfloat16};
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
