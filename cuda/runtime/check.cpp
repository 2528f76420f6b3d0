// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "runtime/check.hpp"

#include <fmt/format.h>

#include <string_view>

namespace twinpatch::cuda {

bool is_fatal(cudaError_t code) noexcept {
  switch (code) {
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchFailure:
    case cudaErrorLaunchTimeout:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorIllegalInstruction:
    case cudaErrorHardwareStackError:
    case cudaErrorAssert:
    case cudaErrorECCUncorrectable:
    case cudaErrorNvlinkUncorrectable:
    case cudaErrorContextIsDestroyed:
    case cudaErrorDevicesUnavailable:
    case cudaErrorUnknown:
      return true;
    default:
      return false;
  }
}

std::string describe(cudaError_t code) {
  return fmt::format("{} ({}): {}", cudaGetErrorName(code), static_cast<int>(code), cudaGetErrorString(code));
}

void throw_as(cudaError_t code, const std::string& message) {
  (void)cudaGetLastError();
  if (code == cudaErrorMemoryAllocation) throw OutOfMemory(message);
  throw DeviceError(message);
}

void throw_error(cudaError_t code, const char* expression, std::source_location where) {
  const std::string_view path = where.file_name();
  throw_as(code, fmt::format("CUDA: {}{}, in {} ({}:{})", is_fatal(code) ? "the device is lost: " : "", describe(code),
                             expression, path.substr(path.rfind('/') + 1), where.line()));
}

}  // namespace twinpatch::cuda
