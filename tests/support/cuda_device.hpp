// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <catch2/catch.hpp>
#include <cstdlib>
#include <string>

#include "twinpatch/cuda/backend.hpp"

namespace twinpatch::test {

/// No device to run on: the case says so and returns. Fails the test where TWINPATCH_REQUIRE_GPU=1.
inline bool no_device() {
  if (count_cuda_devices() > 0) return false;
  const char* const required = std::getenv("TWINPATCH_REQUIRE_GPU");
  if (required != nullptr && std::string(required) == "1") FAIL("no CUDA device, and TWINPATCH_REQUIRE_GPU=1");
  WARN("skipped: no CUDA device");
  return true;
}

}  // namespace twinpatch::test
