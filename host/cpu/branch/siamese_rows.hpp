// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "plan/context.hpp"
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
  /// [H] smallest and largest values of each dimension, for a two-layer head; of no rows: +infinity and −infinity.
  std::vector<float> low;
  std::vector<float> high;
  Side its_side = Side::left;
};

/// `rows` as rows of a siamese network. Throws InvalidArgument naming the network for rows of another backend or
/// network family, and for those of the other side.
[[nodiscard]] const SiameseRows& siamese_rows(const Rows& rows, Side side, const std::string& network);

/// Turns descriptors into rows that a siamese scorer reads: descriptors themselves for metrics, their half of the first
/// decision layer (P = W₁a + b₁ on the left, Q = W₂b on the right) for decision layers. Weights are reordered once, in
/// the making; `rows()` may be called from several threads, calls take turns on the context's pool.
class SiameseRowMaker {
 public:
  virtual ~SiameseRowMaker() = default;
  /// `descriptors` [N, branch_size(spec)]: already L2-normalised where the metric says so.
  [[nodiscard]] virtual std::shared_ptr<const Rows> rows(Matrix descriptors, Side side) = 0;
  /// Bytes of one row on its side (the larger of the two sides).
  [[nodiscard]] virtual std::int64_t row_bytes() const = 0;
};

/// `model` has its batch normalisations folded. A descriptor-only model gives rows that hold the descriptors alone.
[[nodiscard]] std::unique_ptr<SiameseRowMaker> make_siamese_row_maker(std::shared_ptr<CpuContext> context,
                                                                      std::shared_ptr<const Model> model);

}  // namespace twinpatch::cpu
