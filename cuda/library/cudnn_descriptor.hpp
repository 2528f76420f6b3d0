// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cudnn.h>

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "library/library_check.hpp"
#include "runtime/handle.hpp"

namespace twinpatch::cuda {

/// The attribute type that goes with a C++ type; a missing one does not compile. Descriptors are void* in cuDNN's
/// headers, so pointers to data have a function of their own below.
template <class T>
struct AttributeType;
template <>
struct AttributeType<std::int64_t> {
  static constexpr auto kValue = CUDNN_TYPE_INT64;
};
template <>
struct AttributeType<std::int32_t> {
  static constexpr auto kValue = CUDNN_TYPE_INT32;
};
template <>
struct AttributeType<double> {
  static constexpr auto kValue = CUDNN_TYPE_DOUBLE;
};
template <>
struct AttributeType<float> {
  static constexpr auto kValue = CUDNN_TYPE_FLOAT;
};
template <>
struct AttributeType<bool> {
  static constexpr auto kValue = CUDNN_TYPE_BOOLEAN;
};
template <>
struct AttributeType<char> {
  static constexpr auto kValue = CUDNN_TYPE_CHAR;
};
template <>
struct AttributeType<cudnnHandle_t> {
  static constexpr auto kValue = CUDNN_TYPE_HANDLE;
};
template <>
struct AttributeType<cudnnDataType_t> {
  static constexpr auto kValue = CUDNN_TYPE_DATA_TYPE;
};
template <>
struct AttributeType<cudnnConvolutionMode_t> {
  static constexpr auto kValue = CUDNN_TYPE_CONVOLUTION_MODE;
};
template <>
struct AttributeType<cudnnBackendHeurMode_t> {
  static constexpr auto kValue = CUDNN_TYPE_HEUR_MODE;
};
template <>
struct AttributeType<cudnnPointwiseMode_t> {
  static constexpr auto kValue = CUDNN_TYPE_POINTWISE_MODE;
};
template <>
struct AttributeType<cudnnResampleMode_t> {
  static constexpr auto kValue = CUDNN_TYPE_RESAMPLE_MODE;
};
template <>
struct AttributeType<cudnnPaddingMode_t> {
  static constexpr auto kValue = CUDNN_TYPE_PADDING_MODE;
};
template <>
struct AttributeType<cudnnNanPropagation_t> {
  static constexpr auto kValue = CUDNN_TYPE_NAN_PROPOGATION;
};
template <>
struct AttributeType<cudnnFraction_t> {
  static constexpr auto kValue = CUDNN_TYPE_FRACTION;
};
template <>
struct AttributeType<cudnnBackendNumericalNote_t> {
  static constexpr auto kValue = CUDNN_TYPE_NUMERICAL_NOTE;
};
template <>
struct AttributeType<cudnnBackendBehaviorNote_t> {
  static constexpr auto kValue = CUDNN_TYPE_BEHAVIOR_NOTE;
};
template <>
struct AttributeType<cudnnBackendDescriptor_t> {
  static constexpr auto kValue = CUDNN_TYPE_BACKEND_DESCRIPTOR;
};

/// One object of cuDNN's backend API: attributes are set, then it is finalised and used. Move-only owner.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(cudnnBackendDescriptorType_t type) {
    cudnnBackendDescriptor_t made = nullptr;
    TWINPATCH_CUDA_CHECK(cudnnBackendCreateDescriptor(type, &made));
    handle_.reset(made);
  }

  [[nodiscard]] cudnnBackendDescriptor_t get() const noexcept { return handle_.get(); }
  [[nodiscard]] explicit operator bool() const noexcept { return handle_ != nullptr; }

  template <class T>
  void set(cudnnBackendAttributeName_t name, std::span<const T> values) {
    TWINPATCH_CUDA_CHECK(cudnnBackendSetAttribute(get(), name, AttributeType<T>::kValue,
                                                  static_cast<std::int64_t>(values.size()), values.data()));
  }
  template <class T>
  void set(cudnnBackendAttributeName_t name, const T& value) {
    set(name, std::span<const T>(&value, 1));
  }
  template <class T>
  void set(cudnnBackendAttributeName_t name, std::initializer_list<T> values) {
    set(name, std::span<const T>(values.begin(), values.size()));
  }
  void set(cudnnBackendAttributeName_t name, const Descriptor& value) { set(name, value.get()); }
  void set_pointers(cudnnBackendAttributeName_t name, std::span<void* const> pointers) {
    TWINPATCH_CUDA_CHECK(cudnnBackendSetAttribute(get(), name, CUDNN_TYPE_VOID_PTR,
                                                  static_cast<std::int64_t>(pointers.size()), pointers.data()));
  }

  [[nodiscard]] cudnnStatus_t try_finalize() { return cudnnBackendFinalize(get()); }
  void finalize() { TWINPATCH_CUDA_CHECK(cudnnBackendFinalize(get())); }

  template <class T>
  [[nodiscard]] T get(cudnnBackendAttributeName_t name) const {
    T value{};
    std::int64_t count = 0;
    TWINPATCH_CUDA_CHECK(cudnnBackendGetAttribute(get(), name, AttributeType<T>::kValue, 1, &count, &value));
    return value;
  }
  /// All values of an attribute that has a number of them.
  template <class T>
  [[nodiscard]] std::vector<T> get_all(cudnnBackendAttributeName_t name) const {
    std::int64_t count = 0;
    TWINPATCH_CUDA_CHECK(cudnnBackendGetAttribute(get(), name, AttributeType<T>::kValue, 0, &count, nullptr));
    std::vector<T> values(static_cast<std::size_t>(count));
    TWINPATCH_CUDA_CHECK(cudnnBackendGetAttribute(get(), name, AttributeType<T>::kValue, count, &count, values.data()));
    values.resize(static_cast<std::size_t>(count));
    return values;
  }

 private:
  Handle<cudnnBackendDescriptor_t, &cudnnBackendDestroyDescriptor> handle_;
};

}  // namespace twinpatch::cuda
