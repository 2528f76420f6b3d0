// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "twinpatch/collection/work.hpp"

namespace twinpatch {

/// The images of a source under other numbers.
class RenumberedSource final : public ImageSource {
 public:
  /// `originals[i]`: the number that image i has in the source, -1: there is none.
  RenumberedSource(const ImageSource& source, const CollectionPlan& plan, std::vector<std::int32_t> originals)
      : source_(source), plan_(plan), originals_(std::move(originals)) {}
  [[nodiscard]] std::int64_t size() const override { return std::ssize(originals_); }
  [[nodiscard]] std::string name(std::int64_t image) const override { return planned(image).name; }
  [[nodiscard]] std::int64_t keypoint_count(std::int64_t image) const override { return planned(image).keypoints; }
  [[nodiscard]] std::string content_key(std::int64_t image) const override {
    return source_.content_key(original(image));
  }
  [[nodiscard]] std::vector<bool> masked_keypoints(std::int64_t image) const override {
    return source_.masked_keypoints(original(image));
  }
  [[nodiscard]] std::string patch_settings() const override { return source_.patch_settings(); }
  [[nodiscard]] Extent patch_size() const override { return source_.patch_size(); }
  [[nodiscard]] PatchSet patches(std::int64_t image) const override { return source_.patches(original(image)); }
  [[nodiscard]] std::optional<Photograph> photograph(std::int64_t image) const override {
    return source_.photograph(original(image));
  }

 private:
  [[nodiscard]] const PlannedImage& planned(std::int64_t image) const {
    return plan_.images.at(static_cast<std::size_t>(image));
  }
  [[nodiscard]] std::int64_t original(std::int64_t image) const;

  const ImageSource& source_;
  const CollectionPlan& plan_;
  std::vector<std::int32_t> originals_;
};

/// Work in the plan's numbers: a run that was continued has numbers of its own.
class PlannedWork {
 public:
  /// Throws InvalidArgument for an image that the plan does not have. Refers to the parts of `given`.
  explicit PlannedWork(const CollectionWork& given);
  PlannedWork(const PlannedWork&) = delete;             // work() points into it
  PlannedWork& operator=(const PlannedWork&) = delete;  // likewise
  [[nodiscard]] const CollectionWork& work() const { return work_; }

 private:
  RenumberedSource source_;
  PairSelection pairs_;
  CollectionWork work_;
};

}  // namespace twinpatch
