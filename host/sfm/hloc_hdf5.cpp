// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "hloc_hdf5.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <initializer_list>

#include "hloc_layout.hpp"

namespace twinpatch::hdf5 {
namespace {

/// Most numbers a dataset of ours may claim: a cut-off or forged header must not make us allocate the world.
constexpr std::int64_t kMostNumbers = 100'000'000;

std::mutex& library_lock() {
  static std::mutex lock;
  return lock;
}

/// Compressions that the dataset was written with and this HDF5 does not know: "lzf (filter 32000)"; empty if none.
std::string missing_filters(hid_t dataset) {
  const Properties properties(H5Dget_create_plist(dataset));
  const int count = properties.valid() ? H5Pget_nfilters(properties.get()) : 0;
  std::string missing;
  for (int i = 0; i < count; ++i) {
    std::array<char, 64> name{};
    unsigned flags = 0;
    std::size_t values = 0;
    const H5Z_filter_t filter = H5Pget_filter2(properties.get(), static_cast<unsigned>(i), &flags, &values, nullptr,
                                               name.size() - 1, name.data(), nullptr);
    if (filter < 0 || H5Zfilter_avail(filter) > 0) continue;
    missing += fmt::format("{}{} (filter {})", missing.empty() ? "" : ", ",
                           name[0] == 0 ? "one without a name" : name.data(), static_cast<int>(filter));
  }
  H5Eclear2(H5E_DEFAULT);
  return missing;
}

/// What to do about a reason that names a version of the format: newer releases of HDF5 write some that older ones
/// refuse.
std::string newer_hint(const std::string& reason) {
  if (reason.find("version") == std::string::npos) return {};
  return fmt::format(
      "; a newer HDF5 than this one ({}.{}.{}) wrote it: write it with libver=\"earliest\", or convert it there by "
      "h5repack",
      H5_VERS_MAJOR, H5_VERS_MINOR, H5_VERS_RELEASE);
}

herr_t take_innermost(unsigned /*n*/, const H5E_error2_t* entry, void* text) {
  if (entry->desc != nullptr) *static_cast<std::string*>(text) = entry->desc;
  return 1;  // the first is the most exact one
}

std::vector<std::int64_t> shape_of(hid_t dataset) {
  const Space space(H5Dget_space(dataset));
  const int rank = space.valid() ? H5Sget_simple_extent_ndims(space.get()) : -1;
  if (rank < 0) return {-1};
  std::vector<hsize_t> sizes(static_cast<std::size_t>(rank));
  if (rank > 0 && H5Sget_simple_extent_dims(space.get(), sizes.data(), nullptr) < 0) return {-1};
  std::vector<std::int64_t> shape;
  shape.reserve(sizes.size());
  for (const hsize_t size : sizes) {
    shape.push_back(static_cast<std::int64_t>(std::min<hsize_t>(size, hsize_t{1} << 40)));
  }
  return shape;
}

}  // namespace

Access::Access() : lock_(library_lock()) {
  static const bool once = H5dont_atexit() >= 0;  // has to come before any other call
  (void)once;
  H5Eget_auto2(H5E_DEFAULT, &report_, &report_data_);
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

Access::~Access() { H5Eset_auto2(H5E_DEFAULT, report_, report_data_); }

std::string last_error() {
  std::string text;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, &take_innermost, &text);
  H5Eclear2(H5E_DEFAULT);
  return text.empty() ? "HDF5 gives no reason" : text + newer_hint(text);
}

Type half_type() {
  Type type(H5Tcopy(H5T_IEEE_F32LE));
  // sign bit 15, five exponent bits from 10 on, ten of mantissa from 0 on; then two bytes are enough.
  if (H5Tset_fields(type.get(), 15, 10, 5, 0, 10) < 0 || H5Tset_size(type.get(), 2) < 0 ||
      H5Tset_ebias(type.get(), 15) < 0) {
    throw Error("HDF5 cannot make a type of half precision: " + last_error());
  }
  return type;
}

namespace {

bool is_one_of(hid_t type, std::initializer_list<hid_t> types) {
  return std::ranges::any_of(types, [&](hid_t known) { return H5Tequal(type, known) > 0; });
}

/// Numbers as machines have them. HDF5 knows others (of 5 bits from bit 3 on), and reads out of bounds where a damaged
/// file has them.
bool is_plain(hid_t type, H5T_class_t kind) {
  if (kind == H5T_INTEGER) {
    return is_one_of(type, {H5T_STD_I8LE, H5T_STD_I8BE, H5T_STD_U8LE, H5T_STD_U8BE, H5T_STD_I16LE, H5T_STD_I16BE,
                            H5T_STD_U16LE, H5T_STD_U16BE, H5T_STD_I32LE, H5T_STD_I32BE, H5T_STD_U32LE, H5T_STD_U32BE,
                            H5T_STD_I64LE, H5T_STD_I64BE, H5T_STD_U64LE, H5T_STD_U64BE});
  }
  const Type half = half_type();
  const Type half_big_endian = half_type();
  H5Tset_order(half_big_endian.get(), H5T_ORDER_BE);
  return is_one_of(type,
                   {H5T_IEEE_F32LE, H5T_IEEE_F32BE, H5T_IEEE_F64LE, H5T_IEEE_F64BE, half.get(), half_big_endian.get()});
}

}  // namespace

File open_file(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) throw IoError(path.string(), "cannot open", errno);
  ::close(descriptor);
  File file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT));
  if (!file.valid()) {
    throw FormatError(path.string(), -1, fmt::format("not an HDF5 file, or a damaged one ({})", last_error()));
  }
  return file;
}

