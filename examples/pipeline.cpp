// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0

// Matches every pair of some photographs without a file in between: pixels and keypoints in, matches out by callback.
// pipeline MODEL IMAGE IMAGE...

#include <cstdio>
#include <exception>
#include <stop_token>

#include "twinpatch/collection/run.hpp"
#include "twinpatch/engine/engine.hpp"
#include "twinpatch/net/patch_extent.hpp"
#include "twinpatch/vision/cut_patches.hpp"
#include "twinpatch/vision/image.hpp"

using namespace twinpatch;

namespace {

/// Replace these by your pixels and keypoints: row(y) is a row of grey levels, Keypoint has x, y, sigma and angle.
PatchSet patches_of(const char* path, const CutOptions& options, ThreadPool& pool) {
  const GrayImage pixels = read_image(path);
  const auto keypoints = detect_keypoints(pixels, {.max_keypoints = 500});
  return cut_patches(pixels, keypoints, options, pool);
}

void run(int count, char** paths, const char* model) {
  Engine engine(load_model(find_model(model)), {.device = "auto"});  // CUDA if there is a usable device
  // Windows as wide as the model was trained on, if it says so.
  const CutOptions cut{.side = 64, .extent = patch_extent(engine.model()).value_or(12.0F)};
  ThreadPool pool(0);
  MemoryImageSource images;
  for (int i = 0; i < count; ++i) images.add(paths[i], patches_of(paths[i], cut, pool));

  // Any thread may call request_stop(): the run then ends with Interrupted between two pairs.
  const std::stop_source stop;
  const RunControl control{.stop = stop.get_token()};

  const auto pairs = PairSelection::exhaustive(images.size());
  const auto plan = make_plan(engine, images, pairs, {}, control);
  const auto print = [&](ImagePair pair, std::span<const Match> matches) {
    std::printf("%s %s %zu\n", paths[pair.first], paths[pair.second], matches.size());
  };
  match_collection({engine, images, pairs, plan}, print, {}, control);

  // The caller can keep descriptors and pass them in again: here those of the first image.
  const Matrix descriptors = engine.describe(images.patches(0).view(), Side::left, control);
  const auto again = engine.match(descriptors.view(), images.patches(1), {}, control);
  std::printf("first pair again: %zu\n", again.size());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return std::fputs("usage: pipeline MODEL IMAGE IMAGE...\n", stderr), 2;
  try {
    run(argc - 2, argv + 2, argv[1]);
    return 0;
  } catch (const Interrupted&) {
    return 130;
  } catch (const std::exception& error) {  // twinpatch::Error: what, where, expected, found
    return std::fprintf(stderr, "error: %s\n", error.what()), 1;
  }
}
