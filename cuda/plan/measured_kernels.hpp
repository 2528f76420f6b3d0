// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

#include "device.hpp"
#include "twinpatch/backend/options.hpp"

namespace twinpatch::cuda {

/// A row of the table of measured kernels: what a card has shown. The rates are of one run of the GPU suite
/// (bench/suite/prepare.py), whose report prints such rows.
struct MeasuredKernel {
  int architecture;       ///< 90: sm_90
  std::string_view name;  ///< of the strategy, as in grid/strategies.cpp, or "fused stem"
  Precision precision;
  double rate;              ///< with it, pairs or patches/s
  double library_rate;      ///< of what the library does instead
  std::string_view source;  ///< card and file in bench/results/
};
/// The table: `--kernels auto` takes fused kernels where a row says that they are faster, and the library elsewhere.
[[nodiscard]] std::span<const MeasuredKernel> measured_kernels();

/// Whether the table says that a strategy is faster than the library's.
[[nodiscard]] bool is_measured_faster(std::span<const MeasuredKernel> table, std::string_view name, int architecture,
                                      Precision precision);

/// Whether a device runs the fused strategy of this name: it was asked to, or may choose and the table says so.
[[nodiscard]] bool takes_fused(const Device& device, std::string_view name);

}  // namespace twinpatch::cuda
