// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "twinpatch/collection/image_pairs.hpp"
#include "twinpatch/core/matrix.hpp"
#include "twinpatch/core/run_control.hpp"
#include "twinpatch/core/thread_pool.hpp"

namespace twinpatch {

struct RetrievalOptions {
  int neighbours = 20;           ///< of each image
  int centres = 16;              ///< of the codebook
  int iterations = 10;           ///< of k-means
  std::int64_t sample = 20'000;  ///< descriptors that train the codebook
  std::uint64_t seed = 1;
};

/// Calls back with the descriptors [keypoints, D] of every image, in order of images.
using WalkDescriptors =
    std::function<void(const std::function<void(std::int64_t image, MatrixView descriptors)>& sink)>;

/// One vector per image, pooled from its patches' descriptors: [images, centres · D]. VLAD (Jégou et al., CVPR 2010)
/// with a codebook of this collection, signed square roots and intra-normalisation (Arandjelović & Zisserman, CVPR
/// 2013): the sum of differences to the nearest centre, per centre, each part of length 1, then the whole. An image
/// without keypoints has zeros. Walks twice: for the codebook, and to pool. The same descriptors and options give the
/// same vectors, every time. Memory: the vectors and the sample. Throws InvalidArgument for invalid options.
[[nodiscard]] Matrix global_vectors(std::int64_t images, const WalkDescriptors& walk, const RetrievalOptions& options);

/// Every image with those of the largest inner products, as sorted pairs with the lower number first and without
/// duplicates; ties by number. Images whose vector is zero have no neighbours and are neighbours of none.
[[nodiscard]] std::vector<ImagePair> nearest_images(MatrixView vectors, int neighbours, ThreadPool& pool,
                                                    const RunControl& control = {});

}  // namespace twinpatch
