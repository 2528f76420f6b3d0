// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace twinpatch {

/// `text` with its control characters (a line's end too) replaced by '?': names that come from files may hold anything,
/// and a terminal obeys some of it.
[[nodiscard]] std::string one_line(std::string_view text);

/// Root of everything the library throws on purpose. `what()` is one line, meant to be read by a user: what is wrong,
/// where, what was expected and what was found. The message goes through one_line().
class Error : public std::runtime_error {
 public:
  explicit Error(std::string_view message);
};

/// An argument is invalid (index out of range, empty set, contradicting options).
class InvalidArgument : public Error {
 public:
  using Error::Error;
};

/// Sizes do not match: a patch of another size than the network's, a tensor of another shape.
class ShapeError : public InvalidArgument {
 public:
  using InvalidArgument::InvalidArgument;
};

/// The operating system refused to open, read, write or rename a file.
class IoError : public Error {
 public:
  /// `what` is the action ("cannot open"), `error_number` an errno value, 0 if there is none.
  IoError(std::string_view path, std::string_view what, int error_number = 0);
};

/// A file violates its format. `offset` is the byte where that was found; -1 if the message itself names the place (the
/// line of a text file).
class FormatError : public Error {
 public:
  FormatError(std::string_view path, std::int64_t offset, std::string_view what);
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] std::int64_t offset() const noexcept { return offset_; }

 private:
  std::string path_;
  std::int64_t offset_;
};

/// A compute device is missing, failed, or cannot do what was asked of it.
class DeviceError : public Error {
 public:
  using Error::Error;
};

/// Memory is exhausted, or its bound reached. A type of its own because a caller can retry with a smaller batch.
class OutOfMemory : public DeviceError {
 public:
  using DeviceError::DeviceError;
};
[[noreturn]] void throw_out_of_host_memory(std::int64_t bytes);

/// The run was cancelled (Ctrl-C, a stop token) and ended at a clean point.
class Interrupted : public Error {
 public:
  Interrupted() : Error("interrupted") {}
};

}  // namespace twinpatch
