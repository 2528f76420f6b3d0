// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

#include "kernels/screen_kernels.hpp"
#include "plan/activation_recorder.hpp"
#include "plan/layer_numbers.hpp"
#include "twinpatch/backend/options.hpp"
#include "twinpatch/core/thread_pool.hpp"

namespace twinpatch::cpu {

/// What became of the pairs of screened grids.
struct ScreenedCounts {
  std::int64_t pairs = 0;
  std::int64_t rescored = 0;  ///< of them, after a search in 8 bits
  std::int64_t full = 0;      ///< of them in full precision from the start, where the search left too many
};
class ScreenedTotals {
 public:
  void add(const ScreenedCounts& counts) {
    pairs_ += counts.pairs;
    rescored_ += counts.rescored;
    full_ += counts.full;
  }
  [[nodiscard]] ScreenedCounts read() const { return {pairs_, rescored_, full_}; }

 private:
  std::atomic<std::int64_t> pairs_ = 0;
  std::atomic<std::int64_t> rescored_ = 0;
  std::atomic<std::int64_t> full_ = 0;
};

/// What everything made by one CPU backend shares.
struct CpuContext {
  /// Validates; throws DeviceError for a precision or kernels that the CPU engine does not offer.
  explicit CpuContext(const ExecutionOptions& given);
  ExecutionOptions options;  ///< as given
  std::int64_t memory = 0;   ///< bound in bytes on rows of one tile and work space: options.memory or the default
  bool exact_convolutions = false;
  const ScreenKernels* screen = nullptr;  ///< what grids are searched with first; null: they are scored in full
  ScreenedTotals screened;
  SaturationTotals saturation;
  ActivationRecorder* recorder = nullptr;  ///< while a network is calibrated
  ThreadPool pool;
};

}  // namespace twinpatch::cpu
