// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "hloc_layout.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <zlib.h>

#include <cmath>
#include <vector>

#include "hloc_hdf5.hpp"

namespace twinpatch::hdf5 {
namespace {

/// h5py's own choice is at most 1 MiB.
constexpr double kMostChunkBytes = 64 << 20;
constexpr hsize_t kMostPackedBytes = 1 << 20;  // deflate packs at most 1032:1
/// HDF5 makes a node for each, also of those that no byte was written for. h5py's chunks are of 8 KiB and more.
constexpr double kMostChunks = 1 << 18;

/// How chunks are packed: filters in the order in which they were applied.
struct Packing {
  bool deflated = false;
  std::size_t checksum_bytes = 0;
  bool known = true;  ///< no others than shuffle, deflate, fletcher32, each once and in that order
};

Packing packing_of(hid_t properties) {
  Packing packing;
  int last = -1;
  for (int i = 0; i < H5Pget_nfilters(properties); ++i) {
    unsigned flags = 0;
    unsigned config = 0;
    std::size_t values = 0;
    const H5Z_filter_t filter =
        H5Pget_filter2(properties, static_cast<unsigned>(i), &flags, &values, nullptr, 0, nullptr, &config);
    const int place = filter == H5Z_FILTER_SHUFFLE      ? 0
                      : filter == H5Z_FILTER_DEFLATE    ? 1
                      : filter == H5Z_FILTER_FLETCHER32 ? 2
                                                        : -1;
    packing.known = packing.known && place > last;
    last = place;
    packing.deflated = packing.deflated || place == 1;
    if (place == 2) packing.checksum_bytes = 4;
  }
  return packing;
}

/// Bytes that a chunk has once it is unpacked; more than `most` are not counted.
std::size_t unpacked_size(std::span<const unsigned char> packed, std::size_t most) {
  std::vector<unsigned char> room(most + 1);
  auto size = static_cast<uLongf>(room.size());
  return uncompress(room.data(), &size, packed.data(), packed.size()) == Z_OK ? size : most + 1;
}

class Chunks {
 public:
  Chunks(hid_t dataset, hid_t properties, std::size_t bytes)
      : dataset_(dataset), packing_(packing_of(properties)), space_(H5Dget_space(dataset)), bytes_(bytes) {}

  /// What is wrong with the chunks that were written.
  [[nodiscard]] std::string fault(std::size_t rank) const {
    if (!packing_.known) return {};  // reading says which filter there is not
    hsize_t count = 0;
    if (H5Dget_num_chunks(dataset_, space_.get(), &count) < 0) return "its chunks cannot be counted";
    for (hsize_t i = 0; i < count; ++i) {
      std::vector<hsize_t> offset(rank);
      hsize_t size = 0;
      unsigned skipped = 0;
      if (H5Dget_chunk_info(dataset_, space_.get(), i, offset.data(), &skipped, nullptr, &size) < 0)
        return "a chunk cannot be found";
      if (size > kMostPackedBytes && packing_.deflated) {
        return fmt::format("expected packed chunks of at most {} bytes, found {}; h5repack with smaller chunks helps",
                           kMostPackedBytes, size);
      }
      if (skipped != 0) return fmt::format("chunk {} is not packed like the others", i);
      if (numbers_of(offset, size) != bytes_) return fmt::format("chunk {} does not hold {} bytes", i, bytes_);
    }
    return {};
  }

 private:
  [[nodiscard]] std::size_t numbers_of(const std::vector<hsize_t>& offset, hsize_t size) const {
    if (size < packing_.checksum_bytes) return 0;
    const auto stored = static_cast<std::size_t>(size) - packing_.checksum_bytes;
    if (!packing_.deflated) return stored;
    std::vector<unsigned char> packed(static_cast<std::size_t>(size));
    std::uint32_t skipped = 0;
    if (H5Dread_chunk(dataset_, H5P_DEFAULT, offset.data(), &skipped, packed.data()) < 0) return 0;
    return unpacked_size(std::span(packed).first(stored), bytes_);
  }

  hid_t dataset_;
  Packing packing_;
  Space space_;
  std::size_t bytes_;  ///< of an unpacked chunk
};

}  // namespace

std::string layout_fault(hid_t dataset, std::span<const std::int64_t> shape, std::size_t item_bytes) {
  const Properties properties(H5Dget_create_plist(dataset));
  if (!properties.valid()) return "its layout cannot be read";
  if (H5Pget_layout(properties.get()) != H5D_CHUNKED) {
    hsize_t needed = item_bytes;
    for (const std::int64_t size : shape) needed *= static_cast<hsize_t>(size);
    const hsize_t stored = H5Dget_storage_size(dataset);
    return stored < needed ? fmt::format("expected {} bytes of numbers, found {}", needed, stored) : std::string();
  }
  std::vector<hsize_t> sizes(shape.size());
  if (sizes.empty() || H5Pget_chunk(properties.get(), static_cast<int>(sizes.size()), sizes.data()) < 0) {
    return "its chunks have no size";
  }
  auto bytes = static_cast<double>(item_bytes);
  double chunks = 1;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 0) return "its chunks have no size";
    bytes *= static_cast<double>(sizes[i]);
    chunks *= std::ceil(static_cast<double>(shape[i]) / static_cast<double>(sizes[i]));
  }
  if (bytes > kMostChunkBytes) {
    return fmt::format("expected chunks of at most {:.0f} bytes, found [{}] numbers", kMostChunkBytes,
                       fmt::join(sizes, ", "));
  }
  if (chunks > kMostChunks) {
    return fmt::format("expected at most {:.0f} chunks, found {:.0f}; h5repack with larger chunks helps", kMostChunks,
                       chunks);
  }
  return Chunks(dataset, properties.get(), static_cast<std::size_t>(bytes)).fault(sizes.size());
}

}  // namespace twinpatch::hdf5
