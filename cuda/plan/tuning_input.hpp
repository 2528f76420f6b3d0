// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "device.hpp"

namespace twinpatch::cuda {

/// Fills an input with values as normalised patches have them, the same each time: algorithms are compared on it, and
/// all agree on zeros. Waits for the device.
void fill_for_tuning(Device& device, HeldBuffer<std::byte>& input);

}  // namespace twinpatch::cuda
