// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "runtime/pinned.hpp"

namespace twinpatch::cuda {

PinnedRing::PinnedRing(std::int64_t bytes_per_slot) {
  for (Slot& slot : slots_) {
    slot.memory_ = PinnedBuffer<std::byte>(bytes_per_slot);
    slot.copied_ = make_event();
  }
}

PinnedRing::~PinnedRing() {
  for (Slot& slot : slots_) {
    if (slot.busy_) (void)cudaEventSynchronize(slot.copied_.get());
  }
}

void PinnedRing::wait(Slot& slot) {
  if (!slot.busy_) return;
  TWINPATCH_CUDA_CHECK(cudaEventSynchronize(slot.copied_.get()));
  slot.busy_ = false;
}

PinnedRing::Slot& PinnedRing::acquire() {
  Slot& slot = slots_[static_cast<std::size_t>(next_)];
  next_ = (next_ + 1) % kSlots;
  wait(slot);
  return slot;
}

void PinnedRing::submit(Slot& slot, cudaStream_t stream) {
  TWINPATCH_CUDA_CHECK(cudaEventRecord(slot.copied_.get(), stream));
  slot.busy_ = true;
}

void PinnedRing::drain() {
  for (Slot& slot : slots_) wait(slot);
}

}  // namespace twinpatch::cuda
