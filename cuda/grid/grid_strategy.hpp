// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "grid/selection.hpp"
#include "twinpatch/backend/backend.hpp"
#include "twinpatch/core/run_control.hpp"

namespace twinpatch::cuda {

/// Where scores of a grid are written: scores[i * stride + j], on the host.
struct ScoreMatrix {
  float* scores = nullptr;
  std::int64_t stride = 0;
};

/// One way to score a grid on a device: tile → selection. A scorer has one, chosen in grid/strategies.cpp. Called
/// within a turn, with rows that were checked: of this device and network, on their sides, within the grid, not empty.
class GridStrategy {
 public:
  virtual ~GridStrategy() = default;
  /// Every left row against every right row of all parts, into the selection. Enqueued on the compute stream: waits for
  /// nothing, and allocates nothing where calls before were as large. Counts its pairs in the device's statistics.
  virtual void select(PlacedRows left, std::span<const PlacedRows> right, DeviceSelection& selection,
                      const RunControl& control) = 0;
  /// Every score of left × right, as pair lists score them up to rounding. Waits.
  virtual void write(const Rows& left, const Rows& right, ScoreMatrix out, const RunControl& control) = 0;
};

}  // namespace twinpatch::cuda
