// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "deflate.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <limits>

#include "twinpatch/core/error.hpp"

namespace twinpatch::sfm {
namespace {

constexpr std::int64_t kMostExpansion = 1032;  // of deflate: 258 bytes from a quarter of a byte
constexpr int kRaw = -MAX_WBITS;
constexpr int kGzip = MAX_WBITS + 16;
constexpr int kMemory = 8;  // zlib's default

z_stream stream_of(std::span<const std::byte> input) {
  if (input.size() > std::numeric_limits<uInt>::max()) throw InvalidArgument("more than 4 GiB to compress at once");
  z_stream stream{};
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(input.data()));  // zlib only reads it
  stream.avail_in = static_cast<uInt>(input.size());
  return stream;
}

}  // namespace

std::vector<std::byte> inflate(std::span<const std::byte> bytes, std::int64_t size, const std::string& what) {
  if (size < 0 || size > std::numeric_limits<uInt>::max() || size / kMostExpansion > std::ssize(bytes)) {
    throw FormatError(what, 0, fmt::format("{} compressed bytes cannot become {}", bytes.size(), size));
  }
  std::vector<std::byte> result(static_cast<std::size_t>(size) + 1);  // one more: zlib wants a place even for none
  z_stream stream = stream_of(bytes);
  stream.next_out = reinterpret_cast<Bytef*>(result.data());
  stream.avail_out = static_cast<uInt>(result.size());
  if (inflateInit2(&stream, kRaw) != Z_OK) throw OutOfMemory("zlib has no memory");
  const int status = ::inflate(&stream, Z_FINISH);
  const auto made = static_cast<std::int64_t>(stream.total_out);
  inflateEnd(&stream);
  if (status != Z_STREAM_END || made != size) {
    throw FormatError(what, 0,
                      fmt::format("damaged: {} bytes of {} could be decompressed", std::min(made, size), size));
  }
  result.resize(static_cast<std::size_t>(size));
  return result;
}

std::vector<std::byte> gzip(std::span<const std::byte> bytes) {
  z_stream stream = stream_of(bytes);
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzip, kMemory, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw OutOfMemory("zlib has no memory");
  }
  std::vector<std::byte> result(deflateBound(&stream, stream.avail_in));
  stream.next_out = reinterpret_cast<Bytef*>(result.data());
  stream.avail_out = static_cast<uInt>(result.size());
  const int status = ::deflate(&stream, Z_FINISH);
  result.resize(stream.total_out);
  deflateEnd(&stream);
  if (status != Z_STREAM_END) throw Error(fmt::format("zlib could not compress {} bytes", bytes.size()));
  return result;
}

}  // namespace twinpatch::sfm
