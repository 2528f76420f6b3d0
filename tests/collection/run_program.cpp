// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <sys/resource.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <thread>

#include "collection/collection_support.hpp"

// A long run as a process of its own, to be killed: FOLDER IMAGES SHARD [LARGEST_FILE [PAUSE]]. SHARD is i/N, or
// "slurm" in a job array; LARGEST_FILE in bytes, 0: no bound; PAUSE in milliseconds after each block. Exit code 1 and a
// line on standard error where it fails.

namespace {

struct Pause final : twinpatch::RunEvents {
  explicit Pause(int of) : milliseconds(of) {}
  void block_done(const twinpatch::Block& /*block*/, const std::string& /*id*/, std::int64_t /*matches*/,
                  double /*seconds*/) override {
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
  }
  int milliseconds;
};

}  // namespace

int main(int argc, char** argv) {
  using namespace twinpatch;
  using namespace twinpatch::test;
  if (argc < 4) return 2;
  try {
    if (argc > 4 && std::atoll(argv[4]) > 0) {  // as on a full disk: writing fails instead of ending the process
      std::signal(SIGXFSZ, SIG_IGN);
      const auto most = static_cast<rlim_t>(std::atoll(argv[4]));
      const rlimit limit{most, most};
      if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return 2;
    }
    const std::filesystem::path folder = argv[1];
    const auto images = std::atoll(argv[2]);
    Engine engine = tiny_engine(Tiny::head);
    const auto source = random_images(images, 40, 21);
    const auto pairs = PairSelection::exhaustive(images);
    PlanRequest request;
    request.tile_keypoints = 60;
    request.folder = folder;
    const auto plan = make_plan(engine, source, pairs, request);
    const std::string shard = argv[3];
    Pause pause(argc > 5 ? std::atoi(argv[5]) : 0);
    run_collection({engine, source, pairs, plan}, {folder, folder / "descriptors"},
                   shard == "slurm" ? Shard::from_slurm() : Shard::parse(shard), &pause);
    return 0;
  } catch (const Error& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
