// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "twinpatch/backend/backend.hpp"

namespace twinpatch::cpu {

/// Rows of siamese networks. Left and right rows are both kept row by row, which lists of pairs read; a grid transposes
/// the right ones panel by panel as it goes, which costs under one per cent of it.
struct SiameseRows final : Rows {
  [[nodiscard]] std::int64_t size() const override { return values.rows(); }
  [[nodiscard]] std::int64_t bytes() const override { return (values.size() + scalars.size()) * 4; }
  [[nodiscard]] Side side() const override { return its_side; }

  /// [N, D] descriptors for metrics; [N, H] P (left) or Q (right) for decision layers.
  Matrix values;
  /// [N]: ‖v‖² for metrics; Σ_k w_k Q_k + bias on the right of a two-layer head; else empty.
  Buffer<float> scalars;
  Side its_side = Side::left;
};

}  // namespace twinpatch::cpu
