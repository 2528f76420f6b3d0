// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0

// Vectors of unknown size cannot be kept in arrays, which the register tiles are.
#include <hwy/detect_targets.h>
#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/grid_kernels.cpp"
#include <hwy/foreach_target.h>
// The order matters: once per target.
#include <hwy/highway.h>

#include "kernels/grid_kernels.hpp"

HWY_BEFORE_NAMESPACE();
namespace twinpatch::cpu::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::ScalableTag<float>;
using Vector = hn::Vec<Tag>;

// The register tile. With 32 registers: 8 × 3 accumulators, three columns, one weight, one broadcast. With 16: 6 × 2.
#if HWY_TARGET <= HWY_AVX3 || HWY_TARGET == HWY_NEON
constexpr std::int64_t kTileRows = 8;
constexpr std::int64_t kTileVectors = 3;
#else
constexpr std::int64_t kTileRows = 6;
constexpr std::int64_t kTileVectors = 2;
#endif

HWY_INLINE std::int64_t panel_width() { return kTileVectors * static_cast<std::int64_t>(hn::Lanes(Tag())); }

struct Dot {
  static constexpr bool kWeighted = false;
  static HWY_INLINE Vector add(Vector sum, Vector left, Vector right, Vector /*weight*/) {
    return hn::MulAdd(left, right, sum);
  }
};
struct Head {
  static constexpr bool kWeighted = true;
  static HWY_INLINE Vector add(Vector sum, Vector left, Vector right, Vector weight) {
    return hn::MulAdd(weight, hn::Max(left, right), sum);
  }
};
struct L1 {
  static constexpr bool kWeighted = false;
  static HWY_INLINE Vector add(Vector sum, Vector left, Vector right, Vector /*weight*/) {
    return hn::Sub(sum, hn::Abs(hn::Sub(left, right)));
  }
};
struct L2 {
  static constexpr bool kWeighted = false;
  static HWY_INLINE Vector add(Vector sum, Vector left, Vector right, Vector /*weight*/) {
    const Vector difference = hn::Sub(left, right);
    return hn::NegMulAdd(difference, difference, sum);
  }
};

/// `kRows` rows from row `first` on × one panel, sums in registers from the first k to the last.
template <class Operation, std::int64_t kRows>
HWY_INLINE void tile(const StripWork& work, std::int64_t first, float* HWY_RESTRICT out) {
  const Tag d;
  const std::int64_t stride = work.left.stride;
  const std::int64_t depth = work.left.depth;
  const float* HWY_RESTRICT left = work.left.values + first * stride;
  const float* HWY_RESTRICT right = work.right;
  const float* HWY_RESTRICT weights = work.weights;
  const float* HWY_RESTRICT constants = work.constants;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  Vector sums[kRows][kTileVectors];
  for (std::int64_t i = 0; i < kRows; ++i) {
    for (std::int64_t n = 0; n < kTileVectors; ++n) sums[i][n] = hn::LoadU(d, constants + n * lanes);
  }
  for (std::int64_t k = 0; k < depth; ++k) {
    Vector columns[kTileVectors];
    for (std::int64_t n = 0; n < kTileVectors; ++n) {
      columns[n] = hn::LoadU(d, right + (k * kTileVectors + n) * lanes);
    }
    Vector weight = hn::Zero(d);
    if constexpr (Operation::kWeighted) weight = hn::Set(d, weights[k]);
    for (std::int64_t i = 0; i < kRows; ++i) {
      const Vector value = hn::Set(d, left[i * stride + k]);
      for (std::int64_t n = 0; n < kTileVectors; ++n) {
        sums[i][n] = Operation::add(sums[i][n], value, columns[n], weight);
      }
    }
  }
  for (std::int64_t i = 0; i < kRows; ++i) {
    for (std::int64_t n = 0; n < kTileVectors; ++n) hn::StoreU(sums[i][n], d, out + (i * kTileVectors + n) * lanes);
  }
}

