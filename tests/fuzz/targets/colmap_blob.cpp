// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "fuzz/fuzz.hpp"

#include <optional>

#include "sfm/colmap_blobs.hpp"

namespace twinpatch::fuzz {

// Rows and columns as a database's row gives them, and a blob of any size.
void run_target(Bytes bytes) {
  Input input(bytes);
  const int kind = input.below(4);
  sfm::ColmapArray array;
  array.path = "x";
  array.what = "w";
  const bool fitting = input.flag();
  array.columns = fitting ? 2 + 2 * input.below(3) : input.number<std::int64_t>();
  const auto rows = input.number<std::int64_t>();
  array.bytes = input.rest();
  array.rows = fitting ? std::ssize(array.bytes) / 4 / array.columns : rows;
  refused([&] {
    if (kind == 0) return (void)sfm::decode_matches(array);
    const auto sigma = kind == 1 ? std::optional<float>() : 1.5F;
    require(std::ssize(sfm::decode_keypoints(array, sigma)) == array.rows, "another number of keypoints than of rows");
  });
}

}  // namespace twinpatch::fuzz
