// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/core/thread_pool.hpp"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "twinpatch/core/available_threads.hpp"
#include "twinpatch/core/checked.hpp"

namespace twinpatch {

namespace {

using Body = std::function<void(std::int64_t, std::int64_t, int)>;

/// More threads than this is a mistyped option, not a machine.
constexpr int kMostThreads = 4096;

/// The loops the current thread is inside of, innermost first: a loop within a loop of the same pool runs in place,
/// since the pool's other threads may all be waiting for this one.
struct Frame {
  const void* pool;
  int worker;
  const Frame* outer;
};
thread_local const Frame* innermost_frame = nullptr;

class FrameGuard {
 public:
  FrameGuard(const void* pool, int worker) : frame_{pool, worker, innermost_frame} { innermost_frame = &frame_; }
  ~FrameGuard() { innermost_frame = frame_.outer; }
  FrameGuard(const FrameGuard&) = delete;             // the thread points at it
  FrameGuard& operator=(const FrameGuard&) = delete;  // likewise

 private:
  Frame frame_;
};

const Frame* find_frame(const void* pool) {
  const Frame* frame = innermost_frame;
  while (frame != nullptr && frame->pool != pool) frame = frame->outer;
  return frame;
}

/// One call of for_ranges.
class Job {
 public:
  Job(std::int64_t count, std::int64_t grain, const Body& body)
      : count_(count), grain_(grain), ranges_(count / grain + (count % grain != 0 ? 1 : 0)), body_(body) {}

  [[nodiscard]] std::int64_t ranges() const noexcept { return ranges_; }

  /// Takes ranges until none is left.
  void work(int worker) {
    for (;;) {
      const std::int64_t range = next_.fetch_add(1, std::memory_order_relaxed);
      if (range >= ranges_ || failed_.load(std::memory_order_relaxed)) return;
      const std::int64_t begin = range * grain_;
      try {
        body_(begin, begin + std::min(grain_, count_ - begin), worker);
      } catch (...) {
        keep_exception(range);
      }
    }
  }

  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  // Ranges are handed out in order and those begun are finished, so the lowest range that throws is always among those
  // run: which exception is thrown again does not depend on timing.
  void keep_exception(std::int64_t range) {
    const std::lock_guard lock(error_mutex_);
    if (!error_ || range < error_range_) {
      error_ = std::current_exception();
      error_range_ = range;
    }
    failed_.store(true, std::memory_order_relaxed);
  }

  std::int64_t count_;
  std::int64_t grain_;
  std::int64_t ranges_;
  const Body& body_;
  std::atomic<std::int64_t> next_ = 0;
  std::atomic<bool> failed_ = false;
  std::mutex error_mutex_;
  std::exception_ptr error_;
  std::int64_t error_range_ = 0;
};

}  // namespace

struct ThreadPool::State {
  std::mutex turn;  // held by the caller whose loop runs

  std::mutex mutex;  // guards what follows
  std::condition_variable wake;
  std::condition_variable finished;
  Job* job = nullptr;
  int wanted = 0;   // workers that may still join the job
  int running = 0;  // workers inside of it
  bool stop = false;

  std::function<void(int worker)> begin;
  std::vector<std::thread> workers;

  ~State() {
    {
      const std::lock_guard lock(mutex);
      stop = true;
    }
    wake.notify_all();
    for (std::thread& worker : workers) worker.join();
  }

  void start(int count) {
    workers.reserve(static_cast<std::size_t>(count));
    for (int worker = 1; worker <= count; ++worker) {
      workers.emplace_back([this, worker] { serve(worker); });
    }
  }

  void serve(int worker) {
    pthread_setname_np(pthread_self(), fmt::format("twinpatch-{}", worker).c_str());
    if (begin) begin(worker);
    const FrameGuard frame(this, worker);
    std::unique_lock lock(mutex);
    for (;;) {
      wake.wait(lock, [this] { return stop || wanted > 0; });
      if (stop) return;
      --wanted;
      ++running;
      Job* const mine = job;
      lock.unlock();
      mine->work(worker);
      lock.lock();
      if (--running == 0) finished.notify_one();
    }
  }

  void run(Job& shared) {
    const std::lock_guard my_turn(turn);
    const FrameGuard frame(this, 0);
    const auto helpers = static_cast<int>(std::min<std::int64_t>(shared.ranges() - 1, std::ssize(workers)));
    if (helpers > 0) {
      const std::lock_guard lock(mutex);
      job = &shared;
      wanted = helpers;
    }
    if (helpers == std::ssize(workers)) {
      wake.notify_all();
    } else {
      for (int i = 0; i < helpers; ++i) wake.notify_one();
    }
    shared.work(0);
    if (helpers > 0) {
      std::unique_lock lock(mutex);
      wanted = 0;
      finished.wait(lock, [this] { return running == 0; });
      job = nullptr;
    }
  }
};

ThreadPool::ThreadPool(int threads, std::function<void(int worker)> begin) : state_(std::make_unique<State>()) {
  if (threads < 0 || threads > kMostThreads) {
    throw InvalidArgument(fmt::format("number of threads: expected 0 to {}, found {}", kMostThreads, threads));
  }
  const int total = threads == 0 ? available_threads() : threads;
  state_->begin = std::move(begin);
  try {
    state_->start(total - 1);
  } catch (const std::system_error& error) {
    throw Error(fmt::format(
        "cannot start {} threads: {} (a limit on processes, ulimit -u, counts threads; fewer threads may do)", total,
        error.code().message()));
  }
}

ThreadPool::~ThreadPool() = default;

int ThreadPool::threads() const noexcept { return static_cast<int>(state_->workers.size()) + 1; }

void ThreadPool::for_ranges(std::int64_t count, std::int64_t grain, const Body& body) {
  if (count < 0 || grain < 1) {
    throw InvalidArgument(fmt::format("for_ranges: count {} and grain {} make no ranges", count, grain));
  }
  if (count == 0) return;
  Job job(count, grain, body);
  if (const Frame* const frame = find_frame(state_.get()); frame != nullptr) {
    job.work(frame->worker);
  } else {
    state_->run(job);
  }
  job.rethrow();
}

}  // namespace twinpatch
