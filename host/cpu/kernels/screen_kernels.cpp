// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0

// As grid_kernels.cpp, whose panels these are.
#include <hwy/detect_targets.h>
#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/screen_kernels.cpp"
#include <hwy/foreach_target.h>
// The order matters: once per target.
#include <hwy/highway.h>

#include "kernels/grid_kernels.hpp"
#include "kernels/screen_kernels.hpp"

HWY_BEFORE_NAMESPACE();
namespace twinpatch::cpu::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using Ints = hn::ScalableTag<std::int32_t>;
using Vector = hn::Vec<Floats>;

HWY_INLINE std::int64_t lanes() { return static_cast<std::int64_t>(hn::Lanes(Floats())); }

#if HWY_TARGET <= HWY_AVX3 || HWY_TARGET == HWY_NEON
constexpr std::int64_t kVectors = 3;
#else
constexpr std::int64_t kVectors = 2;
#endif
HWY_INLINE std::int64_t panel_width() { return kVectors * lanes(); }

/// Values of vector n of row i.
HWY_INLINE Vector value_of(const ScreenStrip& strip, std::int64_t i, std::int64_t n) {
  const Floats d;
  const auto sum = hn::ConvertTo(d, hn::LoadU(Ints(), strip.sums + i * panel_width() + n * lanes()));
  const auto scaled = hn::Mul(sum, hn::LoadU(d, strip.column_scales + n * lanes()));
  const auto value =
      hn::MulAdd(scaled, hn::Set(d, strip.row_scales[i]), hn::LoadU(d, strip.column_constants + n * lanes()));
  return hn::Sub(value, hn::Set(d, strip.row_offsets[i]));
}

/// Bits of a row's columns that reach a limit, one word a row: looking through them is left for later, as a branch for
/// each row would be guessed wrong too often.
template <bool kColumns>
HWY_INLINE void mark(const ScreenStrip& strip, const float* HWY_RESTRICT row_limits,
                     const float* HWY_RESTRICT column_limits, std::uint64_t* HWY_RESTRICT marks) {
  const Floats d;
  auto* bytes = reinterpret_cast<std::uint8_t*>(marks);
  for (std::int64_t i = 0; i < strip.rows; ++i, bytes += 8) {
    const auto row_limit = hn::Set(d, row_limits[i]);
    for (std::int64_t n = 0; n < kVectors; ++n) {
      auto limit = row_limit;
      if constexpr (kColumns) limit = hn::Min(limit, hn::LoadU(d, column_limits + n * lanes()));
      hn::StoreMaskBits(d, hn::Ge(value_of(strip, i, n), limit), bytes + n * lanes() / 8);
    }
  }
}

std::int64_t find(const ScreenStrip& strip, const float* row_limits, const float* column_limits,
                  std::uint16_t* HWY_RESTRICT hits) {
  std::uint64_t marks[kStripRows + 1] = {};  // a vector's bits are stored as up to eight bytes
  if (column_limits == nullptr) {
    mark<false>(strip, row_limits, column_limits, marks);
  } else {
    mark<true>(strip, row_limits, column_limits, marks);
  }
  const std::uint64_t columns = (std::uint64_t{1} << panel_width()) - 1;
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < strip.rows; ++i) {
    for (std::uint64_t bits = marks[i] & columns; bits != 0; bits &= bits - 1) {
      hits[count++] = static_cast<std::uint16_t>(i * panel_width() + __builtin_ctzll(bits));
    }
  }
  return count;
}

void column_best(const ScreenStrip& strip, float* best) {
  const Floats d;
  for (std::int64_t n = 0; n < kVectors; ++n) {
    auto largest = value_of(strip, 0, n);
    for (std::int64_t i = 1; i < strip.rows; ++i) largest = hn::Max(largest, value_of(strip, i, n));
    hn::StoreU(largest, d, best + n * lanes());
  }
}

