// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace twinpatch {

/// One entry of a safetensors header as it is written there. `begin` and `end` count from the data's first byte.
struct TensorEntry {
  std::string name;
  std::string type;
  std::vector<std::int64_t> shape;
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::int64_t where = 0;  // byte of the file where the entry ends, for messages
};

struct SafeTensorsHeader {
  std::vector<TensorEntry> entries;
  std::map<std::string, std::string> metadata;
};

/// The format allows 100 MB; names of tensors and a training's history take a few hundred kB, and every byte of a
/// header may cost twenty of memory while it is read.
inline constexpr std::int64_t kLongestSafeTensorsHeader = 16 << 20;

/// A file whose tensors' ranges cover its data without gap or overlap, in the order of the ranges.
struct SafeTensorsLayout {
  SafeTensorsHeader header;
  std::span<const std::byte> data;
  std::int64_t data_offset = 0;  ///< in the file
};
[[nodiscard]] SafeTensorsLayout read_safetensors_layout(std::span<const std::byte> bytes, const std::string& path);

/// Parses the JSON of a header, which starts at byte `offset` of the file. Checks its form alone (keys, types of
/// values, no key twice); what the numbers mean is for the caller to check. Throws FormatError.
[[nodiscard]] SafeTensorsHeader parse_safetensors_header(std::string_view json, std::int64_t offset,
                                                         const std::string& path);

}  // namespace twinpatch
