// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace twinpatch {

/// i8: integers from −128 to 127, unscaled; the reader of the file must know their meaning (a scale,
/// for example).
enum class TensorType { f32, f16, bf16, i8 };

/// "F32", "F16", "BF16", "I8", as in the file.
[[nodiscard]] std::string_view to_string(TensorType type);

/// One tensor of a model file, widened to float32, row-major.
struct Tensor {
  std::vector<std::int64_t> shape;
  std::vector<float> values;
  TensorType stored_as = TensorType::f32;
};

/// The content of a safetensors file: named tensors and string metadata.
struct SafeTensors {
  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::string> metadata;
};

/// Strict reader: header ≤ 100 MB and within the file, valid UTF-8, no duplicate keys, known types, shapes whose
/// product times the element size is the range given, ranges that cover the data from 0 to the end of the file
/// without gap or overlap. Types other than F32, F16, BF16, I8 are refused by name; NaN and infinity are refused with
/// the tensor's name. Throws FormatError. Format: safetensors 0.4 README.
[[nodiscard]] SafeTensors parse_safetensors(std::span<const std::byte> bytes, const std::string& path);
[[nodiscard]] SafeTensors read_safetensors(const std::filesystem::path& path);

/// Deterministic and atomic: tensors in name order, each stored as its `stored_as`.
[[nodiscard]] std::vector<std::byte> serialize_safetensors(const SafeTensors& content);
void write_safetensors(const std::filesystem::path& path, const SafeTensors& content);

}  // namespace twinpatch