void row_best(const ScreenStrip& strip, const float* widths, float* best) {
  const Floats d;
  for (std::int64_t i = 0; i < strip.rows; ++i, best += kRowGroups) {
    float groups[2 * kRowGroups];
    for (float& group : groups) group = -3e38F;
    for (std::int64_t n = 0; n < kVectors; ++n) {
      const auto value = hn::Sub(value_of(strip, i, n), hn::LoadU(d, widths + n * lanes()));
      float* const into = groups + n * lanes() % (lanes() < kRowGroups ? kRowGroups : lanes());
      hn::StoreU(hn::Max(hn::LoadU(d, into), value), d, into);
    }
    for (std::int64_t n = 0; n < kRowGroups; ++n) {
      best[n] = groups[n] > groups[n + kRowGroups] ? groups[n] : groups[n + kRowGroups];
    }
  }
}

void limits(const float* HWY_RESTRICT scores, std::int64_t count, const ScreenScale& scale, float* HWY_RESTRICT out) {
  const auto convert = [&scale](auto d, const float* from, float* to) HWY_ATTR {
    const auto infinity = hn::Inf(d);
    const auto score = hn::LoadU(d, from);
    const auto finite = hn::Clamp(score, hn::Set(d, -1e18F), hn::Set(d, 1e18F));  // no score of a screen is larger
    const auto size = hn::Abs(finite);
    auto value = hn::Mul(hn::Mul(hn::Set(d, scale.squared), size), finite);
    value = hn::Add(value, hn::Mul(hn::Set(d, scale.linear), finite));
    value = hn::Sub(value, hn::Mul(hn::Set(d, scale.slack), size));
    value = hn::Sub(value, hn::Mul(hn::Abs(value), hn::Set(d, 0x1p-21F)));  // the roundings of these
    hn::StoreU(hn::IfThenElse(hn::Eq(score, hn::Neg(infinity)), score, value), d, to);
  };
  std::int64_t i = 0;
  for (; i + lanes() <= count; i += lanes()) convert(Floats(), scores + i, out + i);
  for (; i < count; ++i) convert(hn::CappedTag<float, 1>(), scores + i, out + i);
}

float peak_of(const float* HWY_RESTRICT values, std::int64_t count) {
  const Floats d;
  auto largest = hn::Zero(d);
  std::int64_t k = 0;
  for (; k + lanes() <= count; k += lanes()) largest = hn::Max(largest, hn::Abs(hn::LoadU(d, values + k)));
  float result = hn::GetLane(hn::MaxOfLanes(d, largest));
  for (; k < count; ++k) {
    const float size = values[k] < 0 ? -values[k] : values[k];
    if (size > result) result = size;
  }
  return result;
}

QuantisedRow quantise(const float* HWY_RESTRICT values, std::int64_t depth, std::int32_t levels, std::int32_t zero,
                      std::uint8_t* HWY_RESTRICT stored) {
  QuantisedRow result;
  result.peak = peak_of(values, depth);
  constexpr float kSmallest = 1e-15F;  // below, squares of losses would leave single precision
  const bool nothing = result.peak < kSmallest;
  const float factor = nothing ? 0 : static_cast<float>(levels) / result.peak;
  result.scale = nothing ? 0 : result.peak / static_cast<float>(levels);
  const auto convert = [=](auto d, std::int64_t k, auto& loss) HWY_ATTR {
    const hn::RebindToSigned<decltype(d)> ints;
    const hn::Rebind<std::uint8_t, decltype(d)> bytes;
    const auto value = hn::LoadU(d, values + k);
    const auto most = hn::Set(d, static_cast<float>(levels));
    const auto level = hn::NearestInt(hn::Clamp(hn::Mul(value, hn::Set(d, factor)), hn::Neg(most), most));
    const auto lost = hn::NegMulAdd(hn::Set(d, result.scale), hn::ConvertTo(d, level), value);
    loss = hn::MulAdd(lost, lost, loss);
    const auto kept = hn::And(hn::Add(level, hn::Set(ints, zero)), hn::Set(ints, 255));
    hn::StoreU(hn::DemoteTo(bytes, kept), bytes, stored + k);
    return level;
  };
  const Floats whole;
  auto sums = hn::Zero(Ints());
  auto losses = hn::Zero(whole);
  std::int64_t k = 0;
  for (; k + lanes() <= depth; k += lanes()) sums = hn::Add(sums, convert(whole, k, losses));
  result.sum = hn::GetLane(hn::SumOfLanes(Ints(), sums)) + static_cast<std::int32_t>(depth) * zero;
  const hn::CappedTag<float, 1> one;
  auto loss = hn::Set(one, hn::GetLane(hn::SumOfLanes(whole, losses)));
  for (; k < depth; ++k) result.sum += hn::GetLane(convert(one, k, loss));
  result.squared_loss = hn::GetLane(loss);
  return result;
}

