// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/vision/image_sequence.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "twinpatch/core/error.hpp"

namespace twinpatch {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxViews = 1000;
constexpr std::array kExtensions{".pgm", ".ppm", ".png", ".jpg", ".jpeg"};

/// "img3.pgm" as in the Oxford sequences, or "3.ppm" as in those of HPatches.
std::optional<fs::path> find_image(const fs::path& folder, int number) {
  for (const char* stem : {"img", ""}) {
    for (const char* extension : kExtensions) {
      const fs::path path = folder / fmt::format("{}{}{}", stem, number, extension);
      if (fs::is_regular_file(path)) return path;
    }
  }
  return std::nullopt;
}

fs::path find_homography(const fs::path& folder, int number) {
  for (const auto& name : {fmt::format("H1to{}p", number), fmt::format("H_1_{}", number)}) {
    if (fs::is_regular_file(folder / name)) return folder / name;
    if (fs::is_regular_file(folder / (name + ".txt"))) return folder / (name + ".txt");
  }
  throw Error(fmt::format("{}: image {} has no homography: expected H1to{}p", folder.string(), number, number));
}

}  // namespace

bool is_image_sequence(const fs::path& folder) {
  return find_image(folder, 1).has_value() && find_image(folder, 2).has_value();
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

ImageSequence read_image_sequence(const fs::path& folder) {
  if (!fs::is_directory(folder)) throw IoError(folder.string(), "is not a folder");
  ImageSequence sequence;
  sequence.name = (folder.has_filename() ? folder : folder.parent_path()).filename().string();
  for (int number = 1; number <= kMaxViews; ++number) {
    const auto path = find_image(folder, number);
    if (!path && number == 1) {
      throw Error(fmt::format("{}: no images: expected img1.pgm (or .ppm, .png, .jpg) and so on", folder.string()));
    }
    if (!path) break;
    Homography from_first{1, 0, 0, 0, 1, 0, 0, 0, 1};
    if (number > 1) {
      const fs::path homography = find_homography(folder, number);
      from_first = read_homography(homography);
      try {
        check_homography(from_first);
      } catch (const InvalidArgument& error) {
        throw FormatError(homography.string(), -1, error.what());
      }
    }
    sequence.images.push_back(read_image(*path));
    sequence.files.push_back(path->filename().string());
    sequence.from_first.push_back(from_first);
  }
  if (sequence.images.size() < 2)
    throw Error(fmt::format("{}: only one image, at least two are needed", folder.string()));
  return sequence;
}

}  // namespace twinpatch
