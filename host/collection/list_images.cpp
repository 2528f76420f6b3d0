// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <set>

#include "keypoint_mask.hpp"
#include "twinpatch/collection/plan.hpp"
#include "twinpatch/core/work_stage.hpp"

namespace twinpatch {
namespace {

constexpr const char* kLeftOut = "left out";  // no hash looks like it

std::string damaged_text(const std::vector<DamagedImage>& damaged, std::int64_t of) {
  constexpr std::size_t kNamed = 10;
  std::string text = fmt::format("{} of {} images cannot be read", damaged.size(), of);
  for (std::size_t i = 0; i < std::min(kNamed, damaged.size()); ++i) text += "; " + damaged[i].what;
  if (damaged.size() > kNamed) text += fmt::format("; and {} more", damaged.size() - kNamed);
  return text;
}

}  // namespace

bool PlannedImage::is_left_out() const { return gone || key == kLeftOut; }

DamagedImages::DamagedImages(std::vector<DamagedImage> damaged, std::int64_t of)
    : Error(damaged_text(damaged, of)), damaged_(std::move(damaged)) {}

ImageListing list_images(const ImageSource& source, std::span<const std::string> leave_out, const RunControl& control) {
  std::set<std::string_view> names(leave_out.begin(), leave_out.end());
  ImageListing listing;
  listing.images.reserve(static_cast<std::size_t>(source.size()));
  const WorkStage stage(control, "list", source.size(), "images");
  for (std::int64_t i = 0; i < source.size(); ++i) {
    control.check();
    PlannedImage image{source.name(i), source.keypoint_count(i), kLeftOut};
    if (image.keypoints < 0) throw InvalidArgument(fmt::format("image {}: {} keypoints", image.name, image.keypoints));
    if (names.erase(image.name) == 0) {
      try {
        image.key = planned_key(source, i);
      } catch (const IoError& error) {
        listing.damaged.push_back({static_cast<std::int32_t>(i), image.name, error.what()});
      } catch (const FormatError& error) {
        listing.damaged.push_back({static_cast<std::int32_t>(i), image.name, error.what()});
      }
    }
    listing.images.push_back(std::move(image));
    control.advance(1);
  }
  if (!names.empty()) throw InvalidArgument(fmt::format("no image to leave out is called \"{}\"", *names.begin()));
  return listing;
}

}  // namespace twinpatch
