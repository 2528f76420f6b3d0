// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "plan/step.hpp"
#include "twinpatch/net/activation_ranges.hpp"

namespace twinpatch::cpu {

/// Gathers the ranges of layers' inputs while a network runs. Any thread may add.
class ActivationRecorder {
 public:
  void add(const std::string& layer, ActivationRange range);
  [[nodiscard]] ActivationRanges ranges() const;

 private:
  mutable std::mutex mutex_;
  ActivationRanges ranges_;
};

/// `step`, whose inputs of `values` an item are recorded as those of `layer`. A value that is not finite makes the
/// range so.
[[nodiscard]] std::unique_ptr<Step> make_recorded_step(std::unique_ptr<Step> step, const std::string& layer,
                                                       std::int64_t values, ActivationRecorder& recorder);

}  // namespace twinpatch::cpu
