// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "plan/activation_recorder.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace twinpatch::cpu {
namespace {

ActivationRange range_of(const float* values, std::int64_t count) {
  ActivationRange range{values[0], values[0]};
  for (std::int64_t i = 0; i < count; ++i) {
    if (!std::isfinite(values[i]))
      return {-std::numeric_limits<float>::infinity(), std::numeric_limits<float>::infinity()};
    range.low = std::min(range.low, values[i]);
    range.high = std::max(range.high, values[i]);
  }
  return range;
}

class RecordedStep final : public Step {
 public:
  RecordedStep(std::unique_ptr<Step> step, std::string layer, std::int64_t values, ActivationRecorder& recorder)
      : step_(std::move(step)), layer_(std::move(layer)), values_(values), recorder_(recorder) {}
  void run(int worker, std::int64_t batch, const float* in, float* out, std::byte* scratch) override {
    recorder_.add(layer_, range_of(in, batch * values_));
    step_->run(worker, batch, in, out, scratch);
  }
  [[nodiscard]] std::int64_t scratch_bytes() const override { return step_->scratch_bytes(); }
  [[nodiscard]] std::string name() const override { return step_->name(); }

 private:
  std::unique_ptr<Step> step_;
  std::string layer_;
  std::int64_t values_;
  ActivationRecorder& recorder_;
};

}  // namespace

void ActivationRecorder::add(const std::string& layer, ActivationRange range) {
  const std::scoped_lock lock(mutex_);
  const auto [entry, is_new] = ranges_.try_emplace(layer, range);
  if (is_new) return;
  entry->second.low = std::min(entry->second.low, range.low);
  entry->second.high = std::max(entry->second.high, range.high);
}

ActivationRanges ActivationRecorder::ranges() const {
  const std::scoped_lock lock(mutex_);
  return ranges_;
}

std::unique_ptr<Step> make_recorded_step(std::unique_ptr<Step> step, const std::string& layer, std::int64_t values,
                                         ActivationRecorder& recorder) {
  return std::make_unique<RecordedStep>(std::move(step), layer, values, recorder);
}

}  // namespace twinpatch::cpu