template <class Operation>
void strip(const StripWork& work, float* out) {
  const std::int64_t panel = panel_width();
  std::int64_t i = 0;
  for (; i + kTileRows <= work.left.count; i += kTileRows) tile<Operation, kTileRows>(work, i, out + i * panel);
  for (; i < work.left.count; ++i) tile<Operation, 1>(work, i, out + i * panel);
}

/// Appends the positions of the lanes set in `mask`.
HWY_INLINE std::int64_t append(hn::Mask<Tag> mask, std::int64_t position, std::uint16_t* hits, std::int64_t count) {
  const Tag d;
  std::uint8_t bytes[8] = {};
  hn::StoreMaskBits(d, mask, bytes);
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  for (std::int64_t lane = 0; lane < lanes; ++lane) {
    if ((bytes[lane / 8] >> (lane % 8)) & 1) hits[count++] = static_cast<std::uint16_t>(position + lane);
  }
  return count;
}

template <bool kColumns>
std::int64_t find_in(const StripLimits& strip, std::uint16_t* HWY_RESTRICT hits) {
  const Tag d;
  const float* HWY_RESTRICT values = strip.values;
  const float* HWY_RESTRICT column_limits = strip.column_limits;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const std::int64_t panel = panel_width();
  const Vector largest = hn::Set(d, 3.402823466e+38F);
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < strip.rows; ++i) {
    const Vector offset = hn::Set(d, strip.offsets[i]);
    const Vector row_limit = hn::Set(d, strip.row_limits[i]);
    // A value that is not a number fails every comparison: what is not below the limits is a hit.
    hn::Mask<Tag> passed_over[kTileVectors];
    for (std::int64_t n = 0; n < kTileVectors; ++n) {
      const Vector score = hn::Sub(hn::LoadU(d, values + i * panel + n * lanes), offset);
      passed_over[n] = hn::And(hn::Lt(score, row_limit), hn::Le(hn::Abs(score), largest));
      if constexpr (kColumns) {
        passed_over[n] = hn::And(passed_over[n], hn::Lt(score, hn::LoadU(d, column_limits + n * lanes)));
      }
    }
    auto all = passed_over[0];
    for (std::int64_t n = 1; n < kTileVectors; ++n) all = hn::And(all, passed_over[n]);
    if (HWY_LIKELY(hn::AllTrue(d, all))) continue;
    for (std::int64_t n = 0; n < kTileVectors; ++n) {
      count = append(hn::Not(passed_over[n]), i * panel + n * lanes, hits, count);
    }
  }
  return count;
}

std::int64_t find(const StripLimits& strip, std::uint16_t* hits) {
  return strip.column_limits != nullptr ? find_in<true>(strip, hits) : find_in<false>(strip, hits);
}

float head_pair(const float* HWY_RESTRICT left, const float* HWY_RESTRICT right, const float* HWY_RESTRICT weights,
                std::int64_t depth) {
  const Tag d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const Vector zero = hn::Zero(d);
  Vector sums[4] = {zero, zero, zero, zero};
  std::int64_t k = 0;
  for (; k + 4 * lanes <= depth; k += 4 * lanes) {
    for (std::int64_t n = 0; n < 4; ++n) {
      const std::int64_t at = k + n * lanes;
      const Vector hidden = hn::Max(hn::Add(hn::LoadU(d, left + at), hn::LoadU(d, right + at)), zero);
      sums[n] = hn::MulAdd(hn::LoadU(d, weights + at), hidden, sums[n]);
    }
  }
  float sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(sums[0], sums[1]), hn::Add(sums[2], sums[3]))));
  for (; k < depth; ++k) {
    const float hidden = left[k] + right[k];
    if (!(hidden <= 0)) sum += weights[k] * hidden;
  }
  return sum;
}

