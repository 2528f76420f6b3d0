// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/paired_row_kernels.cpp"
#include <hwy/detect_targets.h>
#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#include <hwy/foreach_target.h>
// The order matters: once per target.
#include <hwy/highway.h>

#include "kernels/paired_row_kernels.hpp"
#include "kernels/paired_rows-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace twinpatch::cpu::HWY_NAMESPACE {
namespace {

void narrow(const float* values, std::int64_t rows, std::int64_t count, std::int16_t* integers, float* steps) {
  narrow_rows({values, count, count, integers, count, steps, 1, nullptr}, rows);
}

void finish(const PairedSums& row, float* HWY_RESTRICT out) {
  const hn::CappedTag<float, 16> d;
  const hn::RebindToSigned<decltype(d)> integers;
  const auto step = hn::Set(d, row.row_step);
  const bool spoiled = row.row_step != row.row_step;  // which a maximum with zero would hide
  const auto floor = hn::Set(d, row.relu && !spoiled ? 0.0F : -3.402823466e+38F);
  for (std::int64_t i = 0; i < row.count; i += hn::MaxLanes(d)) {
    const auto sum = hn::ConvertTo(d, hn::LoadU(integers, row.sums + i));
    const auto factor = hn::Mul(step, hn::LoadU(d, row.column_steps + i));
    const auto value = hn::Max(hn::MulAdd(sum, factor, hn::LoadU(d, row.bias + i)), floor);
    hn::StoreU(spoiled ? step : value, d, out + i);
  }
}

}  // namespace

const PairedRowKernels* paired_row_table() {
  static const PairedRowKernels table{&narrow, &finish};
  return &table;
}

}  // namespace twinpatch::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace twinpatch::cpu {
namespace {

HWY_EXPORT(paired_row_table);

}  // namespace

const PairedRowKernels& paired_row_kernels() { return *HWY_DYNAMIC_DISPATCH(paired_row_table)(); }

}  // namespace twinpatch::cpu
#endif
