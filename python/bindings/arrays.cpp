// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "arrays.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nanobind/stl/filesystem.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "twinpatch/backend/backend.hpp"
#include "twinpatch/cuda/backend.hpp"

namespace twinpatch::python {
namespace {

template <class T>
bool has_type(const Array& array) {
  return array.values.dtype() == nb::dtype<T>();
}

std::string type_name(nb::dlpack::dtype type) {
  using Code = nb::dlpack::dtype_code;
  const char* kind = "type ";
  switch (static_cast<Code>(type.code)) {
    case Code::Int:
      kind = "int";
      break;
    case Code::UInt:
      kind = "uint";
      break;
    case Code::Float:
      kind = "float";
      break;
    case Code::Bfloat:
      kind = "bfloat";
      break;
    case Code::Complex:
      kind = "complex";
      break;
    case Code::Bool:
      return "bool";
    default:
      return fmt::format("type {} of {} bits", type.code, type.bits);
  }
  return fmt::format("{}{}", kind, type.bits);
}

[[noreturn]] void throw_wrong_type(const Array& array, const char* expected) {
  throw InvalidArgument(fmt::format("{}: expected {}, found {}", array.name, expected, description(array)));
}
[[noreturn]] void throw_wrong_shape(const Array& array, const char* expected) {
  throw ShapeError(fmt::format("{}: expected {}, found {}", array.name, expected, description(array)));
}

/// Row-major without gaps. Strides of axes with one element (or of an empty array) say nothing.
bool is_in_c_order(const nb::ndarray<nb::ro>& values) {
  std::int64_t stride = 1;
  if (values.size() == 0) return true;
  for (std::size_t axis = values.ndim(); axis-- > 0;) {
    if (values.shape(axis) != 1 && values.stride(axis) != stride) return false;
    stride *= static_cast<std::int64_t>(values.shape(axis));
  }
  return true;
}

bool import(nb::handle object, nb::ndarray<nb::ro>& values) {
  if (nb::try_cast(object, values)) return true;
  const nb::module_ numpy = nb::module_::import_("numpy");
  if (nb::hasattr(object, "__array_interface__")) return nb::try_cast(numpy.attr("asarray")(object), values);
  if (nb::hasattr(object, "__dlpack__")) (void)numpy.attr("from_dlpack")(object);  // raises the reason
  return false;
}

bool is_on_host(const Array& array) {
  const int type = array.values.device_type();
  return type == nb::device::cpu::value || type == nb::device::cuda_host::value;
}

std::string place_name(const Array& array) {
  const int type = array.values.device_type();
  return type == nb::device::cuda::value ? fmt::format("CUDA device {}", array.values.device_id())
                                         : fmt::format("a device of DLPack's type {}", type);
}

/// Where its values then lie.
const void* bring_to_host(Array& array) {
  if (!array.cuda || array.copied.size() > 0) return array.data();
  array.copied = Buffer<std::byte>(static_cast<std::int64_t>(array.values.nbytes()));
  const nb::gil_scoped_release release;
  copy_from_cuda_device(*array.cuda, array.values.data(), array.copied.size(), array.copied.data());
  return array.data();
}

template <class T>
std::span<const T> elements(const Array& array) {
  return {static_cast<const T*>(array.data()), array.values.size()};
}

template <class T>
std::vector<IndexPair> narrowed(const Array& array) {
  const auto values = elements<T>(array);
  std::vector<IndexPair> pairs;
  pairs.reserve(values.size() / 2);
  const auto narrow = [&](T value) {
    if (std::in_range<std::int32_t>(value)) return static_cast<std::int32_t>(value);
    throw InvalidArgument(fmt::format("{}: row {} has index {}", array.name, pairs.size(), value));
  };
  for (std::size_t i = 0; i < values.size(); i += 2) pairs.push_back({narrow(values[i]), narrow(values[i + 1])});
  return pairs;
}

template <class T>
std::vector<Keypoint> keypoints_from(std::span<const T> values, std::size_t columns) {
  std::vector<Keypoint> keypoints;
  keypoints.reserve(values.size() / columns);
  for (std::size_t i = 0; i < values.size(); i += columns) {
    const auto at = [&](std::size_t column) { return static_cast<float>(values[i + column]); };
    keypoints.push_back(columns == 6 ? keypoint_with_shape(at(0), at(1), {at(2), at(3), at(4), at(5)})
                                     : Keypoint{.x = at(0), .y = at(1), .sigma = at(2), .angle = at(3)});
  }
  return keypoints;
}

}  // namespace

std::string description(const Array& array) {
  std::vector<std::size_t> shape;
  for (std::size_t axis = 0; axis < array.values.ndim(); ++axis) shape.push_back(array.values.shape(axis));
  return fmt::format("{} [{}]", type_name(array.values.dtype()), fmt::join(shape, ", "));
}

Array array_of(nb::handle object, const char* name, std::optional<int> cuda) {
  Array array{name, {}, {}, {}};
  if (!import(object, array.values)) {
    const nb::str type = nb::str(nb::handle(object.type()).attr("__name__"));
    throw InvalidArgument(fmt::format("{}: expected an array (NumPy, DLPack, __array_interface__), found {}", name,
                                      nb::str(type).c_str()));
  }
  if (array.values.device_type() == nb::device::cuda::value && array.values.device_id() == cuda) {
    array.cuda = cuda;
  } else if (!is_on_host(array)) {
    throw InvalidArgument(fmt::format(
        "{}: expected an array in the host's memory{}, found {} on {}; copy it to the CPU", name,
        cuda ? fmt::format(" or that of CUDA device {}", *cuda) : "", description(array), place_name(array)));
  }
  if (!is_in_c_order(array.values)) {
    throw InvalidArgument(
        fmt::format("{}: expected C order without gaps, found strides of another order in {}; "
                    "numpy.ascontiguousarray makes such a copy",
                    name, description(array)));
  }
  if (array.cuda) {
    const nb::gil_scoped_release release;
    finish_cuda_device(*array.cuda);
  }
  return array;
}

Array host_array_of(nb::handle object, const char* name, std::optional<int> cuda) {
  Array array = array_of(object, name, cuda);
  bring_to_host(array);
  return array;
}

PatchView patches_of(Array& array) {
  constexpr const char* kExpected = "uint8 or float32 [N, H, W] or [N, 1, H, W]";
  const auto& values = array.values;
  const bool has_levels = has_type<std::uint8_t>(array);
  if (!has_levels && !has_type<float>(array)) throw_wrong_type(array, kExpected);
  const std::size_t axes = values.ndim();
  if (axes != 3 && (axes != 4 || values.shape(1) != 1)) throw_wrong_shape(array, kExpected);
  constexpr std::size_t kLargest = std::numeric_limits<int>::max();
  if (values.shape(axes - 2) > kLargest || values.shape(axes - 1) > kLargest) throw_wrong_shape(array, kExpected);
  const PatchView patches{.type = has_levels ? PixelType::u8 : PixelType::f32,
                          .pixels = has_levels ? array.data() : bring_to_host(array),
                          .count = static_cast<std::int64_t>(values.shape(0)),
                          .height = static_cast<int>(values.shape(axes - 2)),
                          .width = static_cast<int>(values.shape(axes - 1))};
  return patches;
}

bool is_matrix(const Array& array) { return array.values.ndim() == 2; }

MatrixView descriptors_of(const Array& array) {
  constexpr const char* kExpected = "float32 [N, D]";
  if (!has_type<float>(array)) throw_wrong_type(array, kExpected);
  if (!is_matrix(array)) throw_wrong_shape(array, kExpected);
  return {static_cast<const float*>(array.data()), static_cast<std::int64_t>(array.values.shape(0)),
          static_cast<std::int64_t>(array.values.shape(1))};
}

std::vector<double> numbers_of(const Array& array) {
  if (has_type<double>(array)) {
    const auto values = elements<double>(array);
    return {values.begin(), values.end()};
  }
  if (!has_type<float>(array)) throw_wrong_type(array, "float32 or float64");
  const auto values = elements<float>(array);
  return {values.begin(), values.end()};
}

std::vector<IndexPair> pairs_of(const Array& array) {
  constexpr const char* kExpected = "int32 or int64 [M, 2]";
  const bool is_long = has_type<std::int64_t>(array);
  if (!is_long && !has_type<std::int32_t>(array)) throw_wrong_type(array, kExpected);
  if (!is_matrix(array) || array.values.shape(1) != 2) throw_wrong_shape(array, kExpected);
  return is_long ? narrowed<std::int64_t>(array) : narrowed<std::int32_t>(array);
}

std::vector<Keypoint> keypoints_of(const Array& array) {
  constexpr const char* kExpected =
      "float32 or float64 [N, 4]: x, y, sigma, angle; or [N, 6]: x, y and the affine shape a11, a12, a21, a22";
  const bool is_double = has_type<double>(array);
  if (!is_double && !has_type<float>(array)) throw_wrong_type(array, kExpected);
  if (is_matrix(array) && (array.values.shape(1) == 2 || array.values.shape(1) == 3)) {
    throw ShapeError(fmt::format("{}: expected {}, found {}: {}", array.name, kExpected, description(array),
                                 array.values.shape(1) == 2
                                     ? "no window can be cut around a place without a scale; add columns for sigma "
                                       "(in pixels) and angle (0: upright)"
                                     : "add a column for the angle (0: upright)"));
  }
  if (!is_matrix(array) || (array.values.shape(1) != 4 && array.values.shape(1) != 6)) {
    throw_wrong_shape(array, kExpected);
  }
  const std::size_t columns = array.values.shape(1);
  return is_double ? keypoints_from(elements<double>(array), columns) : keypoints_from(elements<float>(array), columns);
}

GrayImage image_of(nb::handle object, const char* name) {
  if (nb::isinstance<nb::str>(object) || nb::hasattr(object, "__fspath__")) {
    const auto path = nb::cast<std::filesystem::path>(object);
    const nb::gil_scoped_release release;
    return read_image(path);
  }
  constexpr const char* kExpected = "a path, or grey levels, uint8 [H, W]";
  const Array array = array_of(object, name);
  if (!has_type<std::uint8_t>(array)) throw_wrong_type(array, kExpected);
  if (!is_matrix(array)) throw_wrong_shape(array, kExpected);
  constexpr std::size_t kLargest = std::numeric_limits<int>::max();
  const std::size_t height = array.values.shape(0);
  const std::size_t width = array.values.shape(1);
  if (height == 0 || width == 0 || height > kLargest || width > kLargest) throw_wrong_shape(array, kExpected);
  GrayImage image(static_cast<int>(width), static_cast<int>(height));
  std::ranges::copy(elements<std::uint8_t>(array), image.row(0));
  return image;
}

nb::object numpy_array(Matrix matrix) {
  float* data = matrix.data();
  const auto rows = static_cast<std::size_t>(matrix.rows());
  const auto columns = static_cast<std::size_t>(matrix.columns());
  return numpy_array(std::move(matrix), data, {rows, columns});
}

}  // namespace twinpatch::python
