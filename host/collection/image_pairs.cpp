// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/collection/image_pairs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iterator>
#include <limits>
#include <utility>

#include "hash.hpp"
#include "twinpatch/core/checked.hpp"

namespace twinpatch {
namespace {

/// Σ over first images of min(window, images after it).
std::int64_t count_of_window(std::int64_t images, std::int64_t window) {
  if (images < 2) return 0;
  window = std::min(window, images - 1);
  return checked_multiply(images - window, window) + window * (window - 1) / 2;
}

}  // namespace

PairSelection::PairSelection(std::int64_t images, std::int64_t window, std::vector<ImagePair> listed)
    : images_(images), window_(window), listed_(std::move(listed)) {
  if (images < 0 || images > std::numeric_limits<std::int32_t>::max()) {
    throw InvalidArgument(fmt::format("a collection of {} images: expected 0 to 2147483647", images));
  }
  count_ = window_ > 0 ? count_of_window(images_, window_) : std::ssize(listed_);
}

PairSelection PairSelection::exhaustive(std::int64_t images) {
  return {images, std::max<std::int64_t>(1, images - 1), {}};
}

PairSelection PairSelection::sequential(std::int64_t images, std::int64_t window) {
  if (window < 1) throw InvalidArgument(fmt::format("sequential pairs need a window of at least 1, found {}", window));
  return {images, window, {}};
}

PairSelection PairSelection::listed(std::int64_t images, std::vector<ImagePair> pairs) {
  for (ImagePair& pair : pairs) {
    if (pair.first < 0 || pair.second < 0 || pair.first >= images || pair.second >= images) {
      throw InvalidArgument(fmt::format("pair ({}, {}) of images: the collection has images 0 to {}", pair.first,
                                        pair.second, images - 1));
    }
    if (pair.first == pair.second) {
      throw InvalidArgument(
          fmt::format("pair ({}, {}): an image cannot be matched with itself", pair.first, pair.second));
    }
    if (pair.first > pair.second) std::swap(pair.first, pair.second);
  }
  std::sort(pairs.begin(), pairs.end());
  pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
  return {images, 0, std::move(pairs)};
}

PairSelection PairSelection::without(const std::vector<bool>& left_out) const {
  PairSelection result = *this;
  for (std::int32_t i = 0; i < std::ssize(left_out); ++i) {
    if (left_out[static_cast<std::size_t>(i)]) result.left_out_.push_back(i);
  }
  std::ranges::sort(result.left_out_);
  auto& out = result.left_out_;
  out.erase(std::unique(out.begin(), out.end()), out.end());  // std::ranges::unique: not with clang 14
  if (out.empty()) return result;
  const auto last = static_cast<std::int32_t>(images_);
  result.count_ = 0;
  for (std::int32_t i = 0; i < last; ++i) result.count_ += std::ssize(result.within({i, i + 1}, {0, last}));
  return result;
}

bool PairSelection::uses(std::int32_t image) const {
  if (std::ranges::binary_search(left_out_, image)) return false;
  const auto last = static_cast<std::int32_t>(images_);
  return !within({image, image + 1}, {0, last}).empty() || !within({0, image}, {image, image + 1}).empty();
}

PairSelection PairSelection::renumbered(std::span<const std::int32_t> numbers, std::int64_t images) const {
  if (std::ssize(numbers) != images_) {
    throw InvalidArgument(fmt::format("{} numbers for {} images", numbers.size(), images_));
  }
  PairSelection result(images, window_, {});
  std::vector<std::int32_t> original(static_cast<std::size_t>(images), -1);
  for (std::int32_t i = 0; i < std::ssize(numbers); ++i) {
    const std::int32_t number = numbers[static_cast<std::size_t>(i)];
    if (number < 0 || number >= images || original[static_cast<std::size_t>(number)] >= 0) {
      throw InvalidArgument(fmt::format("image {} cannot have number {} of {}", i, number, images));
    }
    original[static_cast<std::size_t>(number)] = i;
  }
  const auto number_of = [&](std::int32_t image) { return numbers[static_cast<std::size_t>(image)]; };
  for (const ImagePair pair : listed_) {
    const auto [low, high] = std::minmax({number_of(pair.first), number_of(pair.second)});
    result.listed_.push_back({low, high});
  }
  std::ranges::sort(result.listed_);
  std::ranges::transform(left_out_, std::back_inserter(result.left_out_), number_of);
  std::ranges::sort(result.left_out_);
  result.count_ = count_;
  result.set_original(std::move(original));
  return result;
}

void PairSelection::set_original(std::vector<std::int32_t> original) {
  for (std::int32_t i = 0; i < std::ssize(original); ++i) {
    if (original[static_cast<std::size_t>(i)] == i) continue;
    original_ = std::move(original);
    return;
  }
}

std::optional<PairSelection> PairSelection::among_first(std::int64_t images, const std::vector<bool>& left_out) const {
  const auto is_there = [](std::int32_t original) { return original >= 0; };
  const bool same_numbers = original_.empty();
  const std::int64_t there = same_numbers ? images_ : std::ranges::count_if(original_, is_there);
  const bool every = window_ > 0 && window_ >= there - 1;
  if (window_ > 0 && !every && !same_numbers) return std::nullopt;  // images between them may be new
  std::vector<std::int32_t> present;                                // the original numbers of the first images
  if (!same_numbers) {
    std::copy_if(original_.begin(), original_.begin() + images, std::back_inserter(present), is_there);
  }
  const std::int64_t had = same_numbers ? images : std::ssize(present);
  PairSelection result(images, every ? std::max<std::int64_t>(1, had - 1) : window_, {});
  std::ranges::copy_if(listed_, std::back_inserter(result.listed_),
                       [&](const ImagePair& pair) { return pair.second < images; });
  if (window_ == 0) result.count_ = std::ssize(result.listed_);
  if (!same_numbers) {  // as if the others had never been
    std::ranges::sort(present);
    std::vector<std::int32_t> original(original_.begin(), original_.begin() + images);
    for (std::int32_t& number : original) {
      if (number < 0) continue;
      number = static_cast<std::int32_t>(std::ranges::lower_bound(present, number) - present.begin());
    }
    result.set_original(std::move(original));
  }
  return result.without(left_out);
}

std::string PairSelection::key() const {
  Hash hash;
  hash.add(images_).add(window_).add(std::ssize(listed_));
  hash.add_bytes(std::as_bytes(std::span(listed_)));
  hash.add_bytes(std::as_bytes(std::span(original_)));
  if (left_out_.empty()) return hash.hex();
  Hash left_out;
  left_out.add_bytes(std::as_bytes(std::span(left_out_)));
  return hash.hex() + "-" + left_out.hex();
}

std::vector<ImagePair> PairSelection::within(ImageRange rows, ImageRange columns) const {
  std::vector<ImagePair> pairs = within_selection(rows, columns);
  if (left_out_.empty()) return pairs;
  std::erase_if(pairs, [&](const ImagePair& pair) {
    return std::ranges::binary_search(left_out_, pair.first) || std::ranges::binary_search(left_out_, pair.second);
  });
  return pairs;
}

/// Of a pair with the lower number first: whether it was so with the original numbers.
bool PairSelection::keeps_direction(ImagePair low_first) const {
  return original_.empty() ||
         original_[static_cast<std::size_t>(low_first.first)] < original_[static_cast<std::size_t>(low_first.second)];
}

std::vector<ImagePair> PairSelection::within_list(ImageRange rows, ImageRange columns) const {
  std::vector<ImagePair> result;
  auto at = std::lower_bound(listed_.begin(), listed_.end(), ImagePair{rows.begin, 0});
  while (at != listed_.end() && at->first < rows.end) {
    const std::int32_t first = at->first;
    at = std::lower_bound(at, listed_.end(), ImagePair{first, columns.begin});
    for (; at != listed_.end() && at->first == first && at->second < columns.end; ++at) result.push_back(*at);
    at = std::upper_bound(at, listed_.end(), ImagePair{first, std::numeric_limits<std::int32_t>::max()});
  }
  return result;
}

std::vector<ImagePair> PairSelection::within_selection(ImageRange rows, ImageRange columns) const {
  std::vector<ImagePair> result = window_ == 0 ? within_list(rows, columns) : std::vector<ImagePair>();
  // Where numbers are the original ones a window is an interval; else every pair is looked at.
  const std::int64_t reach = original_.empty() ? window_ : images_;
  for (std::int64_t first = std::max(0, rows.begin); window_ > 0 && first < std::min<std::int64_t>(rows.end, images_);
       ++first) {
    const std::int64_t begin = std::max<std::int64_t>(columns.begin, first + 1);
    const std::int64_t end = std::min({std::int64_t{columns.end}, images_, first + reach + 1});
    for (std::int64_t second = begin; second < end; ++second) {
      if (!original_.empty()) {
        const std::int32_t a = original_[static_cast<std::size_t>(first)];
        const std::int32_t b = original_[static_cast<std::size_t>(second)];
        if (a < 0 || b < 0 || std::abs(a - b) > window_) continue;
      }
      result.push_back({static_cast<std::int32_t>(first), static_cast<std::int32_t>(second)});
    }
  }
  if (original_.empty()) return result;
  for (ImagePair& pair : result) {
    if (!keeps_direction(pair)) std::swap(pair.first, pair.second);
  }
  std::ranges::sort(result);
  return result;
}

}  // namespace twinpatch
