// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
// The main function where there is no libFuzzer: runs the target once on every file of the folders given, and on an
// empty input. A fault ends the process; the name of the input stands above it.
#include <cstdio>
#include <vector>

#include "fuzz/fuzz.hpp"
#include "twinpatch/core/file.hpp"

using namespace twinpatch;

int main(int count, char** arguments) {
  std::vector<std::filesystem::path> inputs;
  for (int i = 1; i < count; ++i) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(arguments[i])) {
      if (entry.is_regular_file()) inputs.push_back(entry.path());
    }
  }
  if (inputs.empty()) {
    std::fprintf(stderr, "replay: expected folders of inputs, found no file\n");
    return 2;
  }
  std::sort(inputs.begin(), inputs.end());
  fuzz::run_target({});
  for (const auto& path : inputs) {
    std::printf("%s\n", path.c_str());
    std::fflush(stdout);
    fuzz::run_target(read_file(path));
  }
  std::printf("%zu inputs, none at fault\n", inputs.size());
  return 0;
}
