// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "twinpatch/formats/safetensors.hpp"

// Weights in the files of other programs: safetensors and PyTorch's torch.save. A file is listed first and its values
// are read one tensor at a time, when it is known which tensors are wanted and how large they must be.

namespace twinpatch {

/// A tensor of a file: what it is, and where its values lie.
struct StoredTensor {
  std::string name;  ///< in a PyTorch file: the keys that lead to it, joined by dots
  std::string type;  ///< as safetensors calls it: "F32", "F16", "BF16", "F64", "I64", …
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;  ///< in values
  std::span<const std::byte> values;  ///< in the file's bytes, from the first value to the last
  std::int64_t offset = 0;            ///< of the first value in the file
};

/// Whether the bytes begin as a file of torch.save does: a zip file, or the form that PyTorch before 1.6 wrote.
[[nodiscard]] bool is_torch_file(std::span<const std::byte> bytes);

/// The tensors of a file of torch.save, in the order of its dictionaries: those under the key "state_dict" where there
/// is one, else all. Of Python's pickle only dictionaries, lists, texts, numbers and tensors are read; the name and the
/// place of anything else is in the FormatError. No code of the file runs. Views into `bytes`.
[[nodiscard]] std::vector<StoredTensor> list_torch_tensors(std::span<const std::byte> bytes, const std::string& path);

/// The tensors of a safetensors file, whose order means nothing: sorted by name, numbers in it by their value. Ranges
/// and shapes are checked as by parse_safetensors, types and values by read_tensor. Throws FormatError. Views into
/// `bytes`.
[[nodiscard]] std::vector<StoredTensor> list_safetensors(std::span<const std::byte> bytes, const std::string& path);

/// Row-major values; F64 is rounded to F32. Throws FormatError for types other than F32, F16, BF16 and F64, and for
/// values that are not finite. The caller bounds the number of values: a small file may describe a large tensor.
[[nodiscard]] Tensor read_tensor(const StoredTensor& tensor, const std::string& path);

}  // namespace twinpatch
