// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "sfm/hloc_support.hpp"

#include <catch2/catch.hpp>

namespace twinpatch::test {
namespace {

hid_t make_half() {
  const hid_t type = H5Tcopy(H5T_IEEE_F32LE);
  H5Tset_fields(type, 15, 10, 5, 0, 10);
  H5Tset_size(type, 2);
  H5Tset_ebias(type, 15);
  return type;
}

}  // namespace

hid_t h5_half() {
  static const hid_t type = make_half();
  return type;
}
hid_t h5_float() { return H5T_IEEE_F32LE; }
hid_t h5_int64() { return H5T_STD_I64LE; }
hid_t h5_text() { return H5T_C_S1; }

void write_h5(const std::filesystem::path& path, const std::vector<H5Data>& datasets) {
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);  // as hloc does
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access);
  REQUIRE(file >= 0);
  const hid_t link = H5Pcreate(H5P_LINK_CREATE);
  H5Pset_create_intermediate_group(link, 1);
  H5Pset_char_encoding(link, H5T_CSET_UTF8);
  for (const auto& data : datasets) {
    const hid_t space = H5Screate_simple(static_cast<int>(data.shape.size()), data.shape.data(), nullptr);
    const hid_t dataset = H5Dcreate2(file, data.place.c_str(), data.type, space, link, H5P_DEFAULT, H5P_DEFAULT);
    REQUIRE(dataset >= 0);
    if (!data.values.empty()) {
      REQUIRE(H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, data.values.data()) >= 0);
    }
    H5Dclose(dataset);
    H5Sclose(space);
  }
  H5Pclose(link);
  H5Pclose(access);
  REQUIRE(H5Fclose(file) >= 0);
}

H5Kind h5_kind(const std::filesystem::path& path, const std::string& place) {
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  REQUIRE(file >= 0);
  const hid_t dataset = H5Dopen2(file, place.c_str(), H5P_DEFAULT);
  REQUIRE(dataset >= 0);
  const hid_t type = H5Dget_type(dataset);
  const H5Kind kind{H5Tget_size(type), H5Tget_class(type) == H5T_INTEGER};
  H5Tclose(type);
  H5Dclose(dataset);
  H5Fclose(file);
  return kind;
}

std::vector<double> h5_values(const std::filesystem::path& path, const std::string& place) {
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  REQUIRE(file >= 0);
  const hid_t dataset = H5Dopen2(file, place.c_str(), H5P_DEFAULT);
  REQUIRE(dataset >= 0);
  const hid_t space = H5Dget_space(dataset);
  std::vector<double> values(static_cast<std::size_t>(H5Sget_simple_extent_npoints(space)));
  if (!values.empty()) H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
  H5Sclose(space);
  H5Dclose(dataset);
  H5Fclose(file);
  return values;
}

}  // namespace twinpatch::test
