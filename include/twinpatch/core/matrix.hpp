// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "twinpatch/core/buffer.hpp"

namespace twinpatch {

/// Read-only view of a dense row-major float matrix [rows, columns]; cheap to copy, owns nothing.
struct MatrixView {
  const float* data = nullptr;
  std::int64_t rows = 0;
  std::int64_t columns = 0;

  [[nodiscard]] std::span<const float> row(std::int64_t i) const {
    return {data + i * columns, static_cast<std::size_t>(columns)};
  }
  /// Rows [begin, begin + count).
  [[nodiscard]] MatrixView slice(std::int64_t begin, std::int64_t count) const {
    return {data + begin * columns, count, columns};
  }
};

/// Owner of a dense row-major float matrix [rows, columns], uninitialised, 64-byte aligned at its start.
class Matrix {
 public:
  Matrix() = default;
  Matrix(std::int64_t rows, std::int64_t columns)
      : values_(checked_multiply(rows, columns)), rows_(rows), columns_(columns) {}

  [[nodiscard]] std::int64_t rows() const noexcept { return rows_; }
  [[nodiscard]] std::int64_t columns() const noexcept { return columns_; }
  [[nodiscard]] std::int64_t size() const noexcept { return values_.size(); }
  [[nodiscard]] float* data() noexcept { return values_.data(); }
  [[nodiscard]] const float* data() const noexcept { return values_.data(); }
  [[nodiscard]] std::span<float> row(std::int64_t i) {
    return {data() + i * columns_, static_cast<std::size_t>(columns_)};
  }
  [[nodiscard]] std::span<const float> row(std::int64_t i) const { return view().row(i); }
  [[nodiscard]] std::span<float> span() noexcept { return values_.span(); }
  [[nodiscard]] std::span<const float> span() const noexcept { return values_.span(); }
  [[nodiscard]] MatrixView view() const noexcept { return {data(), rows_, columns_}; }

 private:
  Buffer<float> values_;
  std::int64_t rows_ = 0;
  std::int64_t columns_ = 0;
};

}  // namespace twinpatch
