// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/core/code_file.hpp"

#include <catch2/catch.hpp>

using namespace twinpatch;

TEST_CASE("a program is the file of its own code") {
  CHECK(code_file() == std::filesystem::canonical("/proc/self/exe"));
  CHECK(code_file().filename() == "test_core");
}

TEST_CASE("a package of Python lies in an installation of it") {
  CHECK(python_prefix("/venv/lib/python3.12/site-packages/twinpatch/_core.abi3.so") == "/venv");
  CHECK(python_prefix("/venv/lib/python3.12/site-packages/twinpatch/bin/twinpatch") == "/venv");
  CHECK(python_prefix("/usr/lib/python3/dist-packages/twinpatch/_core.so") == "/usr");
  CHECK(python_prefix("/usr/bin/twinpatch").empty());
  CHECK(python_prefix("twinpatch").empty());
  CHECK(python_prefix("").empty());
}
