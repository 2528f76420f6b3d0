// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <hdf5.h>

#include <filesystem>
#include <string>
#include <vector>

// Files as hloc writes them, made with HDF5's own calls and none of ours.

namespace twinpatch::test {

/// One dataset of a file: where, of which type, what shape, what is in it.
struct H5Data {
  std::string place;  ///< slashes make groups
  hid_t type = -1;    ///< in the file; see h5_half, h5_float
  std::vector<hsize_t> shape;
  std::vector<double> values;  ///< empty: the place is made, nothing written
};

/// The file's types. Valid for the length of the program.
[[nodiscard]] hid_t h5_half();
[[nodiscard]] hid_t h5_float();
[[nodiscard]] hid_t h5_int64();
[[nodiscard]] hid_t h5_text();

void write_h5(const std::filesystem::path& path, const std::vector<H5Data>& datasets);

/// Bytes of a number and whether it is an integer, of a dataset that is there.
struct H5Kind {
  std::size_t bytes = 0;
  bool integer = false;
};
[[nodiscard]] H5Kind h5_kind(const std::filesystem::path& path, const std::string& place);
[[nodiscard]] std::vector<double> h5_values(const std::filesystem::path& path, const std::string& place);

}  // namespace twinpatch::test
