# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0

# The sources of the CUDA engine, by folder: compiled with nvcc by cuda/CMakeLists.txt, as plain C++ by tests/simt.
set(TWINPATCH_CUDA_RUNTIME
  runtime/check.cpp
  runtime/context.cpp
  runtime/device_properties.cpp
  runtime/graph.cpp
  runtime/handle.cpp
  runtime/launch.cpp
  runtime/memory_pool.cpp
  runtime/number_type.cpp
  runtime/nvtx.cpp
  runtime/pinned.cpp
  runtime/probe.cu)

set(TWINPATCH_CUDA_KERNELS
  kernels/cutting.cu
  kernels/epilogue.cu
  kernels/grid.cu
  kernels/head_slabs.cu
  kernels/layers.cu
  kernels/pairs.cu
  kernels/patches.cu
  kernels/product_slabs.cu
  kernels/rows.cu
  kernels/select.cu
  kernels/select_slabs.cu
  kernels/stem.cu)

# cuDNN and cuBLAS, and what stands for them in tests/simt.
set(TWINPATCH_CUDA_LIBRARY
  library/algorithm_choice.cpp
  library/convolution.cpp
  library/convolution_request.cpp
  library/convolution_algorithms.cpp
  library/cudnn_graph.cpp
  library/cudnn_plans.cpp
  library/tuned_plans_folder.cpp
  library/libraries.cpp
  library/library_check.cpp
  library/loaded_functions.cpp
  library/matrix_product.cpp
  library/matrix_product_request.cpp
  library/pack.cpp
  library/shared_library.cpp
  library/tuned_plans.cpp)
set(TWINPATCH_CUDA_LIBRARY_REFERENCE
  ../tests/simt/library/convolution.cpp
  ../tests/simt/library/libraries.cpp
  ../tests/simt/library/matrix_product.cpp
  library/algorithm_choice.cpp
  library/convolution_request.cpp
  library/tuned_plans_folder.cpp
  library/matrix_product_request.cpp
  library/pack.cpp
  library/shared_library.cpp
  library/tuned_plans.cpp)

# Executors, scorers, selection, streaming and make_cuda_backend(). Without the library above the stub answers.
set(TWINPATCH_CUDA_ENGINE
  branch/siamese_branch.cpp
  branch/siamese_rows.cpp
  branch/two_channel_branch.cpp
  cuda_backend.cpp
  device.cpp
  grid/deep_head_grid.cpp
  grid/fused_head_grid.cpp
  grid/fused_metric_grid.cpp
  grid/fused_sum_grid.cpp
  grid/gathered_rows.cpp
  grid/head_grid.cpp
  grid/metric_grid.cpp
  grid/row_grid.cpp
  grid/selection.cpp
  grid/slab_grid.cpp
  grid/strategies.cpp
  grid/tile_products.cpp
  grid/two_channel_grid.cpp
  list/siamese_list.cpp
  list/two_channel_list.cpp
  plan/branch_plan.cpp
  plan/deep_head.cpp
  plan/halves_plan.cpp
  plan/head_fold.cpp
  plan/kernel_rules.cpp
  plan/layer_plan.cpp
  plan/measured_kernels.cpp
  plan/pair_network.cpp
  plan/stem_plan.cpp
  plan/tuning_input.cpp
  photograph_feed.cpp
  run_statistics.cpp
  scorer.cpp
  scorer_parts.cpp
  several_devices.cpp
  transfer.cpp)
