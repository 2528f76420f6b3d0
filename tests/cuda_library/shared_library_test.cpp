// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "library/shared_library.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "support/message.hpp"
#include "support/temporary_folder.hpp"
#include "twinpatch/core/error.hpp"

// Where cuDNN and cuBLASLt are looked for; a copy of the mathematics library stands for them.

namespace fs = std::filesystem;

namespace twinpatch::test {
namespace {

constexpr const char* kName = "libtwinpatch_made_up.so.9";

void put_library(const fs::path& folder) {
  fs::create_directories(folder);
  fs::copy_file(cuda::SharedLibrary("libm.so.6", {}).path(), folder / kName);
}

/// A variable of the environment until the end of its scope.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    const char* const before = std::getenv(name);
    was_set_ = before != nullptr;
    if (was_set_) before_ = before;
    ::setenv(name, value.c_str(), 1);
  }
  ~Variable() { was_set_ ? ::setenv(name_, before_.c_str(), 1) : ::unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
  std::string before_;
  bool was_set_ = false;
};

}  // namespace

TEST_CASE("libraries are found where PyTorch's packages keep them") {
  const TemporaryFolder folder;
  const fs::path lib = folder.path() / "venv" / "lib" / "python3.11" / "site-packages" / "nvidia" / "cudnn" / "lib";
  put_library(lib);
  fs::create_directories(folder.path() / "venv" / "lib" / "python3.11" / "site-packages" / "nvidia" / "cu13" / "lib");
  const std::vector<fs::path> prefixes{folder.path() / "missing", folder.path() / "venv"};
  const auto found = cuda::python_library_folders(prefixes);
  REQUIRE(found.size() == 2);
  CHECK(found[0] == lib.parent_path().parent_path() / "cu13" / "lib");
  CHECK(found[1] == lib);
  const Variable environment("VIRTUAL_ENV", (folder.path() / "venv").string());
  const cuda::SharedLibrary library(kName, cuda::library_folders("/nowhere"));
  CHECK(library.path() == lib / kName);
  CHECK(library.find("cos") != nullptr);
  CHECK(message_of<DeviceError>([&] { (void)library.find("cudnnCreate"); }).find("too old") != std::string::npos);
}

TEST_CASE("folders that the user names come first") {
  const TemporaryFolder folder;
  put_library(folder.path() / "named");
  put_library(folder.path() / "built");
  CHECK(cuda::SharedLibrary(kName, cuda::library_folders(folder.path() / "built")).path() ==
        folder.path() / "built" / kName);
  const Variable named("TWINPATCH_CUDA_LIBRARIES",
                       (folder.path() / "empty").string() + "::" + (folder.path() / "named").string());
  CHECK(cuda::SharedLibrary(kName, cuda::library_folders(folder.path() / "built")).path() ==
        folder.path() / "named" / kName);
}

TEST_CASE("a library that is damaged or missing is named, with the way out") {
  const TemporaryFolder folder;
  std::ofstream(folder.path() / "libtwinpatch_broken.so.9") << "no library";
  for (const char* name : {"libtwinpatch_broken.so.9", "libtwinpatch_missing.so.9"}) {
    const std::string message = message_of<DeviceError>([&] { cuda::SharedLibrary(name, {{folder.path()}, {}}); });
    CHECK(message.find(name) != std::string::npos);
    CHECK(message.find("TWINPATCH_CUDA_LIBRARIES") != std::string::npos);
  }
}

}  // namespace twinpatch::test