#if HWY_TARGET != HWY_SCALAR
/// Four pairs, from step k on: four steps of each are loaded and transposed.
template <class D>
HWY_INLINE hn::Vec<D> four_heads(D d, const HeadPairs& pairs, std::int64_t first, std::int64_t k, hn::Vec<D> sums) {
  const auto transposed = [d, k](const float* const* rows, hn::Vec<D>* out) HWY_ATTR {
    const auto a = hn::LoadU(d, rows[0] + k);
    const auto b = hn::LoadU(d, rows[1] + k);
    const auto c = hn::LoadU(d, rows[2] + k);
    const auto e = hn::LoadU(d, rows[3] + k);
    const auto ab = hn::InterleaveLower(d, a, b);
    const auto ce = hn::InterleaveLower(d, c, e);
    const auto ab_upper = hn::InterleaveUpper(d, a, b);
    const auto ce_upper = hn::InterleaveUpper(d, c, e);
    out[0] = hn::ConcatLowerLower(d, ce, ab);
    out[1] = hn::ConcatUpperUpper(d, ce, ab);
    out[2] = hn::ConcatLowerLower(d, ce_upper, ab_upper);
    out[3] = hn::ConcatUpperUpper(d, ce_upper, ab_upper);
  };
  hn::Vec<D> left[4];
  hn::Vec<D> right[4];
  transposed(pairs.left + first, left);
  transposed(pairs.right + first, right);
  for (std::int64_t n = 0; n < 4; ++n) {
    const auto value = hn::Max(left[n], hn::Neg(right[n]));
    sums = hn::MulAdd(hn::Set(d, pairs.weights[k + n]), value, sums);
  }
  return sums;
}
#endif

void head_pairs(const HeadPairs& pairs, float* HWY_RESTRICT out) {
  std::int64_t k = 0;
  for (std::int64_t n = 0; n < 8; ++n) out[n] = pairs.constants[n];
#if HWY_TARGET != HWY_SCALAR
  const hn::Full128<float> d;
  auto sums0 = hn::LoadU(d, pairs.constants);
  auto sums1 = hn::LoadU(d, pairs.constants + 4);
  for (; k + 4 <= pairs.depth; k += 4) {
    sums0 = four_heads(d, pairs, 0, k, sums0);
    sums1 = four_heads(d, pairs, 4, k, sums1);
  }
  hn::StoreU(sums0, d, out);
  hn::StoreU(sums1, d, out + 4);
#endif
  const hn::CappedTag<float, 1> one;
  for (; k < pairs.depth; ++k) {
    const auto weight = hn::Set(one, pairs.weights[k]);
    for (std::int64_t n = 0; n < 8; ++n) {
      const auto value = hn::Max(hn::Set(one, pairs.left[n][k]), hn::Neg(hn::Set(one, pairs.right[n][k])));
      out[n] = hn::GetLane(hn::MulAdd(weight, value, hn::Set(one, out[n])));
    }
  }
}

using DoubleTag = hn::CappedTag<double, 8>;
using DoubleVector = hn::Vec<DoubleTag>;

struct ExactL2 {
  static HWY_INLINE DoubleVector term(DoubleVector a, DoubleVector b) {
    const DoubleVector difference = hn::Sub(a, b);
    return hn::Mul(difference, difference);
  }
  static double term(double a, double b) { return (a - b) * (a - b); }
};
struct ExactL1 {
  static HWY_INLINE DoubleVector term(DoubleVector a, DoubleVector b) { return hn::Abs(hn::Sub(a, b)); }
  static double term(double a, double b) { return a < b ? b - a : a - b; }
};
struct ExactDot {
  static HWY_INLINE DoubleVector term(DoubleVector a, DoubleVector b) { return hn::Mul(a, b); }
  static double term(double a, double b) { return a * b; }
};

