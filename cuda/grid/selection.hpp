// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "device.hpp"
#include "twinpatch/backend/selection.hpp"

namespace twinpatch::cuda {

/// What was kept so far of a whole grid, on one device, as keys (kernels/element.hpp).
class DeviceSelection final : public Selection {
 public:
  /// Throws InvalidArgument for sizes that 32-bit indices do not hold or top_k < 1, OutOfMemory with the numbers.
  DeviceSelection(std::shared_ptr<Device> device, const SelectionRequest& request);

  [[nodiscard]] const SelectionRequest& request() const override { return request_; }
  void begin(const SelectionRequest& request) override;
  [[nodiscard]] Selected read() const override;

  /// Throws InvalidArgument unless the tile lies inside the grid.
  void check_tile(std::int64_t first_row, std::int64_t rows, std::int64_t first_column, std::int64_t columns) const;
  [[nodiscard]] const Device* device() const { return device_.get(); }

  /// Puts values into the selection, on the compute stream; `rescoring` null: they are the scores.
  void take(const kernels::ValueTile& tile, const kernels::Rescoring* rescoring);
  /// A score that was not finite, by its place in the grid.
  struct Bad {
    std::int64_t row = 0;
    std::int64_t column = 0;
  };
  /// The first of those taken since the last call. Waits for the device.
  [[nodiscard]] std::optional<Bad> find_bad();

  /// What read() reads, as keys: [rows · top_k] and [columns] or nothing.
  struct Keys {
    std::vector<std::uint64_t> rows, columns;
  };
  [[nodiscard]] Keys read_keys() const;

 private:
  std::shared_ptr<Device> device_;
  SelectionRequest request_;
  mutable HeldBuffer<std::uint64_t> rows_, columns_;
  HeldBuffer<unsigned long long> first_bad_;
};

/// Keys → what was kept, on the host.
[[nodiscard]] Selected decode(const SelectionRequest& request, const DeviceSelection::Keys& keys);

}  // namespace twinpatch::cuda
