// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

#include "runtime/check.hpp"
#include "runtime/memory_pool.hpp"
#include "twinpatch/core/checked.hpp"

namespace twinpatch::cuda {

/// Owner of `size` uninitialised elements on a device, allocated and freed in the order of one stream. Move-only. Work
/// that touches it on another stream must be ordered after its making and before its end (`order()`, or `release_on`).
/// Must not outlive its pool. Not dereferenced on the host: data() and view() are for kernels and copies.
template <class T>
class DeviceBuffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  DeviceBuffer() noexcept = default;
  /// Throws OutOfMemory; InvalidArgument for a negative size or one whose bytes exceed 64 bits. Does not synchronise.
  DeviceBuffer(MemoryPool& pool, std::int64_t size, cudaStream_t stream) : pool_(&pool), stream_(stream), size_(size) {
    if (size < 0) throw InvalidArgument("negative size of a device buffer");
    data_ = static_cast<T*>(pool.allocate(bytes(), stream));
  }
  DeviceBuffer(DeviceBuffer&& other) noexcept
      : pool_(std::exchange(other.pool_, nullptr)),
        stream_(other.stream_),
        data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  DeviceBuffer& operator=(DeviceBuffer&& other) noexcept {
    if (this != &other) {
      reset();
      pool_ = std::exchange(other.pool_, nullptr);
      stream_ = other.stream_;
      data_ = std::exchange(other.data_, nullptr);
      size_ = std::exchange(other.size_, 0);
    }
    return *this;
  }
  ~DeviceBuffer() { reset(); }

  [[nodiscard]] T* data() noexcept { return data_; }
  [[nodiscard]] const T* data() const noexcept { return data_; }
  [[nodiscard]] std::int64_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::int64_t bytes() const { return checked_multiply(size_, static_cast<std::int64_t>(sizeof(T))); }
  [[nodiscard]] std::span<T> view() noexcept { return {data_, static_cast<std::size_t>(size_)}; }
  [[nodiscard]] std::span<const T> view() const noexcept { return {data_, static_cast<std::size_t>(size_)}; }
  [[nodiscard]] cudaStream_t stream() const noexcept { return stream_; }

  /// From now on the memory is freed in the order of `stream`: of the one that uses it last.
  void release_on(cudaStream_t stream) noexcept { stream_ = stream; }
  void reset() noexcept {
    if (data_ != nullptr) pool_->release(data_, size_ * static_cast<std::int64_t>(sizeof(T)), stream_);
    data_ = nullptr;
    size_ = 0;
  }

 private:
  MemoryPool* pool_ = nullptr;
  cudaStream_t stream_ = nullptr;
  T* data_ = nullptr;
  std::int64_t size_ = 0;
};

/// Copies between host and device in the order of `stream`. Asynchronous where the host side is pinned: it must stay as
/// it is until the stream has got there. Throw ShapeError unless both sides have the same size.
template <class T>
void copy_to_device(std::span<const std::type_identity_t<T>> from, std::span<T> to, cudaStream_t stream) {
  if (from.size() != to.size()) throw ShapeError("copy to the device: sizes differ");
  if (from.empty()) return;
  TWINPATCH_CUDA_CHECK(cudaMemcpyAsync(to.data(), from.data(), to.size_bytes(), cudaMemcpyHostToDevice, stream));
}
template <class T>
void copy_to_host(std::span<const std::type_identity_t<T>> from, std::span<T> to, cudaStream_t stream) {
  if (from.size() != to.size()) throw ShapeError("copy to the host: sizes differ");
  if (from.empty()) return;
  TWINPATCH_CUDA_CHECK(cudaMemcpyAsync(to.data(), from.data(), to.size_bytes(), cudaMemcpyDeviceToHost, stream));
}
template <class T>
void copy_on_device(std::span<const std::type_identity_t<T>> from, std::span<T> to, cudaStream_t stream) {
  if (from.size() != to.size()) throw ShapeError("copy on the device: sizes differ");
  if (from.empty()) return;
  TWINPATCH_CUDA_CHECK(cudaMemcpyAsync(to.data(), from.data(), to.size_bytes(), cudaMemcpyDeviceToDevice, stream));
}

/// Host data → a new buffer. Returns once `from` may change (pageable memory is staged by the runtime): for weights and
/// plans, not for the steady state.
template <class T>
[[nodiscard]] DeviceBuffer<T> upload(MemoryPool& pool, std::span<const T> from, cudaStream_t stream) {
  DeviceBuffer<T> buffer(pool, static_cast<std::int64_t>(from.size()), stream);
  copy_to_device<T>(from, buffer.view(), stream);
  TWINPATCH_CUDA_CHECK(cudaStreamSynchronize(stream));
  return buffer;
}

}  // namespace twinpatch::cuda
