// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <hdf5.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace twinpatch::hdf5 {

/// What is wrong with the way in which numbers of so many bytes each are stored; empty where nothing is. Looked at
/// before they are read, because HDF5 1.10 believes a damaged file: it reads beyond data that are shorter than said,
/// and unpacks chunks to whatever size they have. Used inside an Access.
[[nodiscard]] std::string layout_fault(hid_t dataset, std::span<const std::int64_t> shape, std::size_t item_bytes);

}  // namespace twinpatch::hdf5
