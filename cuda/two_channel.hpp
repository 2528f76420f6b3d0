// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "device.hpp"
#include "kernels/kernels.hpp"
#include "twinpatch/net/two_channel.hpp"

namespace twinpatch::cuda {

/// Rows of 2-channel networks on one device: the patches as they came, with what their normalisation makes of a pixel.
class TwoChannelRows final : public Rows {
 public:
  TwoChannelRows(std::shared_ptr<Device> device, PatchView like, Side side)
      : device_(std::move(device)), view_(like), side_(side) {
    view_.pixels = nullptr;
  }
  [[nodiscard]] std::int64_t size() const override { return view_.count; }
  [[nodiscard]] std::int64_t bytes() const override { return pixels.bytes() + maps.bytes(); }
  [[nodiscard]] Side side() const override { return side_; }
  [[nodiscard]] const std::shared_ptr<Device>& device() const { return device_; }
  [[nodiscard]] Extent extent() const { return {view_.height, view_.width}; }
  /// As kernels read them, row `first` being number 0.
  [[nodiscard]] kernels::PatchSource source(std::int64_t first = 0) const {
    return {.pixels = pixels.data(),
            .floats = view_.type == PixelType::f32,
            .maps = maps.empty() ? nullptr : maps.data(),
            .first = first};
  }

  HeldBuffer<std::byte> pixels;
  HeldBuffer<kernels::PixelMap> maps;  ///< empty for raw patches, which are taken as they are

 private:
  std::shared_ptr<Device> device_;
  PatchView view_;
  Side side_;
};

/// Rows and columns of a grid whose halves of the first convolution are kept at once, within a quarter of `memory`
/// bytes.
[[nodiscard]] Backend::TileSize halves_block(const NetworkSpec& spec, Extent patch, NumberType type,
                                             std::int64_t memory);

/// `model` has its batch normalisations folded.
[[nodiscard]] std::unique_ptr<BranchExecutor> make_two_channel_branch(std::shared_ptr<Device> device,
                                                                      std::shared_ptr<const Model> model);
[[nodiscard]] Backend::TileSize two_channel_tile_size(const Model& model, int height, int width, std::int64_t memory);

}  // namespace twinpatch::cuda
