// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>
#include <cstring>

#include "twinpatch/core/checked.hpp"
#include "twinpatch/core/file.hpp"
#include "twinpatch/net/model.hpp"

// Little-endian: int32 count of networks, int32 batch, float32 input [batch, 2, 64, 64]; then for each network int32
// length and path, int32 rows, int32 columns, float32 outputs [rows, columns].

namespace twinpatch {
namespace {

constexpr std::int64_t kFloat = sizeof(float);

std::vector<float> read_floats(ByteReader& reader, std::int64_t count, const char* what) {
  reader.check_count(count, kFloat, what);
  const auto bytes = reader.take(count * kFloat, what);
  std::vector<float> values(static_cast<std::size_t>(count));
  if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  for (const float value : values) {
    if (!std::isfinite(value)) reader.fail(fmt::format("{}: a value is not finite", what));
  }
  return values;
}

GoldenFile::Entry read_entry(ByteReader& reader) {
  GoldenFile::Entry entry;
  const auto length = reader.read<std::int32_t>("length of a path");
  if (length < 1 || length > 4096) reader.fail(fmt::format("a path has 1 to 4096 bytes, found {}", length));
  const auto path = reader.take(length, "path");
  entry.path.assign(reinterpret_cast<const char*>(path.data()), path.size());
  entry.rows = reader.read<std::int32_t>("rows");
  entry.columns = reader.read<std::int32_t>("columns");
  if (entry.rows < 1 || entry.columns < 1) {
    reader.fail(fmt::format("outputs must be at least 1×1, found {}×{}", entry.rows, entry.columns));
  }
  entry.values = read_floats(reader, entry.rows * entry.columns, "outputs");  // below 2^62
  return entry;
}

}  // namespace

GoldenFile read_golden(std::span<const std::byte> bytes, const std::string& path) {
  ByteReader reader(bytes, path);
  GoldenFile golden;
  const auto networks = reader.read<std::int32_t>("count of networks");
  golden.batch = reader.read<std::int32_t>("batch");
  if (networks < 0 || golden.batch < 1) {
    reader.fail(fmt::format("must have networks and a batch, found {} and {}", networks, golden.batch));
  }
  reader.check_count(networks, 4 * std::int64_t{sizeof(std::int32_t)}, "networks");
  golden.input = read_floats(reader, checked_multiply(golden.batch, 2 * 64 * 64), "input");
  for (std::int32_t i = 0; i < networks; ++i) golden.entries.push_back(read_entry(reader));
  if (reader.left() != 0) reader.fail(fmt::format("the last outputs end here, {} bytes follow", reader.left()));
  return golden;
}

GoldenFile read_golden(const std::filesystem::path& path) {
  return read_golden(MappedFile(path).bytes(), path.string());
}

}  // namespace twinpatch
