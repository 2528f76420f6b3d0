// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <cstdint>

#include "fuzz/fuzz.hpp"

// libFuzzer brings the main function and calls this.
// libhdf5 1.10 forgets some of its own error records on files that are damaged.
extern "C" const char* __lsan_default_suppressions() { return "leak:libhdf5"; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  twinpatch::fuzz::run_target({reinterpret_cast<const std::byte*>(data), size});
  return 0;
}