bool exists(hid_t from, const std::string& path) {
  // Every group on the way is asked for: H5Lexists fails where one is missing.
  for (std::size_t end = path.find('/'); end != std::string::npos; end = path.find('/', end + 1)) {
    if (H5Lexists(from, path.substr(0, end).c_str(), H5P_DEFAULT) <= 0) {
      H5Eclear2(H5E_DEFAULT);
      return false;
    }
  }
  H5L_info_t info;
  const bool found = H5Lexists(from, path.c_str(), H5P_DEFAULT) > 0 &&
                     H5Lget_info(from, path.c_str(), &info, H5P_DEFAULT) >= 0 && info.type == H5L_TYPE_HARD;
  H5Eclear2(H5E_DEFAULT);
  return found;
}

std::string Numbers::shape_text() const { return fmt::format("[{}]", fmt::join(shape, ", ")); }

void Reader::fail(const std::string& place, std::string_view what) const {
  throw FormatError(path_, -1, fmt::format("\"{}\": {}", place, what));
}

Dataset Reader::open(const std::string& place) const {
  if (!exists(file_, place)) fail(place, "expected a dataset, found nothing");
  Dataset dataset(H5Dopen2(file_, place.c_str(), H5P_DEFAULT));
  if (!dataset.valid()) fail(place, fmt::format("expected a dataset ({})", last_error()));
  return dataset;
}

std::vector<std::int64_t> Reader::shape(const std::string& place) const { return shape_of(open(place).get()); }

Numbers Reader::numbers(const std::string& place, bool integers) const {
  const Dataset dataset = open(place);
  const Type type(H5Dget_type(dataset.get()));
  const H5T_class_t kind = H5Tget_class(type.get());
  Numbers numbers;
  numbers.stored_bytes = H5Tget_size(type.get());
  if (kind != H5T_FLOAT && !(integers && kind == H5T_INTEGER)) {
    fail(place, fmt::format("expected {}, found another type", integers ? "numbers" : "floats"));
  }
  if (!is_plain(type.get(), kind)) {
    fail(place, fmt::format("expected integers of 8 to 64 bits or floats of 16 to 64, found others, of {} bytes",
                            numbers.stored_bytes));
  }
  numbers.shape = shape_of(dataset.get());
  std::int64_t count = 1;
  for (const std::int64_t size : numbers.shape) {
    if (size < 0) fail(place, "its shape cannot be read");
    if (size > kMostNumbers || (count *= size) > kMostNumbers) {
      fail(place, fmt::format("expected at most {} numbers, found shape {}", kMostNumbers, numbers.shape_text()));
    }
  }
  if (count > 0 && H5Dget_storage_size(dataset.get()) == 0) fail(place, "expected numbers, found an empty dataset");
  if (count > 0) {
    const std::string fault = layout_fault(dataset.get(), numbers.shape, numbers.stored_bytes);
    if (!fault.empty()) fail(place, fault);
  }
  numbers.values.resize(static_cast<std::size_t>(count));
  if (count > 0 && H5Dread(dataset.get(), H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers.values.data()) < 0) {
    const std::string reason = last_error();
    const std::string filters = missing_filters(dataset.get());
    if (filters.empty()) fail(place, fmt::format("cannot be read ({})", reason));
    fail(place, fmt::format("compressed with {}, which this HDF5 cannot undo; h5repack -f GZIP=4, where the filter is "
                            "installed, writes a file that it can read",
                            filters));
  }
  for (std::size_t i = 0; i < numbers.values.size(); ++i) {
    if (!std::isfinite(numbers.values[i])) fail(place, fmt::format("number {} is not finite", i));
  }
  return numbers;
}

}  // namespace twinpatch::hdf5
