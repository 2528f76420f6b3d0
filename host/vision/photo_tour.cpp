// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <map>
#include <sstream>
#include <string_view>

#include "codecs.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/core/file.hpp"
#include "twinpatch/vision/patch_collections.hpp"

namespace twinpatch {
namespace {

namespace fs = std::filesystem;

constexpr int kSide = 64;    // of a patch
constexpr int kPerRow = 16;  // patches in a row of a sheet, and rows in a sheet
constexpr int kSheetSide = kSide * kPerRow;
constexpr std::int64_t kPerSheet = kPerRow * kPerRow;
constexpr const char* kArray = "patches.npy";

bool is_sheet(const fs::path& path) {
  const std::string stem = path.stem().string();
  return stem.size() > 7 && stem.starts_with("patches") &&
         std::all_of(stem.begin() + 7, stem.end(), [](char c) { return c >= '0' && c <= '9'; }) &&
         (path.extension() == ".bmp" || path.extension() == ".png");
}

/// Copies the first `count` patches of a sheet to patches [first, first + count).
void copy_sheet(const fs::path& path, PatchSet& patches, std::int64_t first, std::int64_t count) {
  const cv::Mat sheet = vision::read_mat(path, vision::Colour::grey);
  if (sheet.cols != kSheetSide || sheet.rows != kSheetSide) {
    throw FormatError(path.string(), 0,
                      fmt::format("expected a sheet of {0}x{0} pixels (16x16 patches of 64x64), found {1}x{2}",
                                  kSheetSide, sheet.cols, sheet.rows));
  }
  for (std::int64_t i = 0; i < count; ++i) {
    const int x = static_cast<int>(i % kPerRow) * kSide;
    const int y = static_cast<int>(i / kPerRow) * kSide;
    std::uint8_t* const patch = patches.mutable_patch(first + i);
    for (int row = 0; row < kSide; ++row) std::memcpy(patch + row * kSide, sheet.ptr(y + row) + x, kSide);
  }
}

PatchSet read_sheets(const fs::path& folder, std::int64_t count) {
  const std::vector<fs::path> sheets = photo_tour_sheets(folder);
  const std::int64_t stored = static_cast<std::int64_t>(sheets.size()) * kPerSheet;
  if (stored < count) {
    throw FormatError(
        (folder / "info.txt").string(), 0,
        fmt::format("expected {} patches, one a line, found {} sheets with {}", count, sheets.size(), stored));
  }
  PatchSet patches(count, kSide, kSide);
  for (std::int64_t first = 0, sheet = 0; first < count; first += kPerSheet, ++sheet) {
    copy_sheet(sheets[static_cast<std::size_t>(sheet)], patches, first, std::min(kPerSheet, count - first));
  }
  return patches;
}

}  // namespace

std::vector<fs::path> photo_tour_sheets(const fs::path& folder) {
  std::map<std::uint64_t, fs::path> sheets;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (!is_sheet(entry.path())) continue;
    const std::string digits = entry.path().stem().string().substr(7);
    std::uint64_t number = 0;
    if (std::from_chars(digits.data(), digits.data() + digits.size(), number).ec != std::errc()) {
      throw FormatError(entry.path().string(), -1, "expected the number of a sheet");
    }
    const auto [place, is_new] = sheets.emplace(number, entry.path());
    if (is_new) continue;
    throw FormatError(entry.path().string(), -1,
                      fmt::format("sheet {} is there twice, the other is {}: which one is meant?", number,
                                  place->second.filename().string()));
  }
  std::vector<fs::path> paths;
  paths.reserve(sheets.size());
  for (auto& [number, path] : sheets) {
    if (number != paths.size()) {  // every patch behind it would get another's label
      throw FormatError(
          folder.string(), -1,
          fmt::format("sheet patches{:04} is missing, {} is there", paths.size(), path.filename().string()));
    }
    paths.push_back(std::move(path));
  }
  return paths;
}

std::optional<PatchSet> read_patch_array(const fs::path& folder, std::int64_t count) {
  const fs::path path = folder / kArray;
  if (!fs::exists(path)) return std::nullopt;
  PatchSet patches = read_npy_patches(path, false);
  if (patches.size() != count)
    throw FormatError(path.string(), 0, fmt::format("{} patches, but info.txt has {} lines", patches.size(), count));
  return patches;
}

bool is_photo_tour(const fs::path& folder) {
  std::error_code error;
  if (!fs::is_regular_file(folder / "info.txt", error)) return false;
  if (fs::is_regular_file(folder / kArray, error)) return true;
  fs::directory_iterator entries(folder, error);
  return !error && std::any_of(begin(entries), end(entries), [](const auto& entry) { return is_sheet(entry.path()); });
}

std::vector<std::int64_t> read_reference_images(const fs::path& folder, std::int64_t count) {
  const fs::path path = folder / "interest.txt";
  if (!fs::exists(path)) return {};
  std::vector<std::int64_t> images;
  const std::string text = read_text_file(path);
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::int64_t image = 0;
    std::string_view rest = line;
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
    const auto [stop, status] = std::from_chars(rest.data(), rest.data() + rest.size(), image);
    const bool ended = stop == rest.data() + rest.size() || *stop == ' ' || *stop == '\t' || *stop == '\r';
    if (status != std::errc() || !ended) {
      throw FormatError(path.string(), -1,
                        fmt::format("line {}: expected the number of an image first, found \"{}\"", images.size() + 1,
                                    rest.substr(0, 40)));
    }
    images.push_back(image);
  }
  if (std::ssize(images) != count)
    throw FormatError(path.string(), -1, fmt::format("{} lines, but info.txt has {}", images.size(), count));
  return images;
}

PhotoTour read_photo_tour(const fs::path& folder) {
  PhotoTour result;
  result.points = read_photo_tour_info(folder / "info.txt");
  const auto count = static_cast<std::int64_t>(result.points.size());
  auto array = read_patch_array(folder, count);
  result.patches = array ? std::move(*array) : read_sheets(folder, count);
  return result;
}

}  // namespace twinpatch
