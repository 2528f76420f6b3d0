// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <variant>

#include "list_sampler.hpp"
#include "sampler.hpp"

namespace twinpatch::train {

/// What a step learns from, and what makes the batch of a number.
using Batch = std::variant<PatchBatch, ListBatch>;
using MakeBatch = std::function<Batch(std::int64_t step)>;

/// Makes batches ahead of the training, in order, on a thread of its own.
class Loader {
 public:
  Loader(MakeBatch make, std::int64_t first_step);
  /// The next batch. Throws what making it threw.
  [[nodiscard]] Batch next();

 private:
  void work(const std::stop_token& stop);

  static constexpr std::size_t kAhead = 3;
  MakeBatch make_;
  std::int64_t step_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Batch> ready_;
  std::exception_ptr failure_;
  std::jthread thread_;  // last: stops before what it uses goes
};

}  // namespace twinpatch::train
