// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <thread>

#include "engine_support.hpp"
#include "simt/simt.hpp"
#include "support/small_networks.hpp"
#include "twinpatch/cuda/backend.hpp"

// What a run shows to profilers and says to people.

using namespace twinpatch;
using namespace twinpatch::test;

namespace {

constexpr std::int64_t kLeft = 19;
constexpr std::int64_t kRight = 21;
constexpr std::int64_t kListed = 6;

ExecutionOptions options_on(const std::string& device) {
  ExecutionOptions options = cuda_options();
  options.device = device;
  options.threads = 4;
  options.batch = 16;
  return options;
}

/// A grid, a list and, where there are some, descriptors.
void run(const NetworkSpec& spec, const ExecutionOptions& options) {
  Engine engine(random_model(spec, 1), make_cuda_backend(options), options);
  const Patches left(kLeft, kTinyPatch, 2);
  const Patches right(kRight, kTinyPatch, 3);
  (void)engine.grid(left.view, right.view, GridOptions{.top_k = 2, .column_best = true});
  (void)engine.score(left.view, right.view, all_pairs(3, 2));
  if (has_descriptors(spec)) (void)engine.describe(left.view);
}

/// Names of this process's threads, as top shows them.
std::set<std::string> names_now() {
  std::set<std::string> names;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream file(task.path() / "comm");
    std::string name;
    if (std::getline(file, name)) names.insert(name);
  }
  return names;
}

/// Which of the names no thread has; threads name themselves first, but not before they run.
std::set<std::string> nobodys(const std::set<std::string>& wanted) {
  std::set<std::string> missing = wanted;
  for (int look = 0; look < 2000 && !missing.empty(); ++look) {
    if (look > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    missing.clear();
    const auto found = names_now();
    std::set_difference(wanted.begin(), wanted.end(), found.begin(), found.end(),
                        std::inserter(missing, missing.end()));
  }
  return missing;
}

}  // namespace

TEST_CASE("every stage of a run shows its ranges, with what they handled") {
  for (const NetworkSpec& spec : tiny_networks()) {
    INFO("network " << spec.name);
    const simt::Machine machine({});
    run(spec, options_on("cuda:0"));
    std::set<std::string> categories;
    std::map<std::string, std::int64_t> pairs, bytes;
    for (const simt::NvtxRange& range : simt::nvtx_ranges()) {
      CHECK(range.domain == "twinpatch");
      CHECK(range.closed);
      categories.insert(range.category);
      pairs[range.name] += range.pairs;
      bytes[range.name] += range.bytes;
    }
    CHECK(categories == std::set<std::string>{"compute", "copy", "read", "select", "write"});
    CHECK(pairs["select"] == kLeft * kRight);
    CHECK(bytes["copy in"] == bytes["stage"]);
    CHECK(bytes["copy out"] == bytes["deliver"]);
    CHECK(bytes["deliver"] >= kListed * 4);
    if (spec.coupling == Coupling::two_channel) {
      CHECK(pairs["halves"] == kLeft + kRight);
      CHECK(pairs["score_pairs"] == kLeft * kRight + kListed);
    } else {
      CHECK(pairs["describe"] > kLeft);
      CHECK(pairs["score_tile"] == kLeft * kRight);
      CHECK(pairs["score_pairs"] == kListed);
    }
  }
}

TEST_CASE("a run says which kernels its plans take, each device for itself and one at a time") {
  for (const NetworkSpec& spec : tiny_networks()) {
    INFO("network " << spec.name);
    const simt::Machine machine({.devices = 2});
    std::vector<std::string> lines;
    std::atomic<int> inside = 0;
    std::atomic<bool> together = false;
    ExecutionOptions options = options_on("cuda:0,1");
    options.log = [&](const std::string& line) {
      if (++inside > 1) together = true;
      lines.push_back(line);
      --inside;
    };
    run(spec, options);
    CHECK_FALSE(together);
    for (const char* device : {"cuda:0: ", "cuda:1: "}) {
      CHECK(std::any_of(lines.begin(), lines.end(), [&](const std::string& line) {
        return line.starts_with(device + ("network " + spec.name)) && line.find("reference code") != std::string::npos;
      }));
    }
    CHECK(std::all_of(lines.begin(), lines.end(), [](const std::string& line) {
      return line.starts_with("cuda:") && line.find('\n') == std::string::npos;
    }));
  }
}

TEST_CASE("threads that stage patches, and those of several devices, have names") {
  const simt::Machine machine({.devices = 2});
  {
    const auto backend = make_cuda_backend(options_on("cuda:0"));
    CHECK(nobodys({"cuda:0 stage 1", "cuda:0 stage 2", "cuda:0 stage 3"}).empty());
  }
  const auto backend = make_cuda_backend(options_on("cuda:0,1"));
  CHECK(nobodys({"cuda:0 stage 1", "cuda:1 stage 1", "cuda devices 1"}).empty());
}
