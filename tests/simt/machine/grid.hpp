// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <functional>
#include <string>

#include "random.hpp"

namespace simt {

struct GridLaunch {
  std::string name;
  dim3 grid;
  dim3 block;
  std::size_t shared = 0;        ///< dynamic shared memory, bytes
  std::function<void()> thread;  ///< what every thread calls
};

/// Runs a kernel to its end, blocks one after another in a shuffled order, threads as fibers. On a fiber of its own.
/// A fault in a thread is a fault of the calling fiber. One at a time in the process.
void run_grid(const GridLaunch& launch, Random& random);

/// "kernel scale, block (1,0,0), thread (31,0,0)" of the thread running now; empty outside of kernels.
[[nodiscard]] std::string running_thread();

}  // namespace simt
