// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <dlfcn.h>
#include <fmt/format.h>

#include <span>
#include <string>
#include <vector>

#include "library/cudnn_graph.hpp"

namespace twinpatch::test {

/// What cuDNN wants to know of a card that is not there (its DEVICEPROP descriptor, cuDNN 9.8). Numbers of one product
/// of each architecture.
struct AbsentCard {
  const char* name;
  int version;  ///< ten times the architecture: 900 for sm_90
  int multiprocessors;
  int shared_optin;  ///< bytes of shared memory a block may ask for
  int threads_per_sm;
  long long memory;  ///< bytes
};

inline const std::vector<AbsentCard>& absent_cards() {
  static const std::vector<AbsentCard> cards = {
      {"A100", 800, 108, 166912, 2048, 40LL << 30},   {"A40", 860, 84, 101376, 1536, 48LL << 30},
      {"L40S", 890, 142, 101376, 1536, 48LL << 30},   {"H200", 900, 132, 232448, 2048, 140LL << 30},
      {"B200", 1000, 148, 232448, 2048, 180LL << 30},
  };
  return cards;
}

/// Loads the toolkit's stub of the driver, under whose name cuDNN then finds it. Where there is a driver too: its
/// device would make these tests mean something else.
inline void load_driver_stub() {
  static void* const stub = dlopen(TWINPATCH_DRIVER_STUB, RTLD_NOW | RTLD_GLOBAL);
  if (stub == nullptr) throw DeviceError(std::string("no stub of the driver: ") + dlerror());
}

inline cuda::Descriptor properties_of(const AbsentCard& card) {
  load_driver_stub();
  const std::string json = fmt::format(
      R"({{"cudaDeviceId":0,"deviceName":"{}","deviceVer":{},"driverVer":13000,"isTccDriver":0,)"
      R"("l2CacheSize":52428800,"maxBlockSize":[1024,1024,64],"maxGridSize":[2147483647,65535,65535],)"
      R"("maxCtasPerSM":32,"maxRegistersPerSM":65536,"maxSharedMemoryPerBlock":49152,)"
      R"("maxSharedMemoryPerBlockOptin":{},"maxThreadsPerBlock":1024,"maxThreadsPerSM":{},"memClockRateKHz":2619000,)"
      R"("multiProcessorCount":{},"pciDeviceId":0,"regsPerBlock":65536,"reservedSharedMemoryPerBlock":1024,)"
      R"("smClockRateKHz":1980000,"supportCoopLaunch":1,"totalGlobalMem":{},"warpSize":32}})",
      card.name, card.version, card.shared_optin, card.threads_per_sm, card.multiprocessors, card.memory);
  cuda::Descriptor properties(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
  properties.set(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, std::span<const char>(json.data(), json.size()));
  properties.finalize();
  return properties;
}

}  // namespace twinpatch::test
