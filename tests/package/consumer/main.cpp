// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
// What a program of one's own looks like: an installed twinpatch, a network, patches in memory, scores out.
#include <cstdio>
#include <vector>

#include "twinpatch/engine/engine.hpp"

int main() {
  twinpatch::ExecutionOptions options;
  options.device = "cpu";
  options.threads = 1;
  twinpatch::Engine engine(twinpatch::random_model(twinpatch::network("siam"), 1), options);

  twinpatch::PatchSet patches(3, 64, 64);
  for (int i = 0; i < 3; ++i) {
    for (int pixel = 0; pixel < 64 * 64; ++pixel) {
      patches.mutable_patch(i)[pixel] = static_cast<unsigned char>(pixel * (i + 3) % 251);
    }
  }
  const std::vector<twinpatch::IndexPair> pairs{{0, 1}, {2, 2}};
  for (const float score : engine.score(patches.view(), pairs)) std::printf("%.4f\n", static_cast<double>(score));
  return 0;
}
