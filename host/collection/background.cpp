// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "background.hpp"

#include <utility>

#include "twinpatch/core/stopwatch.hpp"

namespace twinpatch {

Background::Background(std::size_t most) : most_(most), thread_([this] { serve(); }) {}

Background::~Background() {
  {
    const std::scoped_lock lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Background::run(std::function<void()> task) {
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return error_ != nullptr || tasks_.size() < most_; });
    if (error_ != nullptr) std::rethrow_exception(error_);
    tasks_.push_back(std::move(task));
  }
  changed_.notify_all();
}

void Background::finish() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return tasks_.empty(); });
  if (error_ != nullptr) std::rethrow_exception(error_);
}

double Background::busy() const {
  const std::scoped_lock lock(mutex_);
  return busy_;
}

void Background::serve() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return stop_ || !tasks_.empty(); });
    if (tasks_.empty()) return;
    const std::function<void()> task = tasks_.front();
    lock.unlock();
    const Stopwatch watch;
    std::exception_ptr error;
    try {
      task();
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    busy_ += watch.seconds();
    tasks_.pop_front();
    if (error != nullptr) {
      error_ = error;
      tasks_.clear();
    }
    changed_.notify_all();
  }
}

}  // namespace twinpatch
