// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <type_traits>

#include "launch_helpers.cuh"

namespace twinpatch::cuda::kernels {

/// Neighbouring channels that a thread takes along: 16 bytes of them where the channels allow it, else one.
template <class T, int kWidth>
struct alignas(kWidth * sizeof(T)) Channels {
  T values[kWidth];
};

/// Calls f with the width for maps of so many channels; what a map lies at is aligned like its items.
template <class T, class F>
void visit_width(int channels, F&& f) {
  constexpr int kWide = 16 / sizeof(T);
  if (channels % kWide == 0) return f(std::integral_constant<int, kWide>{});
  return f(std::integral_constant<int, 1>{});
}

}  // namespace twinpatch::cuda::kernels
