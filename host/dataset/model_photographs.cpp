// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "model_photographs.hpp"

#include <fmt/format.h>

#include "twinpatch/core/error.hpp"

namespace twinpatch::dataset {

namespace fs = std::filesystem;

void check_model_photographs(const ColmapModel& model, const fs::path& folder) {
  if (!fs::is_directory(folder)) throw IoError(folder.string(), "is not a folder of photographs");
  std::string first;
  int missing = 0;
  for (const auto& [id, image] : model.images) {
    if (fs::is_regular_file(folder / image.name)) continue;
    if (missing++ == 0) first = image.name;
  }
  if (missing == 0) return;
  throw Error(fmt::format("{}: {} of the model's {} photographs are missing, the first is {}", folder.string(), missing,
                          model.images.size(), first));
}

GrayImage read_model_photograph(const ColmapModel& model, const fs::path& folder, std::uint32_t id) {
  const ColmapImage& image = model.images.at(id);
  const ColmapCamera& camera = model.cameras.at(image.camera);
  const fs::path path = folder / image.name;
  GrayImage pixels = read_image(path);
  if (pixels.width() == camera.width && pixels.height() == camera.height) return pixels;
  throw Error(fmt::format("{}: is {}x{} pixels, the model was made from {}x{}", path.string(), pixels.width(),
                          pixels.height(), camera.width, camera.height));
}

}  // namespace twinpatch::dataset
