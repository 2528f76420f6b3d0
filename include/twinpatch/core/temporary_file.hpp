// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace twinpatch {

/// A file without a name that vanishes with the process, in $TMPDIR, else /var/tmp (on disk where /tmp may be memory),
/// else /tmp. Read and written by system calls rather than mapped: pages do not count as the process's own memory, and
/// a full disk is an error with a message instead of a signal. May be used from several threads at once.
class TemporaryFile {
 public:
  /// Throws IoError naming the folder.
  TemporaryFile();
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;             // owns a file
  TemporaryFile& operator=(const TemporaryFile&) = delete;  // likewise

  /// Bytes [offset, offset + size). Throw IoError; reading also where the file ends before.
  void write(std::int64_t offset, std::span<const std::byte> bytes);
  void read(std::int64_t offset, std::span<std::byte> bytes) const;

 private:
  int descriptor_ = -1;
};

}  // namespace twinpatch
