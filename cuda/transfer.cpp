// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "transfer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "runtime/nvtx.hpp"

namespace twinpatch::cuda {
namespace {

constexpr std::int64_t kLargestSlot = std::int64_t{16} << 20;
constexpr std::int64_t kSmallestSlot = std::int64_t{64} << 10;
/// What one host thread copies at a time.
constexpr std::int64_t kStageGrain = std::int64_t{512} << 10;

std::size_t size(std::int64_t bytes) { return static_cast<std::size_t>(bytes); }

}  // namespace

void Staging::make_ring(std::int64_t bytes) {
  const std::int64_t wanted = std::clamp(bytes, kSmallestSlot, kLargestSlot);
  if (ring_ && ring_->bytes_per_slot() >= wanted) return;
  ring_.reset();
  ring_.emplace(wanted);
}

bool Staging::lies_on_device(const void* from) const {
  cudaPointerAttributes place{};
  TWINPATCH_CUDA_CHECK(cudaPointerGetAttributes(&place, from));
  if (place.type != cudaMemoryTypeDevice) return false;
  const int mine = device_->context.properties().device;
  if (place.device == mine) return true;
  throw InvalidArgument(fmt::format("memory of CUDA device {} given to the engine of device {}", place.device, mine));
}

void Staging::copy_there(const void* from, std::int64_t bytes, void* to) {
  const cudaStream_t stream = device_->context.copy_in();
  copies_.begin(stream);
  TWINPATCH_CUDA_CHECK(cudaMemcpyAsync(to, from, size(bytes), cudaMemcpyDeviceToDevice, stream));
  copies_.end(stream);
  TWINPATCH_CUDA_CHECK(cudaStreamSynchronize(stream));
  bytes_ += bytes;
}

void Staging::copy(const void* from, std::int64_t bytes, void* to) {
  if (bytes == 0) return;
  const bool there = lies_on_device(from);
  if (!there) make_ring(bytes);
  try {
    if (there) {
      copy_there(from, bytes, to);
    } else {
      copy_slots(static_cast<const std::byte*>(from), bytes, static_cast<std::byte*>(to));
    }
  } catch (...) {
    copies_.forget();
    ring_.reset();  // waits: the caller may give `to` back
    throw;
  }
}

void Staging::copy_slots(const std::byte* from, std::int64_t bytes, std::byte* to) {
  static const RangeName kStage(Stage::read, "stage");
  static const RangeName kCopy(Stage::copy, "copy in");
  const cudaStream_t stream = device_->context.copy_in();
  for (std::int64_t begin = 0; begin < bytes; begin += ring_->bytes_per_slot()) {
    const std::int64_t now = std::min(ring_->bytes_per_slot(), bytes - begin);
    PinnedRing::Slot& slot = ring_->acquire();
    std::byte* const pinned = slot.bytes().data();
    {
      const Range range(kStage, {.pairs = 0, .bytes = now});
      const HostClock clock;
      device_->threads.for_ranges(now, kStageGrain, [&](std::int64_t first, std::int64_t last, int /*worker*/) {
        std::memcpy(pinned + first, from + begin + first, size(last - first));
      });
      device_->statistics.add(Stage::read, clock.seconds(), now);
    }
    const Range range(kCopy, {.pairs = 0, .bytes = now});
    copies_.begin(stream);
    TWINPATCH_CUDA_CHECK(cudaMemcpyAsync(to + begin, pinned, size(now), cudaMemcpyHostToDevice, stream));
    copies_.end(stream);
    ring_->submit(slot, stream);
    bytes_ += now;
  }
}

void Staging::publish() {
  if (published_ == nullptr) published_ = make_event();
  order(device_->context.copy_in(), published_.get(), device_->stream());
}

void Staging::reclaim() {
  if (reclaimed_ == nullptr) reclaimed_ = make_event();
  order(device_->stream(), reclaimed_.get(), device_->context.copy_in());
}

void Staging::report() {
  device_->statistics.add(Stage::copy, copies_.collect(), bytes_);
  bytes_ = 0;
}

void PatchFeed::run(PatchView patches, std::int64_t batch, const RunControl& control, const Consume& consume) {
  const std::int64_t patch_bytes = patches.patch_bytes();
  const std::int64_t needed = patch_bytes * std::min(batch, patches.count);
  const cudaStream_t compute = device_->stream();
  const cudaStream_t copying = device_->context.copy_in();
  for (Slot& slot : slots_) {
    if (slot.pixels.size() < needed) slot.pixels = HeldBuffer<std::byte>(device_, needed);
    if (slot.consumed == nullptr) slot.consumed = make_event();
    slot.busy = false;
  }
  staging_.reclaim();  // the buffers are there, and nobody reads them, once the compute stream gets here
  std::size_t next = 0;
  for (std::int64_t begin = 0; begin < patches.count; begin += batch) {
    control.check();
    const std::int64_t count = std::min(batch, patches.count - begin);
    Slot& slot = slots_[next];
    next = (next + 1) % kSlots;
    if (slot.busy) TWINPATCH_CUDA_CHECK(cudaStreamWaitEvent(copying, slot.consumed.get(), 0));
    staging_.copy(patches.slice(begin, count).pixels, count * patch_bytes, slot.pixels.data());
    staging_.publish();
    device_->profile.next_batch();
    work_.begin(compute);
    consume(slot.pixels.data(), begin, count);
    work_.end(compute);
    TWINPATCH_CUDA_CHECK(cudaEventRecord(slot.consumed.get(), compute));
    slot.busy = true;
    control.advance(count);
  }
}

void PatchFeed::report() {
  staging_.report();
  device_->statistics.add(Stage::compute, work_.collect());
}

void Delivery::start() {
  if (ring_) ring_->drain();
  for (Slot& slot : slots_) slot = {};
}

void Delivery::make_room(std::int64_t bytes) {
  if (slots_.back().memory.size() >= bytes) return;
  if (ring_) finish();
  if (!ring_ || ring_->bytes_per_slot() < bytes) {
    ring_.reset();
    ring_.emplace(bytes);
    next_ = 0;
  }
  for (Slot& slot : slots_) slot.memory = HeldBuffer<std::byte>(device_, bytes);
}

void Delivery::take(const void* from, std::int64_t bytes, void* to) { take(from, 1, bytes, to, bytes); }

void Delivery::take(const void* from, std::int64_t rows, std::int64_t row_bytes, void* to, std::int64_t to_stride) {
  const std::int64_t bytes = rows * row_bytes;
  if (bytes == 0) return;
  make_room(bytes);
  static const RangeName kCopy(Stage::copy, "copy out");
  const Range range(kCopy, {.pairs = 0, .bytes = bytes});
  if (taken_ == nullptr) taken_ = make_event();
  const cudaStream_t compute = device_->stream();
  const cudaStream_t copying = device_->context.copy_out();
  Slot& slot = slots_[next_];
  next_ = (next_ + 1) % kSlots;
  slot.pinned = &ring_->acquire();  // goes round as slots_ do: the last copy out of this slot is done
  deliver(slot);
  TWINPATCH_CUDA_CHECK(cudaMemcpyAsync(slot.memory.data(), from, size(bytes), cudaMemcpyDeviceToDevice, compute));
  order(compute, taken_.get(), copying);
  TWINPATCH_CUDA_CHECK(
      cudaMemcpyAsync(slot.pinned->bytes().data(), slot.memory.data(), size(bytes), cudaMemcpyDeviceToHost, copying));
  ring_->submit(*slot.pinned, copying);
  slot.rows = rows;
  slot.row_bytes = row_bytes;
  slot.to = static_cast<std::byte*>(to);
  slot.to_stride = to_stride;
}

void Delivery::deliver(Slot& slot) {
  static const RangeName kWrite(Stage::write, "deliver");
  if (slot.rows == 0) return;
  const std::int64_t bytes = slot.rows * slot.row_bytes;
  const Range range(kWrite, {.pairs = 0, .bytes = bytes});
  const HostClock clock;
  const std::byte* const from = slot.pinned->bytes().data();
  for (std::int64_t i = 0; i < slot.rows; ++i) {
    std::memcpy(slot.to + i * slot.to_stride, from + i * slot.row_bytes, size(slot.row_bytes));
  }
  slot.rows = 0;
  device_->statistics.add(Stage::write, clock.seconds(), bytes);
}

void Delivery::finish() {
  if (!ring_) return;
  ring_->drain();
  for (std::size_t i = 0; i < kSlots; ++i) deliver(slots_[(next_ + i) % kSlots]);
  for (Slot& slot : slots_) slot = {};
}

}  // namespace twinpatch::cuda
