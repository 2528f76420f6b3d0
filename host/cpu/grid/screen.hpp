// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "branch/siamese_rows.hpp"
#include "grid/panel_scoring.hpp"
#include "kernels/screen_kernels.hpp"

namespace twinpatch::cpu {

/// A row or a column in 8 bits. With the kernel's sum of a pair, which starts from the column's `start`,
///     value = sum · column.scale · row.scale + column.level − row.level  ≥  what the score comes from,
///     value − row.width − column.width                                   ≤  what the score comes from
/// (the argument of PanelScoring::needed), both proven, not fitted.
struct ScreenedRow {
  float scale = 0;
  float level = 0;
  float width = 0;
  std::int32_t start = 0;  ///< of columns
};

/// Two rows.
struct ScreenedPair {
  const SiameseRows* left = nullptr;
  const SiameseRows* right = nullptr;
  std::int64_t i = 0;
  std::int64_t j = 0;
};

/// How grids of one decision are searched in 8 bits. Prepared for one tile by one thread, then used by several.
class Screen {
 public:
  virtual ~Screen() = default;
  /// Looks at what left rows and all right rows have in common. False where single precision would not hold the bounds:
  /// such a tile is to be scored in full.
  [[nodiscard]] virtual bool prepare(const SiameseRows& left, std::span<const SiameseRows* const> right) = 0;
  /// Scores → what they come from.
  [[nodiscard]] virtual ScreenScale scale() const = 0;
  /// Left row i, or right row j, → stored [depth].
  virtual ScreenedRow store_left(const SiameseRows& rows, std::int64_t i, std::uint8_t* stored) const = 0;
  virtual ScreenedRow store_right(const SiameseRows& rows, std::int64_t j, std::uint8_t* stored) const = 0;
  /// The kernel's sums.
  virtual void multiply(const ScreenWork& work, std::int32_t* sums) const = 0;
  /// At least the pair's score, from its rows in single precision; +infinity where the score itself is as cheap.
  [[nodiscard]] virtual float bound(const ScreenedPair& pair) const = 0;
  /// Scores of at most kScreenBatch pairs, bit for bit those of the grid in full precision.
  virtual void score(std::span<const ScreenedPair> pairs, float* scores) const = 0;
};

/// Of l2 and cosine (screened_metric.cpp), and of linear - ReLU - linear(1) (screened_head.cpp).
[[nodiscard]] std::unique_ptr<Screen> make_metric_screen(DecisionMetric::Kind kind, std::int64_t length,
                                                         const ScreenKernels& kernels);
[[nodiscard]] std::unique_ptr<Screen> make_head_screen(const DecisionHead& head, const ScreenKernels& kernels);

/// More terms than this are not screened: what sums in single precision lose is bounded for so many, and 32 bits hold
/// sums of as many products.
inline constexpr std::int64_t kLongestScreened = 1 << 13;

/// Pairs that are scored in full together.
inline constexpr std::size_t kScreenBatch = 8;

/// A grid strategy that searches with `screen` and decides in full precision: as make_panel_grid() with `scoring`, bit
/// for bit.
struct ScreenedParts {
  std::unique_ptr<Screen> screen;
  const ScreenKernels* kernels = nullptr;
  std::unique_ptr<PanelScoring> scoring;
  std::unique_ptr<GridStrategy> full;
};
[[nodiscard]] std::unique_ptr<GridStrategy> make_screened_grid(std::shared_ptr<CpuContext> context, std::string network,
                                                               ScreenedParts parts);

}  // namespace twinpatch::cpu
