// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime.h>

#include <memory>
#include <type_traits>

namespace twinpatch::cuda {

/// Stateless deleter of an opaque handle. The status is dropped: a destructor has nobody to tell, and at the end of the
/// process the runtime may be gone already (cudaErrorCudartUnloading).
template <auto Destroy>
struct Destroyer {
  template <class T>
  void operator()(T* handle) const noexcept {
    (void)Destroy(handle);
  }
};

/// Move-only owner of any handle that is an opaque pointer: streams, events, graphs, library handles, descriptors.
template <class Pointer, auto Destroy>
using Handle = std::unique_ptr<std::remove_pointer_t<Pointer>, Destroyer<Destroy>>;

using Stream = Handle<cudaStream_t, &cudaStreamDestroy>;
using Event = Handle<cudaEvent_t, &cudaEventDestroy>;

static_assert(sizeof(Stream) == sizeof(cudaStream_t));

/// Does not wait for the legacy default stream, nor it for this one.
[[nodiscard]] Stream make_stream();
/// Of the highest priority the device has: for copies that others wait for.
[[nodiscard]] Stream make_urgent_stream();
/// For ordering alone, without a time stamp.
[[nodiscard]] Event make_event();
[[nodiscard]] Event make_timed_event();

/// Everything submitted to `later` after this call runs after everything submitted to `earlier` before it. Does not
/// block the host. `event` is recorded anew; it may be reused as soon as this returns.
void order(cudaStream_t earlier, cudaEvent_t event, cudaStream_t later);

}  // namespace twinpatch::cuda
