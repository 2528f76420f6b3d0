// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "plan/measured_kernels.hpp"

#include <algorithm>
#include <array>

namespace twinpatch::cuda {
namespace {

// Empty: no card has been measured yet.
constexpr std::array<MeasuredKernel, 0> kMeasured = {{
    // architecture, name, precision, pairs/s, the library's, card and file
}};

}  // namespace

std::span<const MeasuredKernel> measured_kernels() { return kMeasured; }

bool is_measured_faster(std::span<const MeasuredKernel> table, std::string_view name, int architecture,
                        Precision precision) {
  return std::any_of(table.begin(), table.end(), [&](const MeasuredKernel& row) {
    return row.architecture == architecture && row.name == name && row.precision == precision &&
           row.rate > row.library_rate;
  });
}

bool takes_fused(const Device& device, std::string_view name) {
  if (device.options.kernels != Kernels::automatic) return device.options.kernels == Kernels::fused;
  return is_measured_faster(measured_kernels(), name, device.context.properties().architecture(),
                            device.options.precision);
}

}  // namespace twinpatch::cuda
