# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0

# The sources of the CUDA engine, by folder: compiled with nvcc by cuda/CMakeLists.txt, as plain C++ by tests/simt.
set(TWINPATCH_CUDA_RUNTIME
  runtime/check.cpp
  runtime/context.cpp
  runtime/device.cpp
  runtime/graph.cpp
  runtime/handle.cpp
  runtime/launch.cpp
  runtime/memory_pool.cpp
  runtime/number_type.cpp
  runtime/nvtx.cpp
  runtime/pinned.cpp
  runtime/probe.cu)

set(TWINPATCH_CUDA_KERNELS
  kernels/grid.cu
  kernels/layers.cu
  kernels/pairs.cu
  kernels/patches.cu
  kernels/rows.cu
  kernels/select.cu)

# cuDNN and cuBLAS, and what stands for them in tests/simt.
set(TWINPATCH_CUDA_LIBRARY
  library/convolution.cpp
  library/convolution_request.cpp
  library/convolution_ways.cpp
  library/cudnn_graph.cpp
  library/cudnn_plans.cpp
  library/default_plan_cache.cpp
  library/libraries.cpp
  library/library_check.cpp
  library/loaded_functions.cpp
  library/matrix_product.cpp
  library/matrix_product_request.cpp
  library/pack.cpp
  library/plan_cache.cpp)
set(TWINPATCH_CUDA_LIBRARY_REFERENCE
  ../tests/simt/library/convolution.cpp
  ../tests/simt/library/libraries.cpp
  ../tests/simt/library/matrix_product.cpp
  library/convolution_request.cpp
  library/default_plan_cache.cpp
  library/matrix_product_request.cpp
  library/pack.cpp
  library/plan_cache.cpp)

# Executors, scorers, selection, streaming and make_cuda_backend(). Without the library above the stub answers.
set(TWINPATCH_CUDA_ENGINE
  plan/branch_plan.cpp
  cuda_backend.cpp
  plan/deep_head.cpp
  device.cpp
  plan/halves_plan.cpp
  plan/kernel_rules.cpp
  plan/layer_plan.cpp
  run_statistics.cpp
  grid/selection.cpp
  several_devices.cpp
  branch/siamese_branch.cpp
  branch/siamese_rows.cpp
  siamese_scorer.cpp
  transfer.cpp
  branch/two_channel_branch.cpp
  two_channel_scorer.cpp)
