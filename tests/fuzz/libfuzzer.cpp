// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <cstdint>

#include "fuzz/fuzz.hpp"

// libFuzzer brings the main function and calls this.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  twinpatch::fuzz::run_target({reinterpret_cast<const std::byte*>(data), size});
  return 0;
}
