// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "twinpatch/patches/patch_window.hpp"

namespace twinpatch {

/// A photograph and what is to be cut from it, for devices that cut patches themselves. Owns nothing.
struct PhotographView {
  const std::uint8_t* pixels = nullptr;  ///< [height, width] grey levels
  int width = 0;
  int height = 0;
  std::span<const PatchWindow> windows;  ///< one for each patch
  int levels = 0;                        ///< of the pyramid that the windows lie in
  int side = 0;                          ///< pixels of a patch's side
};

/// The same with whatever keeps it alive.
struct Photograph {
  PhotographView view;
  std::shared_ptr<const void> owner;
};

}  // namespace twinpatch
