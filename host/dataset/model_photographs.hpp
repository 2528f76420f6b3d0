// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>

#include "twinpatch/sfm/colmap_model.hpp"
#include "twinpatch/vision/image.hpp"

namespace twinpatch::dataset {

/// Throws IoError where `folder` is none, Error naming the first photograph of the model that it lacks.
void check_model_photographs(const ColmapModel& model, const std::filesystem::path& folder);

/// Throws as read_image() does, and Error for a photograph of another size than its camera's.
[[nodiscard]] GrayImage read_model_photograph(const ColmapModel& model, const std::filesystem::path& folder,
                                              std::uint32_t id);

}  // namespace twinpatch::dataset
