// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

// Numbers of the fields of onnx.proto3 (ONNX 1.12) that are read or written.

namespace twinpatch::onnx {

struct ModelProto {
  static constexpr int ir_version = 1, producer_name = 2, graph = 7, opset_import = 8, metadata_props = 14;
};
struct OperatorSetIdProto {
  static constexpr int domain = 1, version = 2;
};
struct StringStringEntryProto {
  static constexpr int key = 1, value = 2;
};
struct GraphProto {
  static constexpr int node = 1, name = 2, initializer = 5, input = 11, output = 12;
};
struct NodeProto {
  static constexpr int input = 1, output = 2, name = 3, op_type = 4, attribute = 5, domain = 7;
};
struct AttributeProto {
  static constexpr int name = 1, f = 2, i = 3, s = 4, t = 5, floats = 7, ints = 8, type = 20;
  enum Type { kFloat = 1, kInt = 2, kString = 3, kTensor = 4, kFloats = 6, kInts = 7 };
};
struct TensorProto {
  static constexpr int dims = 1, data_type = 2, float_data = 4, int32_data = 5, int64_data = 7, name = 8, raw_data = 9,
                       double_data = 10, data_location = 14;
  enum Type { kFloat = 1, kInt32 = 6, kInt64 = 7, kFloat16 = 10, kDouble = 11, kBfloat16 = 16 };
};
struct ValueInfoProto {
  static constexpr int name = 1, type = 2;
};
struct TypeProto {
  static constexpr int tensor_type = 1, elem_type = 1, shape = 2;  // the latter two within the former
};
struct TensorShapeProto {
  static constexpr int dim = 1, dim_value = 1, dim_param = 2;  // the latter two within the former
};

}  // namespace twinpatch::onnx
