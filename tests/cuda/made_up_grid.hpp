// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/kernels.hpp"

namespace twinpatch::test {

/// A kernel that selects without values in memory, and is of no use.
void select_first_values(cudaStream_t stream, cuda::kernels::RowMatrix left, cuda::kernels::RowMatrix right,
                         std::int64_t length, const cuda::kernels::SelectionKeys& keys);

}  // namespace twinpatch::test
