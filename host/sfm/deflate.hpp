// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace twinpatch::sfm {

/// `size` bytes from a raw deflate stream (RFC 1951). Throws FormatError with `what` for a stream that is damaged, or
/// of another size; before anything is allocated where so few bytes cannot become so many.
[[nodiscard]] std::vector<std::byte> inflate(std::span<const std::byte> bytes, std::int64_t size,
                                             const std::string& what);

/// A gzip member (RFC 1952) without a name or a time: the same bytes for the same input. Members one after the other
/// are the gzip of their contents one after the other.
[[nodiscard]] std::vector<std::byte> gzip(std::span<const std::byte> bytes);

}  // namespace twinpatch::sfm
