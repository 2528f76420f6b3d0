// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

// ONNX files as data: the part of onnx.proto3 that feed-forward networks need. What the operators mean is for others.

namespace twinpatch {

/// A constant: float32 (weights) or int64 (sizes, places), row-major.
struct OnnxTensor {
  std::vector<std::int64_t> shape;
  std::variant<std::vector<float>, std::vector<std::int64_t>> values;
};

using OnnxAttribute =
    std::variant<std::int64_t, float, std::string, std::vector<std::int64_t>, std::vector<float>, OnnxTensor>;

struct OnnxNode {
  std::string operation;  ///< "Conv"
  std::string name;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::map<std::string, OnnxAttribute> attributes;
};

/// An input or output of the graph, of float32; a negative size is any.
struct OnnxValue {
  std::string name;
  std::vector<std::int64_t> shape;
};

struct OnnxModel {
  std::string name;
  std::int64_t operator_set = 13;
  std::vector<OnnxNode> nodes;  ///< each after those whose outputs it takes
  std::map<std::string, OnnxTensor> constants;
  std::vector<OnnxValue> inputs;  ///< without the constants
  std::vector<OnnxValue> outputs;
  std::map<std::string, std::string> metadata;
};

/// Deterministic. Throws InvalidArgument for more than 2 GB, which protobuf does not allow.
[[nodiscard]] std::vector<std::byte> serialize_onnx(const OnnxModel& model);

/// Strict in what it uses: lengths, counts and nesting are checked before anything is allocated; constants of float32,
/// float16, bfloat16, float64 (as float32), int32 and int64, within the file. Fields that are of no use here are
/// skipped. Throws FormatError.
[[nodiscard]] OnnxModel parse_onnx(std::span<const std::byte> bytes, const std::string& path);

}  // namespace twinpatch
