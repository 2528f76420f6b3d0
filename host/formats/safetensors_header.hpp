// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
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

/// Parses the JSON of a header, which starts at byte `offset` of the file. Checks its form alone (keys, types of
/// values, no key twice); what the numbers mean is for the caller to check. Throws FormatError.
[[nodiscard]] SafeTensorsHeader parse_safetensors_header(std::string_view json, std::int64_t offset,
                                                         const std::string& path);

}  // namespace twinpatch
