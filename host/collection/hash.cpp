// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "hash.hpp"

#include <fmt/format.h>

#define XXH_INLINE_ALL
#include <fcntl.h>
#include <unistd.h>
#include <xxhash.h>

#include <cerrno>

#include "twinpatch/collection/image_source.hpp"
#include "twinpatch/core/buffer.hpp"

namespace twinpatch {
namespace {

std::string hex_of(XXH128_hash_t hash) { return fmt::format("{:016x}{:016x}", hash.high64, hash.low64); }

}  // namespace

struct Hash::State {
  XXH3_state_t xxh3;
};

Hash::Hash() : state_(std::make_unique<State>()) { XXH3_128bits_reset(&state_->xxh3); }
Hash::~Hash() = default;

void Hash::add_bytes(std::span<const std::byte> bytes) {
  XXH3_128bits_update(&state_->xxh3, bytes.data(), bytes.size());
}

Hash& Hash::add(std::string_view text) {
  add(static_cast<std::int64_t>(text.size()));
  add_bytes(std::as_bytes(std::span(text)));
  return *this;
}

Hash& Hash::add(std::int64_t value) {
  add_bytes(std::as_bytes(std::span(&value, 1)));
  return *this;
}

std::string Hash::hex() const { return hex_of(XXH3_128bits_digest(&state_->xxh3)); }

std::uint64_t checksum(std::span<const std::byte> bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

std::string content_hash(std::span<const std::byte> bytes) { return hex_of(XXH3_128bits(bytes.data(), bytes.size())); }

std::string file_content_hash(const std::filesystem::path& path) {
  constexpr std::int64_t kPiece = std::int64_t{1} << 20;
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) throw IoError(path.string(), "cannot open", errno);
  Hash hash;
  Buffer<std::byte> piece(kPiece);
  for (;;) {
    const ssize_t got = ::read(file, piece.data(), static_cast<std::size_t>(kPiece));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      const int reason = errno;
      ::close(file);
      throw IoError(path.string(), "cannot read", reason);
    }
    if (got == 0) break;
    hash.add_bytes({piece.data(), static_cast<std::size_t>(got)});
  }
  ::close(file);
  return hash.hex();
}

}  // namespace twinpatch
