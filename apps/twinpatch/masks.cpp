// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/twinpatch/masks.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "apps/twinpatch/photograph.hpp"
#include "twinpatch/core/work_stage.hpp"
#include "twinpatch/vision/mask.hpp"

namespace twinpatch::app {
namespace {

bool is_black(const GrayImage& mask) {
  for (int y = 0; y < mask.height(); ++y) {
    if (std::any_of(mask.row(y), mask.row(y) + mask.width(), [](std::uint8_t value) { return value != 0; })) {
      return false;
    }
  }
  return true;
}

void report(Session& session, const std::string& folder, const MaskSummary& summary) {
  session.info("masks: {} of {} keypoints are left out in {} images with a mask", summary.masked, summary.keypoints,
               summary.images);
  if (!summary.all_black.empty()) {
    session.warn("{} masks are black everywhere, and their images get no matches: {}", summary.all_black.size(),
                 quoted_names(summary.all_black));
  }
  if (!summary.without.empty()) {
    session.warn("{} images have no mask in {}, and all of their keypoints are matched: {}", summary.without.size(),
                 folder, quoted_names(summary.without));
  }
}

/// Masks that do not fit their photographs.
class Misfits {
 public:
  bool fits(const FeatureImage& image, const GrayImage& mask) {
    if (image.width <= 0 || image.height <= 0) return true;
    if (mask.width() == image.width && mask.height() == image.height) return true;
    if (names_.empty()) {
      first_ = fmt::format("that of \"{}\" has {}x{}, the photograph {}x{}", image.name, mask.width(), mask.height(),
                           image.width, image.height);
    }
    names_.push_back(image.name);
    return false;
  }
  void refuse(const std::string& folder) const {
    if (names_.empty()) return;
    throw InvalidArgument(fmt::format("{}: {} masks have other sizes than their photographs ({}): {}", folder,
                                      names_.size(), first_, quoted_names(names_)));
  }

 private:
  std::vector<std::string> names_;
  std::string first_;
};

}  // namespace

std::optional<MaskSummary> apply_masks(Session& session, const std::string& folder,
                                       const std::vector<std::string>& leave_out, std::vector<FeatureImage>& images,
                                       const FeatureImageSource::LoadKeypoints& load) {
  if (folder.empty()) return std::nullopt;
  if (!std::filesystem::is_directory(folder)) throw IoError(folder, "no such folder (--masks)");
  MaskSummary summary;
  Misfits misfits;
  {
    const WorkStage stage(session.control(), "masks", std::ssize(images), "images");
    for (std::size_t i = 0; i < images.size(); ++i) {
      session.control().check();
      session.control().advance(1);
      FeatureImage& image = images[i];
      if (image.keypoints == 0 || std::ranges::find(leave_out, image.name) != leave_out.end()) continue;
      const auto path = find_mask(folder, image.name);
      if (path.empty()) {
        summary.without.push_back(image.name);
        continue;
      }
      ++summary.images;
      const GrayImage mask = read_image(path, Levels::stretched);  // labels in 16 bits are small numbers
      if (!misfits.fits(image, mask)) continue;
      if (is_black(mask)) summary.all_black.push_back(image.name);
      try {
        image.masked = masked_keypoints(mask, load(static_cast<std::int64_t>(i)));
      } catch (const InvalidArgument& error) {
        throw InvalidArgument(fmt::format("{}: {}", path.string(), error.what()));
      }
      summary.keypoints += image.keypoints;
      summary.masked += std::ranges::count(image.masked, true);
    }
  }
  misfits.refuse(folder);
  if (summary.images == 0 && !summary.without.empty()) {
    throw InvalidArgument(fmt::format("{}: none of {} images has a mask here; expected names as {}.png", folder,
                                      summary.without.size(), summary.without.front()));
  }
  report(session, folder, summary);
  return summary;
}

nlohmann::ordered_json masks_json(const std::optional<MaskSummary>& masks) {
  if (!masks) return nullptr;
  return {{"images", masks->images},
          {"keypoints", masks->keypoints},
          {"left_out", masks->masked},
          {"black", masks->all_black},
          {"missing", masks->without}};
}

}  // namespace twinpatch::app
