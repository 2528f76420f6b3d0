// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/vision/image_sequence.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>

#include "twinpatch/core/error.hpp"

namespace twinpatch {
namespace {

namespace fs = std::filesystem;

constexpr int kMostViews = 1000;
constexpr std::array<std::string_view, 5> kExtensions{".pgm", ".ppm", ".png", ".jpg", ".jpeg"};  // the first is taken

std::string lower_case(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) { return 'A' <= c && c <= 'Z' ? c - 'A' + 'a' : c; });
  return text;
}

std::optional<int> view_number(std::string_view digits) {
  int number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return number >= 1 && number <= kMostViews ? std::optional(number) : std::nullopt;
}

/// Images are img3.pgm as in the Oxford sequences or 3.ppm as in those of HPatches.
struct ImageName {
  int number;
  std::size_t rank;  ///< of several files with one number the lowest is meant
};
std::optional<ImageName> image_name(const std::string& name) {
  const fs::path path = name;
  const auto extension = std::ranges::find(kExtensions, path.extension().string());
  if (extension == kExtensions.end()) return std::nullopt;
  std::string stem = path.stem().string();
  const bool prefixed = stem.starts_with("img");
  const auto number = view_number(prefixed ? stem.substr(3) : stem);
  if (!number) return std::nullopt;
  return ImageName{*number, (prefixed ? 0 : kExtensions.size()) + std::size_t(extension - kExtensions.begin())};
}

/// The number of the image that a homography leads to: H1to3p, H_1_3 or H_ref_3, each also with .txt.
std::optional<int> homography_number(std::string name) {
  if (name.ends_with(".txt")) name.resize(name.size() - 4);
  if (name.starts_with("h1to") && name.ends_with("p")) return view_number(name.substr(4, name.size() - 5));
  for (const std::string_view start : {"h_1_", "h_ref_"}) {
    if (name.starts_with(start)) return view_number(std::string_view(name).substr(start.size()));
  }
  return std::nullopt;
}

/// Images and homographies of a folder by number; a folder that cannot be listed has none.
struct Found {
  std::map<int, std::pair<std::size_t, fs::path>> images;
  std::map<int, fs::path> homographies;

  explicit Found(const fs::path& folder) {
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
      std::error_code ignored;
      if (!entry->is_regular_file(ignored)) continue;
      const std::string name = lower_case(entry->path().filename().string());
      if (const auto image = image_name(name)) {
        const auto [place, is_new] = images.try_emplace(image->number, image->rank, entry->path());
        if (!is_new && image->rank < place->second.first) place->second = {image->rank, entry->path()};
      } else if (const auto number = homography_number(name)) {
        const auto [place, is_new] = homographies.try_emplace(*number, entry->path());
        if (!is_new) place->second = std::min(place->second, entry->path());
      }
    }
  }
};

}  // namespace

bool is_image_sequence(const fs::path& folder) {
  const Found found(folder);
  // Numbered images alone may be anything; two that begin at 1 were always taken for a sequence.
  if (found.images.contains(1) && found.images.contains(2)) return true;
  return !found.images.empty() && !found.homographies.empty();
}

std::vector<fs::path> image_sequences(const fs::path& folder) {
  if (is_image_sequence(folder)) return {folder};
  std::error_code error;
  fs::directory_iterator entries(folder, error);
  if (error) throw IoError(folder.string(), "cannot list the folder", error.value());
  std::vector<fs::path> sequences;
  for (const auto& entry : entries) {
    if (is_image_sequence(entry.path())) sequences.push_back(entry.path());
  }
  std::ranges::sort(sequences);
  return sequences;
}

ImageSequenceFiles list_image_sequence(const fs::path& folder) {
  const Found found(folder);
  ImageSequenceFiles files;
  int last = 1;
  if (!found.images.empty()) last = std::max(last, found.images.rbegin()->first);
  if (!found.homographies.empty()) last = std::max(last, found.homographies.rbegin()->first);
  for (int number = 1; number <= last; ++number) {
    const auto image = found.images.find(number);
    const auto homography = found.homographies.find(number);
    const bool has_homography = number == 1 || homography != found.homographies.end();
    if (image == found.images.end()) files.missing.push_back(fmt::format("image {}", number));
    if (!has_homography) files.missing.push_back(fmt::format("H1to{}p (or H_1_{})", number, number));
    if (image == found.images.end() || !has_homography) continue;
    files.views.push_back({number, image->second.second, number == 1 ? fs::path() : homography->second});
  }
  if (!found.images.contains(1)) files.views.clear();  // what the others are related to
  return files;
}

ImageSequence read_image_sequence(const fs::path& folder) {
  if (!fs::is_directory(folder)) throw IoError(folder.string(), "is not a folder");
  const ImageSequenceFiles files = list_image_sequence(folder);
  if (files.views.size() < 2) {
    throw Error(fmt::format(
        "{}: expected img1.pgm, img2.pgm, ... (or .ppm, .png, .jpg) and H1to2p, ..., missing: {}", folder.string(),
        files.missing.empty() ? "a second image" : fmt::format("{}", fmt::join(files.missing, ", "))));
  }
  ImageSequence sequence;
  sequence.name = (folder.has_filename() ? folder : folder.parent_path()).filename().string();
  sequence.missing = files.missing;
  for (const auto& [number, image, homography] : files.views) {
    Homography from_first{1, 0, 0, 0, 1, 0, 0, 0, 1};
    if (number > 1) {
      from_first = read_homography(homography);
      try {
        check_homography(from_first);
      } catch (const InvalidArgument& error) {
        throw FormatError(homography.string(), -1, error.what());
      }
    }
    sequence.images.push_back(read_image(image));
    sequence.files.push_back(image.filename().string());
    sequence.from_first.push_back(from_first);
    sequence.numbers.push_back(number);
  }
  return sequence;
}

}  // namespace twinpatch
