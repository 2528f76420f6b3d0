// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "tiff_orientation.hpp"

#include <cstdint>

namespace twinpatch::vision {
namespace {

constexpr std::uint64_t kOrientation = 274;
constexpr std::uint64_t kShort = 3;  // the type of its value
constexpr std::uint64_t kStored = 1;

/// Unsigned integers of a TIFF file, in its own byte order; what lies past the end reads as 0. Copied at the first
/// write.
class TiffBytes {
 public:
  explicit TiffBytes(std::span<const std::byte> bytes)
      : bytes_(bytes), big_endian_(!bytes.empty() && bytes[0] == std::byte{'M'}) {}
  [[nodiscard]] std::uint64_t read(std::uint64_t at, unsigned size) const {
    if (at > bytes_.size() || size > bytes_.size() - at) return 0;
    std::uint64_t value = 0;
    for (unsigned i = 0; i < size; ++i) value |= std::to_integer<std::uint64_t>(bytes_[at + i]) << shift(i, size);
    return value;
  }
  void write(std::uint64_t at, unsigned size, std::uint64_t value) {
    if (changed_.empty()) changed_.assign(bytes_.begin(), bytes_.end());
    for (unsigned i = 0; i < size; ++i) changed_[at + i] = static_cast<std::byte>(value >> shift(i, size) & 0xFF);
  }
  [[nodiscard]] std::uint64_t size() const { return bytes_.size(); }
  [[nodiscard]] std::vector<std::byte> take_changed() { return std::move(changed_); }

 private:
  [[nodiscard]] unsigned shift(unsigned i, unsigned size) const { return 8 * (big_endian_ ? size - 1 - i : i); }
  std::span<const std::byte> bytes_;
  std::vector<std::byte> changed_;
  bool big_endian_;
};

/// TIFF 6.0 and BigTIFF differ in the widths of offsets and counts alone.
struct Layout {
  std::uint64_t first_directory_at;
  unsigned offset_size;
  unsigned entry_count_size;
  unsigned value_count_size;
  [[nodiscard]] unsigned entry_size() const { return 4 + value_count_size + offset_size; }
};
constexpr Layout kClassic{4, 4, 2, 4};
constexpr Layout kBig{8, 8, 8, 8};

bool is_tiff(std::span<const std::byte> bytes) {
  if (bytes.size() < 8 || bytes[0] != bytes[1]) return false;
  const int low = bytes[0] == std::byte{'M'} ? 3 : 2;  // of the version's two bytes, the lower
  const auto version = std::to_integer<int>(bytes[static_cast<std::size_t>(low)]);
  return (bytes[0] == std::byte{'I'} || bytes[0] == std::byte{'M'}) && (version == 42 || version == 43);
}

}  // namespace

std::vector<std::byte> with_stored_orientation(std::span<const std::byte> bytes) {
  if (!is_tiff(bytes)) return {};
  TiffBytes file(bytes);
  const Layout layout = file.read(2, 2) == 43 ? kBig : kClassic;
  const std::uint64_t directory = file.read(layout.first_directory_at, layout.offset_size);
  if (directory >= file.size()) return {};
  const std::uint64_t entries = file.read(directory, layout.entry_count_size);
  std::uint64_t at = directory + layout.entry_count_size;
  for (std::uint64_t i = 0; i < entries && at + layout.entry_size() <= file.size(); ++i, at += layout.entry_size()) {
    if (file.read(at, 2) != kOrientation) continue;
    const std::uint64_t value_at = at + 4 + layout.value_count_size;
    if (file.read(at + 2, 2) == kShort && file.read(value_at, 2) == kStored) continue;
    // The whole entry: readers also take the value as a byte or a long, or from elsewhere in the file.
    file.write(at + 2, 2, kShort);
    file.write(at + 4, layout.value_count_size, 1);
    file.write(value_at, 2, kStored);
  }
  return file.take_changed();
}

}  // namespace twinpatch::vision
