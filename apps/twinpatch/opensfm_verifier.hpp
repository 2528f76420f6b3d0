// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "twinpatch/collection/run.hpp"
#include "twinpatch/core/lru_cache.hpp"
#include "twinpatch/core/thread_pool.hpp"
#include "twinpatch/sfm/colmap_verify.hpp"

namespace twinpatch::app {

/// Pairs go in, what is left of their matches after geometric verification comes out in the same order: some at a time,
/// so that threads can verify them.
class OpenSfmVerifier {
 public:
  /// Keypoints of an image of the run.
  using Load = std::function<std::vector<Keypoint>(std::int32_t image)>;

  OpenSfmVerifier(RunControl control, int threads, const ColmapVerifyOptions& options, Load load);
  void add(ImagePair pair, std::span<const Match> matches, const PairSink& sink);
  /// Hands out the rest.
  void finish(const PairSink& sink);

 private:
  using Keypoints = std::shared_ptr<const std::vector<Keypoint>>;
  struct Waiting {
    ImagePair pair;
    std::vector<Match> matches;
    Keypoints first, second;
  };
  Keypoints keypoints(std::int32_t image);

  RunControl control_;
  ColmapVerifyOptions options_;
  Load load_;
  ThreadPool pool_;
  LruCache<std::int32_t, Keypoints> cache_;
  std::vector<Waiting> waiting_;
};

}  // namespace twinpatch::app
