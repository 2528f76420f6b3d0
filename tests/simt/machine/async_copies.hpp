// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "random.hpp"

namespace simt {

/// A block begins: copies that the one before has not waited for never happen.
void forget_async_copies(Random& random);

}  // namespace simt
