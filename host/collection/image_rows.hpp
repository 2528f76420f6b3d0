// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "ahead.hpp"
#include "budget.hpp"
#include "image_reader.hpp"
#include "twinpatch/collection/work.hpp"

namespace twinpatch {

using RowKey = std::pair<std::int32_t, Side>;

/// Rows of one side of an image, on the device.
struct SideRows {
  RowChunks all;
  RowChunks sample;                   ///< of some of its keypoints, for an early exit; empty without
  std::vector<std::int32_t> sampled;  ///< their numbers among the keypoints that are matched
  [[nodiscard]] std::int64_t bytes() const { return all.bytes + sample.bytes; }
};
/// The most rows that a side of an image of so many keypoints has.
[[nodiscard]] std::int64_t row_count(const CollectionWork& work, std::int64_t keypoints, Side side);

/// What a block needs of an image: rows of a side, or (nothing) its patches, for a second network.
struct Needed {
  std::int32_t image = 0;
  std::optional<Side> side;
};

/// Rows of images on the device, made ahead on a thread of their own, from descriptors that were stored or from
/// patches: images are read and described while the last ones are compared, and descriptors are stored beside both. The
/// device takes one call at a time, so what overlaps is everything around its calls, and on a GPU its queue.
class ImageRows {
 public:
  /// `descriptors`: the folder that keeps them; empty: a temporary file. `control`: its stop is heard.
  ImageRows(const CollectionWork& work, const Budget& budget, const std::filesystem::path& descriptors,
            const RunControl& control);

  struct Made {
    std::shared_ptr<const SideRows> rows;
    std::shared_ptr<const PatchSet> patches;  ///< if they were read, and there is a second network
    std::string damage;                       ///< what was wrong with stored descriptors
    std::int64_t described = 0;               ///< patches that went through a tower
    bool descriptors_read = false;
  };

  /// In order of first use, without what the caller still holds; replaces what was expected before.
  void expect(std::span<const Needed> needed);
  /// Throws what the source and the engine throw; ImageChanged; NotFinite that names the image.
  [[nodiscard]] Made take(const RowKey& key) { return ahead_.take(key); }
  [[nodiscard]] std::shared_ptr<const PatchSet> patches(std::int32_t image);
  /// Waits until descriptors are stored. Throws what storing them threw.
  void finish();

  /// Seconds in which take() waited.
  [[nodiscard]] double waited() const { return ahead_.waited(); }
  /// Seconds of work: images (a thread's share), rows, descriptors.
  [[nodiscard]] double reading() const { return reader_.busy(); }
  [[nodiscard]] double describing() const;
  [[nodiscard]] double storing() const { return stored_ == nullptr ? 0 : stored_->busy(); }

 private:
  [[nodiscard]] Made make(const RowKey& key);
  [[nodiscard]] SideRows rows_of(std::int32_t image, Side side, const LoadedImage& loaded, Made& made);
  [[nodiscard]] const PlannedImage& planned(std::int32_t image) const {
    return work_.plan.images[static_cast<std::size_t>(image)];
  }

  CollectionWork work_;
  RunControl control_;  ///< nobody watches its progress
  bool two_channel_;
  std::int64_t keypoint_cost_;
  DescriptorKeys keys_;
  std::unique_ptr<DescriptorsBehind> stored_;  ///< null for 2-channel networks
  ImageReader reader_;
  Ahead<RowKey, Made> ahead_;  ///< last: its thread uses what is above
};

}  // namespace twinpatch
