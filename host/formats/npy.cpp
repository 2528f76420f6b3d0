// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/formats/npy.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>

#include "npy_header.hpp"
#include "twinpatch/core/checked.hpp"

namespace twinpatch {

namespace {

template <class T>
constexpr NpyType kTypeOf = [] {
  if constexpr (std::is_same_v<T, std::uint8_t>) return NpyType::u8;
  if constexpr (std::is_same_v<T, std::int32_t>) return NpyType::i32;
  if constexpr (std::is_same_v<T, std::int64_t>) return NpyType::i64;
  if constexpr (std::is_same_v<T, float>) return NpyType::f32;
  if constexpr (std::is_same_v<T, double>) return NpyType::f64;
}();

std::span<const std::byte> payload(std::span<const std::byte> file, const NpyHeader& header) {
  return file.subspan(static_cast<std::size_t>(header.data_offset));
}

struct OwnedBytes {
  std::shared_ptr<const void> owner;
  std::span<const std::byte> bytes;
};

/// An aligned copy.
OwnedBytes copy_bytes(std::span<const std::byte> bytes) {
  const auto copy = std::make_shared<Buffer<std::byte>>(static_cast<std::int64_t>(bytes.size()));
  std::ranges::copy(bytes, copy->data());
  return {copy, copy->span()};
}

template <std::size_t kBytes>
void transpose(std::span<const std::byte> from, std::int64_t rows, std::int64_t columns, std::byte* to) {
  constexpr std::int64_t kBlock = 64;  // rows whose part of a column is read at once
  for (std::int64_t begin = 0; begin < rows; begin += kBlock) {
    const std::int64_t end = std::min(begin + kBlock, rows);
    for (std::int64_t column = 0; column < columns; ++column) {
      for (std::int64_t row = begin; row < end; ++row) {
        std::memcpy(to + (row * columns + column) * kBytes, from.data() + (column * rows + row) * kBytes, kBytes);
      }
    }
  }
}

/// A row-major copy of a matrix that is stored column by column.
OwnedBytes copy_transposed(std::span<const std::byte> bytes, const NpyHeader& header) {
  const auto copy = std::make_shared<Buffer<std::byte>>(static_cast<std::int64_t>(bytes.size()));
  const std::int64_t rows = header.shape[0];
  const std::int64_t columns = header.shape[1];
  switch (npy_item_bytes(header.type)) {
    case 1:
      transpose<1>(bytes, rows, columns, copy->data());
      break;
    case 4:
      transpose<4>(bytes, rows, columns, copy->data());
      break;
    default:
      transpose<8>(bytes, rows, columns, copy->data());
      break;
  }
  return {copy, copy->span()};
}

/// Elements of one row; the whole shape is checked, its first extent may be -1.
std::int64_t row_size(const std::vector<std::int64_t>& shape) {
  std::int64_t size = 1;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] < (i == 0 ? -1 : 0)) throw InvalidArgument(fmt::format("npy: no shape ({})", fmt::join(shape, ", ")));
    if (i > 0) size = checked_multiply(size, shape[i]);
  }
  return size;
}

}  // namespace

template <class T>
std::span<const T> NpyArray::values() const {
  if (type_ != kTypeOf<T>) {
    throw FormatError(
        path_, -1, fmt::format("expected an array of {}, found {}", npy_type_name(kTypeOf<T>), npy_type_name(type_)));
  }
  return {reinterpret_cast<const T*>(bytes_.data()), static_cast<std::size_t>(size_)};
}

NpyArray parse_npy(std::span<const std::byte> bytes, std::string path) {
  const NpyHeader header = read_npy_header(bytes, path);
  const auto stored = payload(bytes, header);
  const OwnedBytes owned = header.column_major ? copy_transposed(stored, header) : copy_bytes(stored);
  NpyArray array;
  array.type_ = header.type;
  array.shape_ = header.shape;
  array.size_ = header.size;
  array.bytes_ = owned.bytes;
  array.path_ = std::move(path);
  array.owner_ = owned.owner;
  return array;
}

NpyArray read_npy(const std::filesystem::path& path) {
  auto mapping = std::make_shared<const MappedFile>(path);
  const NpyHeader header = read_npy_header(mapping->bytes(), path.string());
  // Old or foreign writers do not pad the header; elements that lie askew cannot be used where they are.
  const bool askew = header.data_offset % npy_item_bytes(header.type) != 0;
  if (askew || header.column_major) return parse_npy(mapping->bytes(), path.string());
  NpyArray array;
  array.type_ = header.type;
  array.shape_ = header.shape;
  array.size_ = header.size;
  array.bytes_ = payload(mapping->bytes(), header);
  array.path_ = path.string();
  array.owner_ = mapping;
  array.mapping_ = std::move(mapping);
  return array;
}

NpyWriter::NpyWriter(const std::filesystem::path& path, NpyType type, std::vector<std::int64_t> shape)
    : file_(path), type_(type), shape_(std::move(shape)), row_size_(row_size(shape_)) {
  file_.write(make_npy_header(type_, shape_));
}

template <class T>
void NpyWriter::append(std::span<const T> values) {
  if (type_ != kTypeOf<T>) {
    throw InvalidArgument(
        fmt::format("npy: {} appended to an array of {}", npy_type_name(kTypeOf<T>), npy_type_name(type_)));
  }
  const std::int64_t count = std::ssize(values);
  if (count == 0) return;
  if (row_size_ == 0 || count % row_size_ != 0) {
    throw InvalidArgument(fmt::format("npy: {} elements appended to rows of {}", count, row_size_));
  }
  file_.write(std::as_bytes(values));
  written_ += count / row_size_;
}

void NpyWriter::finish() {
  const std::int64_t announced = shape_.empty() ? 1 : shape_.front();
  if (announced == -1) {
    shape_.front() = written_;
    const std::string header = make_npy_header(type_, shape_);
    file_.write_at(0, std::as_bytes(std::span(header)));
  } else if (announced != written_ && row_size_ != 0) {
    throw Error(fmt::format("npy: expected {} rows, {} were written", announced, written_));
  }
  file_.commit();
}

void write_npy(const std::filesystem::path& path, MatrixView matrix) {
  write_npy(path, std::span(matrix.data, static_cast<std::size_t>(checked_multiply(matrix.rows, matrix.columns))),
            {matrix.rows, matrix.columns});
}

template <class T>
void write_npy(const std::filesystem::path& path, std::span<const T> values, std::vector<std::int64_t> shape) {
  NpyWriter writer(path, kTypeOf<T>, std::move(shape));
  writer.append(values);
  writer.finish();
}

// The element types of NpyType; values(), append() and write_npy() exist for these only.
#define TWINPATCH_NPY_TYPE(T)                                    \
  template std::span<const T> NpyArray::values<T>() const;       \
  template void NpyWriter::append<T>(std::span<const T> values); \
  template void write_npy<T>(const std::filesystem::path&, std::span<const T>, std::vector<std::int64_t>)
TWINPATCH_NPY_TYPE(std::uint8_t);
TWINPATCH_NPY_TYPE(std::int32_t);
TWINPATCH_NPY_TYPE(std::int64_t);
TWINPATCH_NPY_TYPE(float);
TWINPATCH_NPY_TYPE(double);
#undef TWINPATCH_NPY_TYPE

}  // namespace twinpatch
