// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "twinpatch/backend/backend.hpp"
#include "twinpatch/patches/photograph.hpp"

namespace twinpatch {

/// What a BranchExecutor is as well where its device has memory of its own: rows of what it describes never leave it,
/// and where it cuts patches from photographs, an image of some megabytes goes there instead of twice as many bytes of
/// patches. The caller has checked that windows lie in their levels. Calls with a photograph throw OutOfMemory where
/// the device has no room for its pyramid.
class DeviceBranch {
 public:
  virtual ~DeviceBranch() = default;
  /// Whether the device is to cut, by its options.
  [[nodiscard]] virtual bool cuts() const = 0;
  /// BranchExecutor::descriptors() of the patches that are cut.
  [[nodiscard]] virtual Matrix descriptors(const PhotographView& photograph, Side side,
                                           const RunControl& control = {}) = 0;
  /// BranchExecutor::rows(), and the descriptors that they are made of to host memory, beside the work. `descriptors`
  /// [N, D], complete when this returns; null: they stay on the device.
  [[nodiscard]] virtual std::shared_ptr<const Rows> described_rows(PatchView patches, Side side, float* descriptors,
                                                                   const RunControl& control = {}) = 0;
  /// The same of patches that are cut.
  [[nodiscard]] virtual std::shared_ptr<const Rows> described_rows(const PhotographView& photograph, Side side,
                                                                   float* descriptors,
                                                                   const RunControl& control = {}) = 0;
};

}  // namespace twinpatch
