// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <memory>
#include <vector>

#include "runtime/nvtx.hpp"
#include "twinpatch/backend/backend.hpp"
#include "twinpatch/core/checked.hpp"
#include "twinpatch/core/thread_pool.hpp"

// Rows on several devices, and what makes them there.

namespace twinpatch::cuda {

/// Work on each of several devices at once, a thread each.
class DeviceThreads {
 public:
  explicit DeviceThreads(int devices)
      : pool_(devices, [](int worker) { name_this_thread(fmt::format("cuda devices {}", worker).c_str()); }) {}
  [[nodiscard]] int count() const noexcept { return pool_.threads(); }

  /// work(device) for each; throws what the first of them in order has met, once all have returned.
  template <class Work>
  void run(const Work& work) {
    std::vector<std::exception_ptr> errors(static_cast<std::size_t>(count()));
    pool_.for_ranges(count(), 1, [&](std::int64_t begin, std::int64_t end, int /*worker*/) {
      for (std::int64_t device = begin; device < end; ++device) {
        try {
          work(static_cast<std::size_t>(device));
        } catch (...) {
          errors[static_cast<std::size_t>(device)] = std::current_exception();
        }
      }
    });
    for (const auto& error : errors) {
      if (error != nullptr) std::rethrow_exception(error);
    }
  }

 private:
  ThreadPool pool_;
};

/// First of `count` rows that device `device` of `devices` has.
inline std::int64_t first_row(std::int64_t count, std::size_t device, int devices) {
  return checked_multiply(count, static_cast<std::int64_t>(device)) / devices;
}

/// Left rows: a block on each device. Right rows: all of them on each.
class SpreadRows final : public Rows {
 public:
  SpreadRows(Side side, std::int64_t count, int devices)
      : parts(static_cast<std::size_t>(devices)), side_(side), count_(count) {}
  [[nodiscard]] std::int64_t size() const override { return count_; }
  /// On the device that has most.
  [[nodiscard]] std::int64_t bytes() const override {
    std::int64_t most = 0;
    for (const auto& part : parts) most = std::max(most, part->bytes());
    return most;
  }
  [[nodiscard]] Side side() const override { return side_; }
  [[nodiscard]] std::int64_t begin(std::size_t device) const {
    return side_ == Side::right ? 0 : first_row(count_, device, static_cast<int>(parts.size()));
  }

  std::vector<std::shared_ptr<const Rows>> parts;

 private:
  Side side_;
  std::int64_t count_;
};

/// From one executor a device. Where those are DeviceBranches, the result is one too.
[[nodiscard]] std::unique_ptr<BranchExecutor> make_spread_branch(std::shared_ptr<DeviceThreads> threads,
                                                                 std::vector<std::unique_ptr<BranchExecutor>> branches);

}  // namespace twinpatch::cuda
