// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <list>
#include <memory>

#include "library/matrix_product.hpp"
#include "siamese.hpp"

namespace twinpatch::cuda {

/// Matrix products of tiles of a grid. The library is asked once for a size; sizes are padded to a few, the ones used
/// last are kept.
class TileProducts {
 public:
  explicit TileProducts(const std::shared_ptr<Device>& device) : device_(device), workspace_(device) {}

  /// out[i · stride + j] = left row i · right row j, enqueued, for padded_size() of either side's rows, as far as there
  /// are so many to read: `out` has room for them, and what stands beyond the blocks' counts is of no value.
  void run(const RowBlock& left, const RowBlock& right, std::int64_t stride, float* out);
  void release();

 private:
  const MatrixProduct& find(const MatrixProductRequest& request);

  std::shared_ptr<Device> device_;
  ReusedBuffer<std::byte> workspace_;
  std::list<MatrixProduct> products_;  ///< most recently used first
};

}  // namespace twinpatch::cuda
