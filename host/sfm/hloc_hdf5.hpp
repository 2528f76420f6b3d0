// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <hdf5.h>

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "twinpatch/core/error.hpp"

// HDF5's C library with owners for its handles, one lock, and its errors as exceptions.

namespace twinpatch::hdf5 {

/// Held around every use of the library: it is not re-entrant. Its habit of printing errors is off meanwhile, and its
/// clean-up at the end of the program, which loops over files that could not be written, is off for good.
class Access {
 public:
  Access();
  ~Access();
  Access(const Access&) = delete;             // holds a lock
  Access& operator=(const Access&) = delete;  // likewise

 private:
  std::unique_lock<std::mutex> lock_;
  H5E_auto2_t report_ = nullptr;
  void* report_data_ = nullptr;
};

/// Owner of a handle. Used inside an Access.
template <herr_t (*Close)(hid_t)>
class Handle {
 public:
  Handle() = default;
  explicit Handle(hid_t id) : id_(id) {}
  ~Handle() { reset(); }
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)) {}
  Handle& operator=(Handle&& other) noexcept {
    if (this != &other) {
      reset();
      id_ = std::exchange(other.id_, -1);
    }
    return *this;
  }
  [[nodiscard]] hid_t get() const noexcept { return id_; }
  [[nodiscard]] bool valid() const noexcept { return id_ >= 0; }
  /// False where the library could not close (an unwritten rest).
  bool reset() noexcept { return id_ < 0 || Close(std::exchange(id_, -1)) >= 0; }

 private:
  hid_t id_ = -1;
};

using File = Handle<H5Fclose>;
using Group = Handle<H5Gclose>;
using Dataset = Handle<H5Dclose>;
using Space = Handle<H5Sclose>;
using Type = Handle<H5Tclose>;
using Properties = Handle<H5Pclose>;
using Attribute = Handle<H5Aclose>;

/// What the library says of its last failure, innermost first; forgets it.
[[nodiscard]] std::string last_error();

/// IEEE binary16, little endian, as every reader expects it.
[[nodiscard]] Type half_type();

/// Throws IoError (cannot open), FormatError (not HDF5, cut off).
[[nodiscard]] File open_file(const std::filesystem::path& path);

/// Whether `path` (slashes between groups) leads to an object, without following links out of the file.
[[nodiscard]] bool exists(hid_t from, const std::string& path);

/// Numbers of a dataset, whatever their stored width.
struct Numbers {
  std::vector<std::int64_t> shape;
  std::vector<float> values;
  std::size_t stored_bytes = 0;  ///< of one number
  [[nodiscard]] std::string shape_text() const;
};

/// Reads datasets of one file and says where it was when something is wrong.
class Reader {
 public:
  Reader(hid_t file, const std::filesystem::path& path) : file_(file), path_(path.string()) {}
  /// Shape alone. Throws FormatError.
  [[nodiscard]] std::vector<std::int64_t> shape(const std::string& place) const;
  /// Floats of 2, 4 or 8 bytes; integers too where `integers`. Throws FormatError, also for a value that is not finite.
  [[nodiscard]] Numbers numbers(const std::string& place, bool integers = false) const;
  [[nodiscard]] bool has(const std::string& place) const { return exists(file_, place); }
  [[noreturn]] void fail(const std::string& place, std::string_view what) const;

 private:
  [[nodiscard]] Dataset open(const std::string& place) const;
  hid_t file_;
  std::string path_;
};

}  // namespace twinpatch::hdf5
