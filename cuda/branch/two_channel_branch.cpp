// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "plan/kernel_rules.hpp"
#include "transfer.hpp"
#include "twinpatch/core/error.hpp"
#include "two_channel.hpp"

namespace twinpatch::cuda {
namespace {

/// Patches staged between two looks at a stop token.
constexpr std::int64_t kPatchesPerPart = 8192;

class TwoChannelBranch final : public BranchExecutor {
 public:
  TwoChannelBranch(std::shared_ptr<Device> device, std::shared_ptr<const Model> model)
      : device_(std::move(device)), model_(std::move(model)), staging_(device_) {}

  std::shared_ptr<const Rows> rows(PatchView patches, Side side, const RunControl& control) override {
    check_patch_size(model_->spec, patches.height, patches.width);
    const Turn turn(*device_);
    auto result = std::make_shared<TwoChannelRows>(device_, patches, side);
    const std::int64_t patch_bytes = patches.patch_bytes();
    result->pixels = HeldBuffer<std::byte>(device_, checked_multiply(patches.count, patch_bytes));
    staging_.reclaim();  // the memory is ours once the compute stream gets here
    for (std::int64_t begin = 0; begin < patches.count; begin += kPatchesPerPart) {
      control.check();
      const std::int64_t count = std::min(kPatchesPerPart, patches.count - begin);
      staging_.copy(patches.slice(begin, count).pixels, count * patch_bytes,
                    result->pixels.data() + begin * patch_bytes);
      control.advance(count);
    }
    staging_.publish();
    if (patches.type == PixelType::u8) {
      result->maps = HeldBuffer<kernels::PixelMap>(device_, patches.count);
      kernels::pixel_maps(device_->stream(),
                          {reinterpret_cast<const std::uint8_t*>(result->pixels.data()), patches.count, patch_bytes},
                          pixel_rule(model_->spec.normalisation), result->maps.data());
    }
    device_->finish();
    staging_.report();
    return result;
  }
  std::shared_ptr<const Rows> rows(MatrixView /*descriptors*/, Side /*side*/) override {
    check_has_descriptors(model_->spec);  // throws
    return nullptr;
  }
  Matrix descriptors(PatchView /*patches*/, Side /*side*/, const RunControl& /*control*/) override {
    check_has_descriptors(model_->spec);  // throws
    return {};
  }
  std::int64_t descriptor_size() const override { return 0; }
  /// As u8; raw patches take four times as much.
  std::int64_t row_bytes(int height, int width) const override {
    return std::int64_t{height} * width + static_cast<std::int64_t>(sizeof(kernels::PixelMap));
  }

 private:
  std::shared_ptr<Device> device_;
  std::shared_ptr<const Model> model_;
  Staging staging_;
};

}  // namespace

Backend::TileSize halves_block(const NetworkSpec& spec, Extent patch, NumberType type, std::int64_t memory) {
  constexpr std::int64_t kMostRows = 256;
  constexpr std::int64_t kMostColumns = 1024;
  if (!join_rule(spec, patch)) return {kMostRows, kMostColumns};
  const std::int64_t bytes = halves_size(spec, patch) * size_of(type);
  const std::int64_t patches = memory / 4 / bytes;
  return {std::clamp<std::int64_t>(patches / 5, 1, kMostRows),
          std::clamp<std::int64_t>(patches * 4 / 5, 1, kMostColumns)};
}

std::unique_ptr<BranchExecutor> make_two_channel_branch(std::shared_ptr<Device> device,
                                                        std::shared_ptr<const Model> model) {
  return std::make_unique<TwoChannelBranch>(std::move(device), std::move(model));
}

Backend::TileSize two_channel_tile_size(const Model& /*model*/, int height, int width, std::int64_t memory) {
  // An eighth of the bound for either block of patches, at four bytes a pixel.
  constexpr std::int64_t kMost = 2048;  // some seconds of work: progress is seen and a stop is heard
  const std::int64_t patches = memory / 8 / std::max<std::int64_t>(1, std::int64_t{4} * height * width);
  const std::int64_t tile = std::clamp<std::int64_t>(patches, 1, kMost);
  return {tile, tile};
}

}  // namespace twinpatch::cuda
