// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "loader.hpp"

namespace twinpatch::train {

Loader::Loader(const Sampler& sampler, std::int64_t first_step)
    : sampler_(sampler), step_(first_step), thread_([this](const std::stop_token& stop) { work(stop); }) {}

void Loader::work(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    PatchBatch batch;
    try {
      batch = sampler_.batch(step_++);
    } catch (...) {
      const std::lock_guard lock(mutex_);
      failure_ = std::current_exception();
      changed_.notify_all();
      return;
    }
    std::unique_lock lock(mutex_);
    if (!changed_.wait(lock, stop, [this] { return ready_.size() < kAhead; })) return;
    ready_.push_back(std::move(batch));
    changed_.notify_all();
  }
}

PatchBatch Loader::next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !ready_.empty() || failure_ != nullptr; });
  if (ready_.empty()) std::rethrow_exception(failure_);
  PatchBatch batch = std::move(ready_.front());
  ready_.pop_front();
  changed_.notify_all();
  return batch;
}

}  // namespace twinpatch::train
