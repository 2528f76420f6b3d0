// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "twinpatch/backend/backend.hpp"
#include "twinpatch/patches/photograph.hpp"

namespace twinpatch {

/// What a BranchExecutor is as well where its device can cut patches from photographs: an image of some megabytes goes
/// there instead of ten times as many bytes of patches.
class PhotographBranch {
 public:
  virtual ~PhotographBranch() = default;
  /// Whether it is to, by its options.
  [[nodiscard]] virtual bool cuts() const = 0;
  /// BranchExecutor::descriptors() of the patches that are cut. The caller has checked that windows lie in their
  /// levels. Throws OutOfMemory where the device has no room for the photograph's pyramid.
  [[nodiscard]] virtual Matrix descriptors(const PhotographView& photograph, Side side,
                                           const RunControl& control = {}) = 0;
};

}  // namespace twinpatch
