// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cuda_runtime_api.h"

void nvtxNameCudaStreamA(cudaStream_t stream, const char* name);
