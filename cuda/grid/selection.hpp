// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "device.hpp"
#include "runtime/pinned.hpp"
#include "twinpatch/backend/selection.hpp"

namespace twinpatch::cuda {

/// What was kept so far of a whole grid, on one device, as keys (kernels/element.hpp).
class DeviceSelection final : public Selection {
 public:
  /// Throws InvalidArgument for sizes that 32-bit indices do not hold or top_k < 1, OutOfMemory with the numbers.
  DeviceSelection(std::shared_ptr<Device> device, const SelectionRequest& request);
  ~DeviceSelection() override;

  [[nodiscard]] const SelectionRequest& request() const override { return request_; }
  /// Enqueued. Where the request's segments are those of the one before, nothing is copied to the device.
  void begin(const SelectionRequest& request) override;
  [[nodiscard]] Selected read() const override;

  [[nodiscard]] const Device* device() const { return device_.get(); }

  /// Where kernels keep what they select of columns [first_column, first_column + columns), some of which there are.
  [[nodiscard]] kernels::SelectionKeys keys(std::int64_t first_column, std::int64_t columns);
  /// Puts values into the selection, on the compute stream; `rescoring` null: they are the scores. Within a turn.
  void take(const kernels::ValueTile& tile, const kernels::Rescoring* rescoring);

  /// What read() reads, as keys.
  struct Keys {
    std::uint64_t first_bad = 0;             ///< kernels::SelectionKeys::first_bad
    std::span<const std::uint64_t> rows;     ///< [segments, rows, top_k]
    std::span<const std::uint64_t> columns;  ///< [columns] or empty
  };
  /// Waits for the device, others having their turns meanwhile; valid until the next call.
  [[nodiscard]] Keys read_keys() const;

 private:
  void upload_segments();
  [[nodiscard]] std::int64_t row_keys() const;
  [[nodiscard]] std::int64_t column_keys() const { return request_.column_best ? request_.columns : 0; }

  std::shared_ptr<Device> device_;
  SelectionRequest request_;
  ReusedBuffer<std::uint64_t> keys_;  ///< first_bad, keys of rows, keys of columns
  ReusedBuffer<float> needed_;
  ReusedBuffer<unsigned> chunks_;
  ReusedBuffer<std::int64_t> segment_begins_;  ///< [segments + 1]
  std::vector<std::int64_t> uploaded_;         ///< what segment_begins_ holds
  PinnedBuffer<std::int64_t> staged_;          ///< what is copied there
  mutable bool staged_busy_ = false;           ///< nobody has waited for that copy yet
  mutable PinnedBuffer<std::uint64_t> host_keys_;
  mutable Event read_;  ///< after the copy into host_keys_
};

/// Keys → what was kept, on the host. Throws NotFinite where a score was not.
[[nodiscard]] Selected decode(const SelectionRequest& request, const DeviceSelection::Keys& keys);

}  // namespace twinpatch::cuda
