// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
// The libraries above the engine: keypoints and pixels in, matches of a collection out by callback, other programs'
// names.
#include <cstdio>

#include "twinpatch/collection/run.hpp"
#include "twinpatch/sfm/hloc_matches.hpp"
#include "twinpatch/sfm/image_pair_list.hpp"
#include "twinpatch/sfm/openmvg.hpp"
#include "twinpatch/vision/cut_patches.hpp"

using namespace twinpatch;

int main() {
  ExecutionOptions options;
  options.device = "cpu";
  options.threads = 1;
  Engine engine(random_model(network("siam-l2"), 1), options);
  ThreadPool pool(1);
  MemoryImageSource images;
  for (const char* name : {"a b.jpg", "c/d.jpg"}) {
    GrayImage pixels(90, 70);
    for (int y = 0; y < 70; ++y) {
      for (int x = 0; x < 90; ++x) pixels.row(y)[x] = static_cast<unsigned char>(x * y * (name[0] % 3 + 1) % 253);
    }
    const Keypoint keypoints[] = {{.x = 30, .y = 30, .sigma = 2}, {.x = 60, .y = 40, .sigma = 3, .angle = 1}};
    images.add(name, cut_patches(pixels, keypoints, {}, pool));
  }
  const std::string names[] = {images.name(0), images.name(1)};
  const auto list = parse_image_pairs("a b.jpg\tc/d.jpg\n", "pairs.txt", names);
  const auto pairs = PairSelection::listed(images.size(), list.pairs);
  const auto plan = make_plan(engine, images, pairs, {});
  match_collection({engine, images, pairs, plan}, [&](ImagePair pair, std::span<const Match> matches) {
    std::printf("%d %d %s\n", pair.first, pair.second, matches.size() <= 2 ? "matched" : "wrong");
  });
  std::printf("%s\n", hloc_pair_key(names[0], names[1]).c_str());
  return 0;
}
