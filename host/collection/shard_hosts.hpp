// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "twinpatch/collection/work.hpp"

namespace twinpatch {

/// Where a shard of a run was computed. Hosts with the same fingerprint compute the same bits.
struct ShardHost {
  std::string journal;      ///< file name of the shard's journal
  std::string device;       ///< in words
  std::string fingerprint;  ///< 16 hex digits over what the networks make of fixed patches
};

/// Of this host, by a trial of the work's engines: descriptors, a list and a grid of a few patches of noise. Another
/// precision, other kernels, another instruction set or another device show in it unless they compute the same bits.
/// Takes some ten milliseconds. Throws what the engines throw.
[[nodiscard]] ShardHost this_host(const CollectionWork& work);

/// Hex digits over what the engine makes of fixed patches as descriptors, of both sides: hosts with the same ones may
/// use each other's in `folder`. Empty where there is nothing to share: no folder, no keypoint, no descriptors.
[[nodiscard]] std::string descriptor_bits(Engine& engine, Extent patch_size, std::span<const PlannedImage> images,
                                          const std::filesystem::path& folder);

/// The line of a journal that tells it.
[[nodiscard]] std::string host_line(const ShardHost& host);
/// Every host that the journals of these folders tell of. Folders of older versions tell of none.
[[nodiscard]] std::vector<ShardHost> hosts_of(std::span<const std::filesystem::path> folders);

/// Throws PlanMismatch naming two that compute other bits.
void check_same_bits(std::span<const ShardHost> hosts);

}  // namespace twinpatch
