// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "grid/tile_products.hpp"

#include <algorithm>

namespace twinpatch::cuda {

void TileProducts::run(const RowBlock& left, const RowBlock& right, std::int64_t stride, float* out) {
  MatrixProductRequest request{.rows = std::min(padded_size(left.rows.count), left.readable),
                               .inner = left.length,
                               .columns = std::min(padded_size(right.rows.count), right.readable),
                               .right_transposed = true,
                               .out_stride = stride};
  request.precision = device_->options.precision;
  request.left_alignment = alignment_of(left.operand, left.operand_bytes);
  request.right_alignment = alignment_of(right.operand, right.operand_bytes);
  request.out_alignment = alignment_of(out, stride * static_cast<std::int64_t>(sizeof(float)));
  const MatrixProduct& product = find(request);
  product.run(device_->stream(), {.left = left.operand,
                                  .right = right.operand,
                                  .out = out,
                                  .workspace = workspace_.at_least(product.workspace_bytes())});
}

const MatrixProduct& TileProducts::find(const MatrixProductRequest& request) {
  constexpr std::size_t kMost = 64;
  const MatrixProductRequest wanted = completed(request);
  const auto known = std::find_if(products_.begin(), products_.end(),
                                  [&](const MatrixProduct& product) { return product.request() == wanted; });
  if (known != products_.end()) {
    products_.splice(products_.begin(), products_, known);
    return products_.front();
  }
  if (products_.size() >= kMost) products_.pop_back();
  products_.emplace_front(device_->libraries, request);
  return products_.front();
}

void TileProducts::release() {
  products_.clear();
  workspace_.release();
}

}  // namespace twinpatch::cuda
