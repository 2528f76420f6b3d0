// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "siamese.hpp"

namespace twinpatch::cuda {

/// Rows of several images in one block on the device, so that one product and one selection serve them all.
class GatheredRows {
 public:
  explicit GatheredRows(const std::shared_ptr<Device>& device)
      : device_(device), values_(device), scalars_(device), norms_(device), narrow_(device) {}

  /// The parts' rows one after another; valid until the next call. Enqueued. Nothing is copied where the call before
  /// had these parts, one after another, among its own: the right images of a block stay while left ones pass.
  [[nodiscard]] RowBlock gather(std::span<const PlacedRows> parts);
  void release();

 private:
  struct Part {
    std::uint64_t id;
    std::int64_t rows;
    friend bool operator==(const Part&, const Part&) = default;
  };
  void copy(std::span<const PlacedRows> parts);

  std::shared_ptr<Device> device_;
  ReusedBuffer<float> values_, scalars_, norms_;
  ReusedBuffer<std::byte> narrow_;
  std::vector<Part> parts_;  ///< what is there
  RowBlock block_;           ///< all of it
};

}  // namespace twinpatch::cuda