/// Sum n is of the terms k ≡ n mod 16, k ascending; then neighbours, pairs, fours, … are added.
template <class Operation>
double exact(const float* HWY_RESTRICT a, const float* HWY_RESTRICT b, std::int64_t depth) {
  const DoubleTag d;
  const hn::Rebind<float, DoubleTag> narrow;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  alignas(64) double sums[16] = {};
  const std::int64_t whole = depth - depth % 16;
  for (std::int64_t first = 0; first < 16; first += 2 * lanes) {  // two vectors of sums at a time, once for AVX-512
    DoubleVector sum0 = hn::Zero(d);
    DoubleVector sum1 = hn::Zero(d);
    for (std::int64_t k = first; k < whole; k += 16) {
      const auto at = [&](const float* from) { return hn::PromoteTo(d, hn::LoadU(narrow, from)); };
      sum0 = hn::Add(sum0, Operation::term(at(a + k), at(b + k)));
      sum1 = hn::Add(sum1, Operation::term(at(a + k + lanes), at(b + k + lanes)));
    }
    hn::StoreU(sum0, d, sums + first);
    hn::StoreU(sum1, d, sums + first + lanes);
  }
  for (std::int64_t k = whole; k < depth; ++k) sums[k - whole] += Operation::term(double{a[k]}, double{b[k]});
  for (std::int64_t width = 8; width > 0; width /= 2) {
    for (std::int64_t n = 0; n < width; ++n) sums[n] = sums[2 * n] + sums[2 * n + 1];
  }
  return sums[0];
}

void add_relu(const float* HWY_RESTRICT left, const float* HWY_RESTRICT right, std::int64_t depth,
              float* HWY_RESTRICT out) {
  const Tag d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t k = 0;
  for (; k + lanes <= depth; k += lanes) {
    hn::StoreU(hn::Max(hn::Add(hn::LoadU(d, left + k), hn::LoadU(d, right + k)), hn::Zero(d)), d, out + k);
  }
  for (; k < depth; ++k) {
    const float hidden = left[k] + right[k];
    out[k] = hidden > 0 ? hidden : 0;
  }
}

}  // namespace

const GridKernels* kernels() {
  static const GridKernels table{
      .target = hwy::TargetName(HWY_TARGET),
      .panel = panel_width(),
      .dot = &strip<Dot>,
      .head = &strip<Head>,
      .l1 = &strip<L1>,
      .l2 = &strip<L2>,
      .find = &find,
      .head_pair = &head_pair,
      .head_pairs = &head_pairs,
      .exact_l2 = &exact<ExactL2>,
      .exact_l1 = &exact<ExactL1>,
      .exact_dot = &exact<ExactDot>,
      .add_relu = &add_relu,
  };
  return &table;
}

}  // namespace twinpatch::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace twinpatch::cpu {
namespace {

HWY_EXPORT(kernels);

}  // namespace

const GridKernels& grid_kernels() { return *HWY_DYNAMIC_DISPATCH(kernels)(); }

void pack_panels(const RowBlock& rows, std::int64_t panel, float sign, float* out) {
  constexpr std::int64_t kSlice = 64;  // of a panel, so that the lines being filled stay in the nearest cache
  for (std::int64_t first = 0; first < rows.count; first += panel) {
    float* block = out + first * rows.depth;
    const std::int64_t columns = rows.count - first < panel ? rows.count - first : panel;
    for (std::int64_t slice = 0; slice < rows.depth; slice += kSlice) {
      const std::int64_t end = rows.depth - slice < kSlice ? rows.depth : slice + kSlice;
      for (std::int64_t j = 0; j < columns; ++j) {
        const float* row = rows.values + (first + j) * rows.stride;
        for (std::int64_t k = slice; k < end; ++k) block[k * panel + j] = sign * row[k];
      }
      for (std::int64_t j = columns; j < panel; ++j) {
        for (std::int64_t k = slice; k < end; ++k) block[k * panel + j] = 0;
      }
    }
  }
}

}  // namespace twinpatch::cpu
#endif
