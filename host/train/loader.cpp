// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "loader.hpp"

#include <utility>

namespace twinpatch::train {

Loader::Loader(MakeBatch make, std::int64_t first_step)
    : make_(std::move(make)), step_(first_step), thread_([this](const std::stop_token& stop) { work(stop); }) {}

void Loader::work(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    Batch batch;
    try {
      batch = make_(step_++);
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

Batch Loader::next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !ready_.empty() || failure_ != nullptr; });
  if (ready_.empty()) std::rethrow_exception(failure_);
  Batch batch = std::move(ready_.front());
  ready_.pop_front();
  changed_.notify_all();
  return batch;
}

}  // namespace twinpatch::train
