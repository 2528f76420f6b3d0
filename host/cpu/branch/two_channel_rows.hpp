// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "plan/context.hpp"
#include "plan/patch_input.hpp"
#include "twinpatch/backend/backend.hpp"

namespace twinpatch::cpu {

/// Rows of 2-channel networks: the patches as they came, with what their normalisation makes of a pixel.
class TwoChannelRows final : public Rows {
 public:
  TwoChannelRows(CpuContext& context, const NetworkSpec& spec, PatchView patches, Side side, const RunControl& control);
  [[nodiscard]] std::int64_t size() const override { return patches_.count; }
  [[nodiscard]] std::int64_t bytes() const override;
  [[nodiscard]] Side side() const override { return side_; }

  [[nodiscard]] PatchView patch(std::int64_t i) const { return patches_.slice(i, 1); }
  [[nodiscard]] PixelMap map(std::int64_t i) const { return maps_[static_cast<std::size_t>(i)]; }
  [[nodiscard]] Extent extent() const { return {patches_.height, patches_.width}; }

 private:
  Buffer<std::byte> pixels_;
  PatchView patches_;  // of pixels_
  std::vector<PixelMap> maps_;
  Side side_;
};

/// Throws InvalidArgument for rows of another backend or network family, or of the other side.
[[nodiscard]] const TwoChannelRows& two_channel_rows(const Rows& rows, Side side, const std::string& network);

/// `model` has its batch normalisations folded.
[[nodiscard]] std::unique_ptr<BranchExecutor> make_two_channel_branch(std::shared_ptr<CpuContext> context,
                                                                      std::shared_ptr<const Model> model);

}  // namespace twinpatch::cpu