HeadLoss quantise_head(const float* HWY_RESTRICT values, float sign, std::int64_t depth, const HeadSteps& steps,
                       std::uint8_t* HWY_RESTRICT stored) {
  HeadLoss result;
  const auto convert = [&](auto d, std::int64_t k, auto& above, auto& below, auto& magnitude) HWY_ATTR {
    const hn::Rebind<std::uint8_t, decltype(d)> bytes;
    const auto value = hn::Mul(hn::LoadU(d, values + k), hn::Set(d, sign));
    const auto low = hn::LoadU(d, steps.low + k);
    const auto step = hn::LoadU(d, steps.step + k);
    const auto weight = hn::LoadU(d, steps.weights + k);
    const auto scaled =
        hn::Clamp(hn::Div(hn::Sub(value, low), step), hn::Zero(d), hn::Set(d, static_cast<float>(steps.levels)));
    const auto level = hn::NearestInt(scaled);
    const auto lost = hn::Mul(weight, hn::Sub(value, hn::MulAdd(step, hn::ConvertTo(d, level), low)));
    above = hn::Add(above, hn::Max(lost, hn::Zero(d)));
    below = hn::Add(below, hn::Max(hn::Neg(lost), hn::Zero(d)));
    magnitude = hn::MulAdd(hn::Abs(weight), hn::Abs(value), magnitude);
    hn::StoreU(hn::DemoteTo(bytes, level), bytes, stored + k);
  };
  const Floats whole;
  auto above = hn::Zero(whole);
  auto below = above;
  auto magnitude = above;
  std::int64_t k = 0;
  for (; k + lanes() <= depth; k += lanes()) convert(whole, k, above, below, magnitude);
  const hn::CappedTag<float, 1> one;
  auto last_above = hn::Set(one, hn::GetLane(hn::SumOfLanes(whole, above)));
  auto last_below = hn::Set(one, hn::GetLane(hn::SumOfLanes(whole, below)));
  auto last_magnitude = hn::Set(one, hn::GetLane(hn::SumOfLanes(whole, magnitude)));
  for (; k < depth; ++k) convert(one, k, last_above, last_below, last_magnitude);
  result.above = hn::GetLane(last_above);
  result.below = hn::GetLane(last_below);
  result.magnitude = hn::GetLane(last_magnitude);
  return result;
}

void extend(const float* HWY_RESTRICT values, std::int64_t depth, float* HWY_RESTRICT low, float* HWY_RESTRICT high) {
  const auto widen = [=](auto d, std::int64_t k) HWY_ATTR {
    const auto value = hn::LoadU(d, values + k);
    hn::StoreU(hn::Min(hn::LoadU(d, low + k), value), d, low + k);
    hn::StoreU(hn::Max(hn::LoadU(d, high + k), value), d, high + k);
  };
  std::int64_t k = 0;
  for (; k + lanes() <= depth; k += lanes()) widen(Floats(), k);
  for (; k < depth; ++k) widen(hn::CappedTag<float, 1>(), k);
}

}  // namespace

const ScreenTools* tools() {
  static const ScreenTools table{
      .find = &find,
      .column_best = &column_best,
      .row_best = &row_best,
      .limits = &limits,
      .quantise = &quantise,
      .quantise_head = &quantise_head,
      .extend = &extend,
  };
  return &table;
}

}  // namespace twinpatch::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace twinpatch::cpu {
namespace {

HWY_EXPORT(tools);

}  // namespace

const ScreenTools& screen_tools() { return *HWY_DYNAMIC_DISPATCH(tools)(); }

}  // namespace twinpatch::cpu
#endif
