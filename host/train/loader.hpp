// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <stop_token>
#include <thread>

#include "sampler.hpp"

namespace twinpatch::train {

/// Makes batches ahead of the training, in order, on a thread of its own.
class Loader {
 public:
  Loader(const Sampler& sampler, std::int64_t first_step);
  /// The next batch. Throws what the sampler threw.
  [[nodiscard]] PatchBatch next();

 private:
  void work(const std::stop_token& stop);

  static constexpr std::size_t kAhead = 3;
  const Sampler& sampler_;
  std::int64_t step_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<PatchBatch> ready_;
  std::exception_ptr failure_;
  std::jthread thread_;  // last: stops before what it uses goes
};

}  // namespace twinpatch::train
