// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include <cstdint>
#include <string>

#include "library/libraries.hpp"
#include "twinpatch/core/error.hpp"

// What the vendor's libraries take for granted, and answer with wrong numbers or a crash where it is not so: here it is
// looked at.

namespace twinpatch::cuda {

struct Libraries::State {
  LibraryOptions options;
  int device = 0;  ///< that their handles belong to
};

namespace stand_in {

inline int current_device() {
  int device = -1;
  if (cudaGetDevice(&device) != cudaSuccess) throw DeviceError("the library found no device");
  return device;
}

/// A call of handles of `device` on a stream of whichever device is current.
inline void check_call(const std::string& what, int device, cudaStream_t stream) {
  if (stream == nullptr) throw DeviceError(what + " on the null stream");
  if (current_device() != device) {
    throw DeviceError(fmt::format("{}: handles of device {} on device {}", what, device, current_device()));
  }
}

inline void check_aligned(const std::string& what, const void* pointer, int alignment) {
  if (reinterpret_cast<std::uintptr_t>(pointer) % static_cast<std::uintptr_t>(alignment) == 0) return;
  throw DeviceError(fmt::format("{} is not aligned to {} bytes", what, alignment));
}

}  // namespace stand_in
}  // namespace twinpatch::cuda
