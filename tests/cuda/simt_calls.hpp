// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "simt/simt.hpp"

// Calls that a piece of work makes, as the stand-in counts them.

namespace twinpatch::test {

inline simt::Statistics difference(const simt::Statistics& after, const simt::Statistics& before) {
  return {.launches = after.launches - before.launches,
          .copies = after.copies - before.copies,
          .pageable_copies = after.pageable_copies - before.pageable_copies,
          .device_allocations = after.device_allocations - before.device_allocations,
          .host_allocations = after.host_allocations - before.host_allocations,
          .graph_launches = after.graph_launches - before.graph_launches,
          .synchronisations = after.synchronisations - before.synchronisations,
          .bytes_to_device = after.bytes_to_device - before.bytes_to_device,
          .bytes_to_host = after.bytes_to_host - before.bytes_to_host};
}

template <class Work>
simt::Statistics calls_of(const Work& work) {
  const simt::Statistics before = simt::statistics();
  work();
  return difference(simt::statistics(), before);
}

}  // namespace twinpatch::test
