// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "runtime/handle.hpp"

#include "runtime/check.hpp"

namespace twinpatch::cuda {

Stream make_stream() {
  cudaStream_t stream = nullptr;
  TWINPATCH_CUDA_CHECK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  return Stream(stream);
}

Stream make_urgent_stream() {
  int least = 0;
  int greatest = 0;
  TWINPATCH_CUDA_CHECK(cudaDeviceGetStreamPriorityRange(&least, &greatest));
  cudaStream_t stream = nullptr;
  TWINPATCH_CUDA_CHECK(cudaStreamCreateWithPriority(&stream, cudaStreamNonBlocking, greatest));
  return Stream(stream);
}

Event make_event() {
  cudaEvent_t event = nullptr;
  TWINPATCH_CUDA_CHECK(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
  return Event(event);
}

Event make_timed_event() {
  cudaEvent_t event = nullptr;
  TWINPATCH_CUDA_CHECK(cudaEventCreateWithFlags(&event, cudaEventDefault));
  return Event(event);
}

void order(cudaStream_t earlier, cudaEvent_t event, cudaStream_t later) {
  TWINPATCH_CUDA_CHECK(cudaEventRecord(event, earlier));
  TWINPATCH_CUDA_CHECK(cudaStreamWaitEvent(later, event, 0));
}

}  // namespace twinpatch::cuda
