// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "run_statistics.hpp"

#include <algorithm>

#include "runtime/check.hpp"

namespace twinpatch::cuda {

RunSummary RunStatistics::summary(const DeviceProperties& device, Precision precision) const {
  RunSummary result;
  result.device = device.name;
  for (const auto stage : {Stage::read, Stage::copy, Stage::compute, Stage::select, Stage::write}) {
    const auto& entry = entries_[static_cast<std::size_t>(stage)];
    result.stages.push_back({to_string(stage), entry.seconds, entry.bytes});
  }
  result.patches = patches_;
  result.pairs = pairs_;
  result.operations = operations_;
  result.tflops_ceiling = precision == Precision::fp32   ? device.fp32_tflops
                          : precision == Precision::tf32 ? device.tf32_tflops
                                                         : device.fp16_tflops;
  result.gigabytes_ceiling = device.memory_gigabytes_per_s;
  return result;
}

void SpanTimer::begin(cudaStream_t stream) {
  if (used_ == spans_.size()) spans_.push_back({make_timed_event(), make_timed_event()});
  TWINPATCH_CUDA_CHECK(cudaEventRecord(spans_[used_].begin.get(), stream));
}

void SpanTimer::end(cudaStream_t stream) {
  TWINPATCH_CUDA_CHECK(cudaEventRecord(spans_[used_].end.get(), stream));
  ++used_;
}

double SpanTimer::collect() { return collect_first(used_); }

double SpanTimer::collect_finished() {
  std::size_t finished = 0;
  for (; finished < used_; ++finished) {
    const cudaError_t state = cudaEventQuery(spans_[finished].end.get());
    if (state == cudaErrorNotReady) break;
    TWINPATCH_CUDA_CHECK(state);
  }
  return collect_first(finished);
}

/// Their events go to the end, to be used again.
double SpanTimer::collect_first(std::size_t spans) {
  double milliseconds = 0;
  const auto begin = spans_.begin();
  const auto end = begin + static_cast<std::ptrdiff_t>(spans);
  used_ -= spans;  // first: what CUDA refuses is not asked for again
  std::rotate(begin, end, spans_.end());
  for (std::size_t i = spans_.size() - spans; i < spans_.size(); ++i) {
    float one = 0;
    TWINPATCH_CUDA_CHECK(cudaEventElapsedTime(&one, spans_[i].begin.get(), spans_[i].end.get()));
    milliseconds += one;
  }
  return milliseconds * 1e-3;
}

}  // namespace twinpatch::cuda
