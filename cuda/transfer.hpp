// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "device.hpp"
#include "runtime/pinned.hpp"
#include "twinpatch/core/run_control.hpp"

// Host memory to the device and back while the device computes. Each class is used by one thread within a turn.

namespace twinpatch::cuda {

/// Host to device through a ring of three pinned slots: one is filled by the host's threads (which is where pages of a
/// mapped file are read), one is copied, one waits. What lies in the device's memory already is copied there.
class Staging {
 public:
  explicit Staging(std::shared_ptr<Device> device) : device_(std::move(device)) {}

  /// Copies `bytes` in the order of the copying stream, slot by slot; `from` may change once this returns. Does not
  /// wait for the last copies of host memory, but where it throws none is under way. Throws InvalidArgument for memory
  /// of another device.
  void copy(const void* from, std::int64_t bytes, void* to);
  /// What follows on the compute stream sees everything copied before.
  void publish();
  /// What is copied from now on may overwrite what the compute stream has been given before.
  void reclaim();
  /// Adds the time of copies to the device's statistics; the copying stream must be idle.
  void report();

 private:
  [[nodiscard]] bool lies_on_device(const void* from) const;
  void copy_there(const void* from, std::int64_t bytes, void* to);
  void make_ring(std::int64_t bytes);
  void copy_slots(const std::byte* from, std::int64_t bytes, std::byte* to);

  std::shared_ptr<Device> device_;
  std::optional<PinnedRing> ring_;
  Event published_, reclaimed_;
  SpanTimer copies_;
  std::int64_t bytes_ = 0;
};

/// Patches to the device, batch by batch, in three buffers that go round.
class PatchFeed {
 public:
  explicit PatchFeed(const std::shared_ptr<Device>& device) : device_(device), staging_(device) {}

  /// Enqueues the work on patches [begin, begin + count), which lie at `pixels` on the device until the compute stream
  /// is past it.
  using Consume = std::function<void(const void* pixels, std::int64_t begin, std::int64_t count)>;
  /// Calls `consume` for every `batch` patches in turn; waits for none of them. Stops between batches where asked to.
  void run(PatchView patches, std::int64_t batch, const RunControl& control, const Consume& consume);
  /// Adds the time of copies and of the consumers' work to the statistics. Both streams must be idle.
  void report();

 private:
  static constexpr std::size_t kSlots = 3;
  struct Slot {
    HeldBuffer<std::byte> pixels;
    Event consumed;
    bool busy = false;
  };
  std::shared_ptr<Device> device_;
  std::array<Slot, kSlots> slots_;  // before staging_: which waits for its copies before they go
  Staging staging_;
  SpanTimer work_;
};

/// Device to host through three device and three pinned buffers that go round. The pinned ones, which take milliseconds
/// to make, stay from use to use.
class Delivery {
 public:
  explicit Delivery(std::shared_ptr<Device> device) : device_(std::move(device)) {}

  /// Before a use: drops what one that ended by an exception has left.
  void start();
  /// Takes `bytes` from device memory in the order of the compute stream, which may overwrite it right after; they are
  /// at `to` once finish() returns.
  void take(const void* from, std::int64_t bytes, void* to);
  /// The same where rows of `row_bytes` go `to_stride` bytes apart.
  void take(const void* from, std::int64_t rows, std::int64_t row_bytes, void* to, std::int64_t to_stride);
  /// Waits for all of it; the buffers on the device are given back.
  void finish();

 private:
  static constexpr std::size_t kSlots = PinnedRing::kSlots;
  struct Slot {
    HeldBuffer<std::byte> memory;
    PinnedRing::Slot* pinned = nullptr;
    std::int64_t rows = 0;  ///< under way; 0: none
    std::int64_t row_bytes = 0;
    std::byte* to = nullptr;
    std::int64_t to_stride = 0;
  };
  void make_room(std::int64_t bytes);
  void deliver(Slot& slot);

  std::shared_ptr<Device> device_;
  std::array<Slot, kSlots> slots_;
  std::optional<PinnedRing> ring_;  // after slots_: waits for its copies before they go
  Event taken_;
  std::size_t next_ = 0;
};

/// Copies a few values to host memory and waits for them.
template <class T>
void read_back(Device& device, const T* from, std::int64_t count, T* to) {
  if (count == 0) return;
  TWINPATCH_CUDA_CHECK(
      cudaMemcpyAsync(to, from, static_cast<std::size_t>(count) * sizeof(T), cudaMemcpyDeviceToHost, device.stream()));
  device.finish();
}

}  // namespace twinpatch::cuda
