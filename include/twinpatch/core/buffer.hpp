// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

#include "twinpatch/core/checked.hpp"

namespace twinpatch {

/// Owner of `size` uninitialised elements on the host, aligned to 64 bytes (a cache line, one AVX-512 register).
/// Move-only: copying a large buffer should be visible in the code.
template <class T>
class Buffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Buffer() = default;
  explicit Buffer(std::int64_t size) : size_(size) {
    if (size < 0) throw InvalidArgument("negative buffer size");
    // Whole lines, and at least one: kernels may load (not store) up to the line's end behind the last element.
    const std::int64_t bytes = checked_add(checked_multiply(size, sizeof(T)), 64) / 64 * 64;
    void* const memory = ::operator new (static_cast<std::size_t>(bytes), std::align_val_t{64}, std::nothrow);
    if (memory == nullptr) throw_out_of_host_memory(bytes);
    memory_.reset(static_cast<T*>(memory));
  }
  Buffer(Buffer&& other) noexcept : memory_(std::move(other.memory_)), size_(std::exchange(other.size_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    memory_ = std::move(other.memory_);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }

  [[nodiscard]] T* data() noexcept { return memory_.get(); }
  [[nodiscard]] const T* data() const noexcept { return memory_.get(); }
  [[nodiscard]] std::int64_t size() const noexcept { return size_; }
  [[nodiscard]] std::int64_t bytes() const noexcept { return size_ * static_cast<std::int64_t>(sizeof(T)); }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::span<T> span() noexcept { return {data(), static_cast<std::size_t>(size_)}; }
  [[nodiscard]] std::span<const T> span() const noexcept { return {data(), static_cast<std::size_t>(size_)}; }
  [[nodiscard]] T& operator[](std::int64_t i) noexcept { return data()[i]; }
  [[nodiscard]] const T& operator[](std::int64_t i) const noexcept { return data()[i]; }

 private:
  struct Free {
    void operator()(T* memory) const noexcept { ::operator delete (memory, std::align_val_t{64}); }
  };
  std::unique_ptr<T, Free> memory_;
  std::int64_t size_ = 0;
};

}  // namespace twinpatch
