// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace twinpatch {

/// A pair of different images of a collection by number. The patches of the first take the left side. In a
/// PairSelection the lower one is first (but see `renumbered`); a list as read may have either direction.
struct ImagePair {
  std::int32_t first = 0;
  std::int32_t second = 0;
  friend auto operator<=>(const ImagePair&, const ImagePair&) = default;
};

/// Images [begin, end) of a collection.
struct ImageRange {
  std::int32_t begin = 0;
  std::int32_t end = 0;
  [[nodiscard]] std::int64_t size() const { return std::int64_t{end} - begin; }
  [[nodiscard]] bool contains(std::int32_t image) const { return begin <= image && image < end; }
  friend bool operator==(const ImageRange&, const ImageRange&) = default;
};

/// Which pairs of a collection are matched: a sorted set of canonical pairs. Exhaustive and sequential selections are
/// rules and take no memory; only a list is stored.
class PairSelection {
 public:
  /// Every pair of different images.
  [[nodiscard]] static PairSelection exhaustive(std::int64_t images);
  /// Every image with the `window` ≥ 1 images that follow it.
  [[nodiscard]] static PairSelection sequential(std::int64_t images, std::int64_t window);
  /// Pairs in any order and direction; duplicates count once. Throws InvalidArgument naming a pair of an image with
  /// itself or of an image outside the collection.
  [[nodiscard]] static PairSelection listed(std::int64_t images, std::vector<ImagePair> pairs);

  /// These pairs but those that have an image i with left_out[i].
  [[nodiscard]] PairSelection without(const std::vector<bool>& left_out) const;
  /// The same pairs where image i has another number, numbers[i] in [0, images): those of a run that began with fewer
  /// images. Each keeps its direction, so the first of a pair may have the higher number.
  [[nodiscard]] PairSelection renumbered(std::span<const std::int32_t> numbers, std::int64_t images) const;
  /// The selection of this kind that had been made when there were the first `images` images alone, without those that
  /// were left out then; nothing if that cannot be told.
  [[nodiscard]] std::optional<PairSelection> among_first(std::int64_t images, const std::vector<bool>& left_out) const;

  [[nodiscard]] std::int64_t images() const noexcept { return images_; }
  [[nodiscard]] std::int64_t count() const noexcept { return count_; }
  /// The pairs with their lower image in `rows` and their higher one in `columns`, sorted.
  [[nodiscard]] std::vector<ImagePair> within(ImageRange rows, ImageRange columns) const;
  /// Whether a pair has the image.
  [[nodiscard]] bool uses(std::int32_t image) const;
  /// 32 hex digits, equal for equal selections of one kind; with images left out 32 more behind a dash. Other numbers
  /// give another key.
  [[nodiscard]] std::string key() const;

 private:
  PairSelection(std::int64_t images, std::int64_t window, std::vector<ImagePair> listed);
  [[nodiscard]] std::vector<ImagePair> within_selection(ImageRange rows, ImageRange columns) const;
  [[nodiscard]] std::vector<ImagePair> within_list(ImageRange rows, ImageRange columns) const;
  void set_original(std::vector<std::int32_t> original);
  [[nodiscard]] bool keeps_direction(ImagePair low_first) const;
  std::int64_t images_ = 0;
  std::int64_t window_ = 0;             ///< 0: the list
  std::vector<ImagePair> listed_;       ///< sorted, lower number first
  std::vector<std::int32_t> left_out_;  ///< ascending
  std::vector<std::int32_t>
      original_;  ///< the number before renumbered(), -1: there was no such image; empty: the same
  std::int64_t count_ = 0;
};

}  // namespace twinpatch
