// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "twinpatch/core/buffer.hpp"
#include "twinpatch/core/matrix.hpp"
#include "twinpatch/patches/pair_list.hpp"
#include "twinpatch/patches/patch_set.hpp"
#include "twinpatch/vision/image.hpp"
#include "twinpatch/vision/keypoint.hpp"

// Arrays in and out. What comes in is looked at in place; the views below are valid as long as the Array they are of.
// Every function throws InvalidArgument (ShapeError for a wrong shape) naming the argument, what was expected and what
// was found.

namespace twinpatch::python {

namespace nb = nanobind;

/// An array of any type and library (DLPack, the buffer protocol, __array_interface__), with its argument's name.
struct Array {
  const char* name = "";
  nb::ndarray<nb::ro> values;
  std::optional<int> cuda;   ///< the device whose memory it lies in; nothing: the host's
  Buffer<std::byte> copied;  ///< its values on the host, where they had to be brought there
  [[nodiscard]] const void* data() const { return copied.size() > 0 ? copied.data() : values.data(); }
};

/// An array in the host's memory, or in that of the CUDA device `cuda`. Refuses what is no array, lies elsewhere, or is
/// not in C order: nothing is copied in silence. Waits for what the device still computes of it.
[[nodiscard]] Array array_of(nb::handle object, const char* name, std::optional<int> cuda = {});
/// The same, brought to the host where it lies on the device.
[[nodiscard]] Array host_array_of(nb::handle object, const char* name, std::optional<int> cuda);

/// uint8 (grey levels) or float32 (fed to the network unchanged), [N, H, W] or [N, 1, H, W]. Those of float32 are
/// brought to the host, where the engine looks through them.
[[nodiscard]] PatchView patches_of(Array& array);
/// float32 [N, D].
[[nodiscard]] MatrixView descriptors_of(const Array& array);
[[nodiscard]] bool is_matrix(const Array& array);
/// float32 or float64, any shape: copied to float64.
[[nodiscard]] std::vector<double> numbers_of(const Array& array);
/// int32 or int64 [M, 2].
[[nodiscard]] std::vector<IndexPair> pairs_of(const Array& array);
/// float32 or float64 [N, 4]: x, y, sigma, angle.
[[nodiscard]] std::vector<Keypoint> keypoints_of(const Array& array);
/// uint8 [H, W], or the path of a file to decode.
[[nodiscard]] GrayImage image_of(nb::handle object, const char* name);

/// "float64 [3, 64, 64]".
[[nodiscard]] std::string description(const Array& array);

/// A NumPy array over `data`, which lies in `owner`: nothing is copied.
template <class T, class Owner>
nb::object numpy_array(Owner owner, T* data, std::initializer_list<std::size_t> shape) {
  auto* kept = new Owner(std::move(owner));
  const nb::capsule capsule(kept, [](void* what) noexcept { delete static_cast<Owner*>(what); });
  return nb::cast(nb::ndarray<nb::numpy, T>(data, shape.size(), shape.begin(), capsule));
}
template <class T>
nb::object numpy_array(Buffer<T> buffer, std::initializer_list<std::size_t> shape) {
  T* data = buffer.data();
  return numpy_array(std::move(buffer), data, shape);
}
[[nodiscard]] nb::object numpy_array(Matrix matrix);
/// Of a vector's elements, seen as numbers of type T: [size, width] or, where width is 0, [size].
template <class T, class Element>
nb::object numpy_array_of(std::vector<Element> values, std::size_t width = 0) {
  T* data = reinterpret_cast<T*>(values.data());
  const std::size_t size = values.size();
  if (width == 0) return numpy_array(std::move(values), data, {size});
  return numpy_array(std::move(values), data, {size, width});
}

}  // namespace twinpatch::python
