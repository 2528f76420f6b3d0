// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace simt {

/// Turns segmentation faults of fibers into faults of the fiber, and explains those of host code that touches device
/// memory before the program ends as it would have. Where another handler has been
/// installed since, it comes after this one.
void install_guard();
/// A stack for signals on the calling thread, if it has none.
void ensure_signal_stack();
/// Whether the last fault of this thread was a bad address; asking forgets it.
[[nodiscard]] bool take_bad_address();

}  // namespace simt
