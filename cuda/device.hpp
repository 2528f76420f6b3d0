// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>

#include "kernels/kernels.hpp"
#include "library/libraries.hpp"
#include "run_statistics.hpp"
#include "runtime/context.hpp"
#include "runtime/device_buffer.hpp"
#include "runtime/number_type.hpp"
#include "twinpatch/backend/backend.hpp"
#include "twinpatch/core/thread_pool.hpp"

namespace twinpatch::cuda {

template <class T>
class HeldBuffer;

/// One device as the engine uses it: what everything made by its backend shares. Work of several executors takes turns:
/// whoever submits to the streams, or gives memory back, holds a Turn.
class Device {
 public:
  /// `threads` of the host stage patches for it. Throws DeviceError, OutOfMemory.
  Device(int number, const ExecutionOptions& given, int threads);

  [[nodiscard]] MemoryPool& pool() noexcept { return context.pool(); }
  [[nodiscard]] cudaStream_t stream() const noexcept { return context.compute(); }

  /// Waits for the compute stream, and adds what `computing` and `selecting` have timed to the statistics.
  void finish();
  /// Adds those of them that are over, without waiting.
  void collect_finished();
  /// A line for options.log.
  void report(const std::string& line) const;

  Context context;
  ExecutionOptions options;
  Libraries libraries;
  NumberType type;  ///< of activations and weights
  /// Of what fused grids are searched with, in any precision: what they keep is decided in fp32.
  [[nodiscard]] NumberType search_type() const { return type == NumberType::fp32 ? NumberType::fp16 : type; }
  RunStatistics statistics;
  SpanTimer computing, selecting;  ///< of scorers, on the compute stream
  WarmProfile profile;             ///< told of every batch and tile
  ThreadPool threads;

 private:
  friend class Turn;
  template <class T>
  friend class HeldBuffer;
  std::recursive_mutex turn_;  ///< recursive: rows may end, and give memory back, within a turn
};

/// Holds a device for a scope, with the device current on this thread.
class Turn {
 public:
  explicit Turn(Device& device) : lock_(device.turn_), guard_(device.context.activate()) {}
  Turn(const Turn&) = delete;             // holds a lock of its scope
  Turn& operator=(const Turn&) = delete;  // likewise

 private:
  std::scoped_lock<std::recursive_mutex> lock_;
  DeviceGuard guard_;
};

/// Device memory in the order of the compute stream, given back within a turn, whoever ends it.
template <class T>
class HeldBuffer {
 public:
  HeldBuffer() = default;
  HeldBuffer(std::shared_ptr<Device> device, std::int64_t size)
      : device_(std::move(device)), buffer_(device_->pool(), size, device_->stream()) {}
  HeldBuffer(HeldBuffer&&) noexcept = default;
  HeldBuffer& operator=(HeldBuffer&& other) noexcept {
    reset();
    device_ = std::move(other.device_);
    buffer_ = std::move(other.buffer_);
    return *this;
  }
  ~HeldBuffer() { reset(); }

  [[nodiscard]] T* data() noexcept { return buffer_.data(); }
  [[nodiscard]] const T* data() const noexcept { return buffer_.data(); }
  [[nodiscard]] std::int64_t size() const noexcept { return buffer_.size(); }
  [[nodiscard]] std::int64_t bytes() const noexcept { return buffer_.size() * static_cast<std::int64_t>(sizeof(T)); }
  [[nodiscard]] std::span<T> view() noexcept { return buffer_.view(); }
  [[nodiscard]] bool empty() const noexcept { return buffer_.empty(); }

 private:
  void reset() noexcept {  // of a device that is lost too: what CUDA says is dropped
    if (device_ == nullptr) return;
    {
      const std::scoped_lock lock(device_->turn_);
      buffer_.reset();
    }
    device_.reset();
  }
  std::shared_ptr<Device> device_;
  DeviceBuffer<T> buffer_;
};

/// Device memory for the same purpose again and again, in the order of the compute stream: grows when more is asked
/// for, and what it held is then lost.
template <class T>
class ReusedBuffer {
 public:
  explicit ReusedBuffer(std::shared_ptr<Device> device) : device_(std::move(device)) {}
  /// Memory for `size` values. Throws OutOfMemory, and holds nothing then.
  [[nodiscard]] T* at_least(std::int64_t size) {
    if (buffer_.size() < size) {
      buffer_ = {};
      buffer_ = HeldBuffer<T>(device_, size);
    }
    return buffer_.data();
  }
  [[nodiscard]] T* data() noexcept { return buffer_.data(); }
  [[nodiscard]] const T* data() const noexcept { return buffer_.data(); }
  [[nodiscard]] std::int64_t bytes() const noexcept { return buffer_.bytes(); }
  void release() { buffer_ = {}; }

 private:
  std::shared_ptr<Device> device_;
  HeldBuffer<T> buffer_;
};

}  // namespace twinpatch::cuda
