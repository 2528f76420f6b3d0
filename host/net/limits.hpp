// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

// Bounds on what a specification may ask for. They come from files, so every one is checked before anything is
// allocated; they are chosen such that products of them fit 64 bits and none is in the way of a real network.

namespace twinpatch::limits {

inline constexpr int kChannels = 1 << 16;
inline constexpr int kExtent = 1 << 16;  ///< rows or columns of a patch or an activation
inline constexpr int kWindow = 1 << 10;  ///< kernel, stride, padding, pooling window
inline constexpr int kLinearIn = 1 << 24;
inline constexpr int kPyramidLevel = 64;  ///< bins a side
inline constexpr std::size_t kPyramidLevels = 8;
inline constexpr std::size_t kLayers = 256;  ///< of one stream or decision part
inline constexpr std::size_t kStreams = 16;
inline constexpr std::int64_t kActivation = std::int64_t{1} << 31;  ///< values of one activation of one patch
inline constexpr std::int64_t kParameters = std::int64_t{1} << 31;  ///< of a whole network
inline constexpr std::size_t kName = 200;
inline constexpr std::size_t kSummary = 2000;
inline constexpr std::size_t kSpecText = 1 << 20;  ///< bytes of a specification as JSON

}  // namespace twinpatch::limits
