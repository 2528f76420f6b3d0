// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pickle.hpp"
#include "twinpatch/formats/stored_tensor.hpp"

namespace twinpatch {

/// What the pickles of torch.save may name.
[[nodiscard]] std::span<const std::string_view> torch_globals();

/// The bytes of a storage, and where they are in the file.
struct TorchStorage {
  std::span<const std::byte> bytes;
  std::int64_t offset = 0;
};

/// What a tensor says of its storage.
struct TorchStorageId {
  std::string key;
  std::string_view type;        ///< "F32"
  std::int64_t item_bytes = 1;  ///< of a value
  std::int64_t count = 0;       ///< of values
};

/// A tensor in a pickle, not yet brought together with its storage.
struct TorchTensor {
  std::string name;
  const PickleValue* call = nullptr;  ///< makes the tensor
};

/// A pickle's values as PyTorch means them. Throws FormatError with the offset of what it does not understand.
class TorchPickle {
 public:
  /// `path` as in messages.
  explicit TorchPickle(std::string path) : path_(std::move(path)) {}

  /// The tensors of a dictionary and those within it: all, or only those under the key "state_dict".
  [[nodiscard]] std::vector<TorchTensor> tensors(const PickleValue& root) const;
  [[nodiscard]] TorchStorageId storage_of(const TorchTensor& tensor) const;
  /// Of ('storage', type, key, device, count), which names it.
  [[nodiscard]] TorchStorageId storage_id(const PickleValue& value) const;
  /// Every value of the tensor must lie within the storage, which has the bytes that its id says.
  [[nodiscard]] StoredTensor stored(const TorchTensor& tensor, const TorchStorage& storage) const;
  [[noreturn]] void fail(const PickleValue& value, std::string_view what) const;

 private:
  /// The call that makes the tensor `value`; null if it is none.
  [[nodiscard]] const PickleValue* tensor_call(const PickleValue* value) const;
  [[nodiscard]] std::vector<std::int64_t> sizes(const PickleValue& list) const;
  class Collector;

  std::string path_;
};

}  // namespace twinpatch
