// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/formats/stored_tensor.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstring>
#include <optional>

#include "safetensors_header.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/core/half.hpp"

namespace twinpatch {

namespace {

struct FloatType {
  std::string_view name;
  std::int64_t bytes;
  TensorType stored_as;
};
constexpr FloatType kFloats[] = {{"F32", 4, TensorType::f32},
                                 {"F16", 2, TensorType::f16},
                                 {"BF16", 2, TensorType::bf16},
                                 {"F64", 8, TensorType::f32}};

const FloatType* find_float(std::string_view name) {
  const auto found = std::ranges::find(kFloats, name, &FloatType::name);
  return found == std::end(kFloats) ? nullptr : found;
}

float widen(const std::byte* at, const FloatType& type) {
  const auto read = [at]<class Number>(Number number) {
    std::memcpy(&number, at, sizeof(number));
    return number;
  };
  if (type.bytes == 8) return static_cast<float>(read(double{}));
  if (type.bytes == 4) return read(float{});
  const auto bits = read(std::uint16_t{});
  return type.stored_as == TensorType::f16 ? from_half(bits) : from_bfloat16(bits);
}

/// Steps through a tensor in row-major order.
class Position {
 public:
  explicit Position(const StoredTensor& tensor) : tensor_(tensor), index_(tensor.shape.size(), 0) {}
  [[nodiscard]] std::int64_t value() const { return value_; }
  void next() {
    for (std::size_t i = index_.size(); i-- > 0;) {
      value_ += tensor_.strides[i];
      if (++index_[i] < tensor_.shape[i]) return;
      value_ -= tensor_.shape[i] * tensor_.strides[i];
      index_[i] = 0;
    }
  }

 private:
  const StoredTensor& tensor_;
  std::vector<std::int64_t> index_;
  std::int64_t value_ = 0;  // place among the stored values
};

/// "features.10.weight" after "features.9.weight": runs of digits are compared as numbers.
bool in_natural_order(const StoredTensor& left, const StoredTensor& right) {
  const std::string &a = left.name, &b = right.name;
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.size() && j < b.size()) {
    if (!digit(a[i]) || !digit(b[j])) {
      if (a[i] != b[j]) return a[i] < b[j];
      ++i;
      ++j;
      continue;
    }
    const auto run = [&](const std::string& text, std::size_t& at) {
      while (at + 1 < text.size() && text[at] == '0' && digit(text[at + 1])) ++at;
      const std::size_t begin = at;
      while (at < text.size() && digit(text[at])) ++at;
      return std::string_view(text).substr(begin, at - begin);
    };
    const std::string_view x = run(a, i);
    const std::string_view y = run(b, j);
    if (x.size() != y.size()) return x.size() < y.size();
    if (x != y) return x < y;
  }
  if (a.size() - i != b.size() - j) return a.size() - i < b.size() - j;
  return a < b;
}

/// Row-major; nothing if the shape is not that of so many bytes.
std::optional<std::vector<std::int64_t>> row_major_strides(const TensorEntry& entry, std::int64_t item_bytes) {
  std::vector<std::int64_t> strides(entry.shape.size());
  std::int64_t count = 1;
  for (std::size_t i = entry.shape.size(); i-- > 0;) {
    strides[i] = count;
    if (__builtin_mul_overflow(count, entry.shape[i], &count)) return std::nullopt;
  }
  if (__builtin_mul_overflow(count, item_bytes, &count) || count != entry.end - entry.begin) return std::nullopt;
  return strides;
}

}  // namespace

std::vector<StoredTensor> list_safetensors(std::span<const std::byte> bytes, const std::string& path) {
  const SafeTensorsLayout layout = read_safetensors_layout(bytes, path);
  std::vector<StoredTensor> tensors;
  for (const TensorEntry& entry : layout.header.entries) {
    StoredTensor tensor{.name = entry.name,
                        .type = entry.type,
                        .shape = entry.shape,
                        .strides = {},
                        .values = layout.data.subspan(static_cast<std::size_t>(entry.begin),
                                                      static_cast<std::size_t>(entry.end - entry.begin)),
                        .offset = layout.data_offset + entry.begin};
    if (const FloatType* type = find_float(entry.type)) {
      const auto strides = row_major_strides(entry, type->bytes);
      if (!strides) {
        throw FormatError(path, entry.where,
                          fmt::format("tensor \"{}\": the shape [{}] of {} does not fill its {} bytes", entry.name,
                                      fmt::join(entry.shape, ", "), entry.type, entry.end - entry.begin));
      }
      tensor.strides = *strides;
    }
    tensors.push_back(std::move(tensor));
  }
  std::ranges::sort(tensors, in_natural_order);
  return tensors;
}

Tensor read_tensor(const StoredTensor& tensor, const std::string& path) {
  const FloatType* type = find_float(tensor.type);
  if (type == nullptr) {
    throw FormatError(
        path, tensor.offset,
        fmt::format("tensor \"{}\": expected values of F32, F16, BF16 or F64, found {}", tensor.name, tensor.type));
  }
  std::int64_t count = 1;
  for (const std::int64_t size : tensor.shape) {
    if (__builtin_mul_overflow(count, size, &count)) {
      throw FormatError(path, tensor.offset, fmt::format("tensor \"{}\": its size overflows 64 bits", tensor.name));
    }
  }
  Tensor result{.shape = tensor.shape, .values = {}, .stored_as = type->stored_as};
  result.values.reserve(static_cast<std::size_t>(count));
  Position position(tensor);
  for (std::int64_t i = 0; i < count; ++i, position.next()) {
    const float value = widen(tensor.values.data() + position.value() * type->bytes, *type);
    if (!std::isfinite(value)) {
      throw FormatError(
          path, tensor.offset + position.value() * type->bytes,
          fmt::format("tensor \"{}\": element {} is {}, expected a finite number", tensor.name, i, value));
    }
    result.values.push_back(value);
  }
  return result;
}

}  // namespace twinpatch
