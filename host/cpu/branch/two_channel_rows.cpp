// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <cstring>
#include <utility>

#include "branch/two_channel_rows.hpp"
#include "twinpatch/backend/check_rows.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch::cpu {
namespace {

constexpr std::int64_t kPatchesPerRange = 256;

class TwoChannelBranch final : public BranchExecutor {
 public:
  TwoChannelBranch(std::shared_ptr<CpuContext> context, std::shared_ptr<const Model> model)
      : context_(std::move(context)), model_(std::move(model)) {}

  std::shared_ptr<const Rows> rows(PatchView patches, Side side, const RunControl& control) override {
    check_patch_size(model_->spec, patches.height, patches.width);
    return std::make_shared<TwoChannelRows>(*context_, model_->spec, patches, side, control);
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
    return std::int64_t{height} * width + static_cast<std::int64_t>(sizeof(PixelMap));
  }

 private:
  std::shared_ptr<CpuContext> context_;
  std::shared_ptr<const Model> model_;
};

}  // namespace

TwoChannelRows::TwoChannelRows(CpuContext& context, const NetworkSpec& spec, PatchView patches, Side side,
                               const RunControl& control)
    : pixels_(checked_multiply(patches.count, patches.patch_bytes())),
      patches_(patches),
      maps_(static_cast<std::size_t>(patches.count)),
      side_(side) {
  patches_.pixels = pixels_.data();
  context.pool.for_ranges(patches.count, kPatchesPerRange, [&](std::int64_t begin, std::int64_t end, int /*worker*/) {
    control.check();
    for (auto i = begin; i < end; ++i) {
      std::memcpy(pixels_.data() + i * patches.patch_bytes(), patches.slice(i, 1).pixels,
                  static_cast<std::size_t>(patches.patch_bytes()));
      maps_[static_cast<std::size_t>(i)] = pixel_map(spec.normalisation, patch(i));
    }
    control.advance(end - begin);
  });
}

std::int64_t TwoChannelRows::bytes() const {
  return pixels_.size() + static_cast<std::int64_t>(maps_.size() * sizeof(PixelMap));
}

const TwoChannelRows& two_channel_rows(const Rows& rows, Side side, const std::string& network) {
  const auto* result = dynamic_cast<const TwoChannelRows*>(&rows);
  if (result == nullptr) refuse_rows(network);
  check_side(network, side, result->side());
  return *result;
}

std::unique_ptr<BranchExecutor> make_two_channel_branch(std::shared_ptr<CpuContext> context,
                                                        std::shared_ptr<const Model> model) {
  return std::make_unique<TwoChannelBranch>(std::move(context), std::move(model));
}

}  // namespace twinpatch::cpu
