// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/core/temporary_file.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <string>

#include "support/temporary_folder.hpp"
#include "twinpatch/core/error.hpp"

using namespace twinpatch;

namespace {

/// Sets TMPDIR for a scope.
class TemporaryFolderVariable {
 public:
  explicit TemporaryFolderVariable(const std::string& value) {
    if (const char* before = std::getenv("TMPDIR")) before_ = before;
    ::setenv("TMPDIR", value.c_str(), 1);
  }
  ~TemporaryFolderVariable() {
    if (before_.empty()) {
      ::unsetenv("TMPDIR");
    } else {
      ::setenv("TMPDIR", before_.c_str(), 1);
    }
  }
  TemporaryFolderVariable(const TemporaryFolderVariable&) = delete;
  TemporaryFolderVariable& operator=(const TemporaryFolderVariable&) = delete;

 private:
  std::string before_;
};

}  // namespace

TEST_CASE("a temporary file gives back what was written, in any order, and leaves nothing behind") {
  const test::TemporaryFolder folder;
  {
    const TemporaryFolderVariable variable(folder.path().string());
    TemporaryFile file;
    const std::array<char, 6> late{'l', 'a', 't', 'e', 'r', '!'};
    file.write(100'000, std::as_bytes(std::span(late)));
    file.write(3, std::as_bytes(std::span(late).first(4)));
    std::array<char, 6> got{};
    file.read(100'000, std::as_writable_bytes(std::span(got)));
    CHECK(got == late);
    file.read(2, std::as_writable_bytes(std::span(got)));
    CHECK(got == std::array<char, 6>{0, 'l', 'a', 't', 'e', 0});
    CHECK_THROWS_AS(file.read(100'002, std::as_writable_bytes(std::span(got))), IoError);  // ends before
    CHECK(std::filesystem::is_empty(folder.path()));
  }
  CHECK(std::filesystem::is_empty(folder.path()));
  const TemporaryFolderVariable variable("/nowhere/at all");
  CHECK_THROWS_WITH(TemporaryFile(), Catch::Contains("/nowhere/at all"));
}
