// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "twinpatch/core/file.hpp"
#include "twinpatch/core/matrix.hpp"

namespace twinpatch {

/// Element types an .npy file may have here. Others are refused by name.
enum class NpyType { u8, i32, i64, f32, f64 };
/// "uint8", "int32", "int64", "float32", "float64".
[[nodiscard]] std::string_view npy_type_name(NpyType type);

/// A validated .npy array, row-major, little-endian; its elements lie in a mapped file or in memory.
/// Reference: numpy/lib/format.py, versions 1.0, 2.0 and 3.0.
class NpyArray {
 public:
  [[nodiscard]] NpyType type() const noexcept { return type_; }
  [[nodiscard]] const std::vector<std::int64_t>& shape() const noexcept { return shape_; }
  [[nodiscard]] std::int64_t size() const noexcept { return size_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// Elements, row-major. Throws FormatError naming both types unless the array holds T (uint8_t, int32_t, int64_t,
  /// float, double).
  template <class T>
  [[nodiscard]] std::span<const T> values() const;
  /// Keeps the memory behind `values()` alive.
  [[nodiscard]] std::shared_ptr<const void> owner() const noexcept { return owner_; }
  /// The mapping of the array's file; null for arrays parsed from memory.
  [[nodiscard]] std::shared_ptr<const MappedFile> mapping() const noexcept { return mapping_; }

 private:
  friend NpyArray parse_npy(std::span<const std::byte>, std::string);
  friend NpyArray read_npy(const std::filesystem::path&);
  NpyType type_ = NpyType::u8;
  std::vector<std::int64_t> shape_;
  std::int64_t size_ = 0;
  std::span<const std::byte> bytes_;
  std::string path_;
  std::shared_ptr<const void> owner_;
  std::shared_ptr<const MappedFile> mapping_;
};

/// Parses an .npy file's bytes (copied; a matrix in Fortran order is transposed). Throws FormatError for anything but a
/// well-formed array of a known type, and for Fortran order of more dimensions than two.
[[nodiscard]] NpyArray parse_npy(std::span<const std::byte> bytes, std::string path);
/// The same for a file, mapped and not copied unless it must be transposed.
[[nodiscard]] NpyArray read_npy(const std::filesystem::path& path);

/// Writes an .npy file row by row, so that results larger than memory can be written; appears at `finish()` or never.
class NpyWriter {
 public:
  /// `shape[0]` may be -1: counted while writing and set by `finish()`.
  NpyWriter(const std::filesystem::path& path, NpyType type, std::vector<std::int64_t> shape);
  /// Appends whole rows. T must be the element type given.
  template <class T>
  void append(std::span<const T> values);
  /// Throws Error if fewer or more rows were written than announced.
  void finish();

 private:
  AtomicFile file_;
  NpyType type_;
  std::vector<std::int64_t> shape_;
  std::int64_t row_size_;
  std::int64_t written_ = 0;  // rows
};

void write_npy(const std::filesystem::path& path, MatrixView matrix);
template <class T>
void write_npy(const std::filesystem::path& path, std::span<const T> values, std::vector<std::int64_t> shape);

}  // namespace twinpatch
