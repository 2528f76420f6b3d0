// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace twinpatch {

/// Root of everything the library throws on purpose. `what()` is one line, meant to be read by a user: what is wrong,
/// where, what was expected and what was found.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A value handed in by the caller makes no sense (index out of range, empty set, contradicting options).
class InvalidArgument : public Error {
 public:
  using Error::Error;
};

/// Sizes that do not fit together: a patch of another side length than the network's, a tensor of another shape.
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

/// The bytes of a file are not what its format demands. `offset` is the byte where that was seen; -1 where the message
/// says the place itself (the line of a text file).
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

/// A bound on memory was reached. Its own type because a caller can shrink the batch and go on.
class OutOfMemory : public DeviceError {
 public:
  using DeviceError::DeviceError;
};
[[noreturn]] void throw_out_of_host_memory(std::int64_t bytes);

/// The run was asked to stop (Ctrl-C, a stop token) and did so at a clean point.
class Interrupted : public Error {
 public:
  Interrupted() : Error("interrupted") {}
};

}  // namespace twinpatch
