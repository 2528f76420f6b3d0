// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "twinpatch/core/matrix.hpp"
#include "twinpatch/core/temporary_file.hpp"

namespace twinpatch {

/// Descriptors of many patches, written once and read in any order: in memory where they fit, else in a temporary file
/// that has no name and vanishes with the process. A tower costs about 10 MFLOP a KB of descriptor: reading it back
/// from the slowest disk is cheaper than running the tower again.
class DescriptorStore {
 public:
  /// Descriptors [count, length]; in memory if they take at most `memory_bytes`. Throws IoError.
  DescriptorStore(std::int64_t count, std::int64_t length, std::int64_t memory_bytes);

  [[nodiscard]] std::int64_t size() const noexcept { return count_; }
  [[nodiscard]] bool in_memory() const noexcept { return !file_.has_value(); }

  void write(std::int64_t begin, MatrixView descriptors);
  /// Rows [begin, begin + count).
  [[nodiscard]] Matrix read(std::int64_t begin, std::int64_t count) const;
  /// The listed rows, in that order.
  [[nodiscard]] Matrix gather(std::span<const std::int32_t> rows) const;

 private:
  void read_into(std::int64_t begin, std::int64_t count, float* out) const;

  std::int64_t count_;
  std::int64_t length_;
  Matrix values_;
  std::optional<TemporaryFile> file_;
};

}  // namespace twinpatch
