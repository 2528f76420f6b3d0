// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "driver_types.h"

cudaError_t cudaProfilerStart();
cudaError_t cudaProfilerStop();
