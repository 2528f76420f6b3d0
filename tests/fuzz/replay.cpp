// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
// The main function where there is no libFuzzer: runs the target once on every file of the folders given and on an
// empty input, then on changed copies of them, the same ones each time. A fault ends the process; what it was stands
// above it.
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <vector>

#include "fuzz/fuzz.hpp"
#include "fuzz/mutate.hpp"
#include "twinpatch/core/file.hpp"

using namespace twinpatch;

namespace {

constexpr unsigned kMostSeconds = 10;  // of one input

volatile std::sig_atomic_t g_mutation = -1;

/// Says which mutation it was, in calls that a signal handler may make.
void say_mutation(int signal) {
  const int mutation = static_cast<int>(g_mutation);
  if (mutation >= 0) {
    char text[64] = "replay: at fault: --only ";
    char* const end = std::to_chars(text + std::strlen(text), text + sizeof(text) - 1, mutation).ptr;
    *end = '\n';
    (void)!::write(STDERR_FILENO, text, static_cast<std::size_t>(end + 1 - text));
  }
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

struct Arguments {
  std::vector<std::filesystem::path> folders;
  int mutations = 0;
  int seconds = 0;  ///< the most that they may take; 0: as long as they take
  int only = -1;    ///< this mutation alone
};

Arguments parse(int count, char** arguments) {
  Arguments result;
  for (int i = 1; i < count; ++i) {
    const std::string_view name = arguments[i];
    int* const number = name == "--mutations" ? &result.mutations
                        : name == "--seconds" ? &result.seconds
                        : name == "--only"    ? &result.only
                                              : nullptr;
    if (number == nullptr) {
      result.folders.emplace_back(arguments[i]);
    } else if (i + 1 < count) {
      *number = std::atoi(arguments[++i]);
    }
  }
  return result;
}

std::vector<std::vector<std::byte>> read_inputs(const Arguments& arguments, bool run) {
  std::vector<std::filesystem::path> paths;
  for (const auto& folder : arguments.folders) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      if (entry.is_regular_file()) paths.push_back(entry.path());
    }
  }
  std::sort(paths.begin(), paths.end());
  std::vector<std::vector<std::byte>> inputs;
  for (const auto& path : paths) {
    inputs.push_back(read_file(path));
    if (!run) continue;
    std::printf("%s\n", path.c_str());
    std::fflush(stdout);
    ::alarm(kMostSeconds);
    fuzz::run_target(inputs.back());
  }
  return inputs;
}

int run_mutations(const Arguments& arguments, const std::vector<std::vector<std::byte>>& inputs) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(arguments.seconds);
  const int begin = std::max(arguments.only, 0);
  const int limit = arguments.only >= 0 ? begin + 1 : arguments.mutations;
  int done = 0;
  for (int i = begin; i < limit; ++i, ++done) {
    if (arguments.seconds > 0 && std::chrono::steady_clock::now() > end) break;
    g_mutation = i;
    ::alarm(kMostSeconds);
    fuzz::run_target(fuzz::mutation(inputs, static_cast<std::uint64_t>(i)));
  }
  return done;
}

}  // namespace

int main(int count, char** values) {
  const Arguments arguments = parse(count, values);
  for (const int signal : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGALRM}) std::signal(signal, &say_mutation);
  const auto inputs = read_inputs(arguments, arguments.only < 0);
  if (inputs.empty()) {
    std::fprintf(stderr, "replay: expected folders of inputs, found no file\n");
    return 2;
  }
  fuzz::run_target({});
  const int mutations = run_mutations(arguments, inputs);
  std::printf("%zu inputs and %d changed ones, none at fault\n", inputs.size(), mutations);
  return 0;
}
