// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

#include "runtime/check.hpp"
#include "runtime/handle.hpp"
#include "twinpatch/core/checked.hpp"

namespace twinpatch::cuda {

/// Host memory that the device's copy engines reach directly. Move-only. Must outlive every copy that names it.
template <class T>
class PinnedBuffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  PinnedBuffer() noexcept = default;
  /// Uninitialised. Throws OutOfMemory. Slow (the operating system pins pages): for plans, not for the steady state.
  explicit PinnedBuffer(std::int64_t size) : size_(size) {
    if (size < 0) throw InvalidArgument("negative size of a pinned buffer");
    if (size == 0) return;
    void* memory = nullptr;
    const std::int64_t bytes = checked_multiply(size, static_cast<std::int64_t>(sizeof(T)));
    TWINPATCH_CUDA_CHECK(cudaHostAlloc(&memory, static_cast<std::size_t>(bytes), cudaHostAllocPortable));
    memory_.reset(memory);
  }
  PinnedBuffer(PinnedBuffer&& other) noexcept
      : memory_(std::move(other.memory_)), size_(std::exchange(other.size_, 0)) {}
  PinnedBuffer& operator=(PinnedBuffer&& other) noexcept {
    memory_ = std::move(other.memory_);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }

  [[nodiscard]] T* data() noexcept { return static_cast<T*>(memory_.get()); }
  [[nodiscard]] const T* data() const noexcept { return static_cast<const T*>(memory_.get()); }
  [[nodiscard]] std::int64_t size() const noexcept { return size_; }
  [[nodiscard]] std::span<T> view() noexcept { return {data(), static_cast<std::size_t>(size_)}; }
  [[nodiscard]] std::span<const T> view() const noexcept { return {data(), static_cast<std::size_t>(size_)}; }

 private:
  std::unique_ptr<void, Destroyer<&cudaFreeHost>> memory_;
  std::int64_t size_ = 0;
};

/// Three pinned slots that go round: one is being filled by the host, one copied, one waiting. One producer thread.
///
///     PinnedRing::Slot& slot = ring.acquire();      // waits until the slot's last copy is done
///     fill(slot.bytes());
///     cudaMemcpyAsync(…, slot.bytes().data(), …, stream);
///     ring.submit(slot, stream);                    // the slot is busy until `stream` gets here
class PinnedRing {
 public:
  static constexpr int kSlots = 3;

  class Slot {
   public:
    [[nodiscard]] std::span<std::byte> bytes() noexcept { return memory_.view(); }
    /// The slot's memory as elements; its start is aligned to 256 bytes.
    template <class T>
    [[nodiscard]] std::span<T> as() noexcept {
      return {reinterpret_cast<T*>(memory_.data()), static_cast<std::size_t>(memory_.size()) / sizeof(T)};
    }

   private:
    friend class PinnedRing;
    PinnedBuffer<std::byte> memory_;
    Event copied_;
    bool busy_ = false;
  };

  /// Throws OutOfMemory. The calling thread's device is the one whose streams will be submitted.
  explicit PinnedRing(std::int64_t bytes_per_slot);
  /// Waits for the copies under way.
  ~PinnedRing();
  PinnedRing(const PinnedRing&) = delete;
  PinnedRing& operator=(const PinnedRing&) = delete;

  /// The next slot in turn. Blocks the host until the copy last submitted from it is done.
  [[nodiscard]] Slot& acquire();
  /// Marks the slot busy until everything now in `stream` is done. Does not block.
  void submit(Slot& slot, cudaStream_t stream);
  /// Blocks until no copy is under way.
  void drain();
  [[nodiscard]] std::int64_t bytes_per_slot() const noexcept { return slots_[0].memory_.size(); }

 private:
  static void wait(Slot& slot);
  std::array<Slot, kSlots> slots_;
  int next_ = 0;
};

}  // namespace twinpatch::cuda
