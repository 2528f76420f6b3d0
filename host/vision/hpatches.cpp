// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <set>

#include "codecs.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/vision/patch_collections.hpp"

namespace twinpatch {
namespace {

namespace fs = std::filesystem;

constexpr int kSide = 65;
constexpr std::array kStrips = {"ref", "e1", "e2", "e3", "e4", "e5", "h1", "h2",
                                "h3",  "h4", "h5", "t1", "t2", "t3", "t4", "t5"};

fs::path strip_path(const fs::path& sequence, const char* strip) { return sequence / (std::string(strip) + ".png"); }

bool is_sequence(const fs::path& folder) {
  std::error_code ignored;
  return fs::is_regular_file(strip_path(folder, "ref"), ignored);
}

PatchSet read_strip(const fs::path& path) {
  const cv::Mat strip = vision::read_mat(path, vision::Colour::grey);
  if (strip.cols != kSide || strip.rows % kSide != 0) {
    throw FormatError(path.string(), 0,
                      fmt::format("expected a strip of {0}x{0} patches one below the other, found {1}x{2} pixels",
                                  kSide, strip.cols, strip.rows));
  }
  PatchSet patches(strip.rows / kSide, kSide, kSide);
  // A strip's rows follow each other as the patches do.
  for (int y = 0; y < strip.rows; ++y) {
    std::memcpy(patches.mutable_patch(y / kSide) + y % kSide * kSide, strip.ptr(y), kSide);
  }
  return patches;
}

}  // namespace

bool is_hpatches(const fs::path& folder) {
  if (is_sequence(folder)) return true;
  std::error_code error;
  fs::directory_iterator entries(folder, error);
  return !error &&
         std::any_of(begin(entries), end(entries), [](const auto& entry) { return is_sequence(entry.path()); });
}

std::vector<fs::path> hpatches_sequences(const fs::path& folder) {
  if (is_sequence(folder)) return {folder};
  std::error_code error;
  fs::directory_iterator entries(folder, error);
  if (error) throw IoError(folder.string(), "cannot list the folder", error.value());
  std::vector<fs::path> sequences;
  for (const auto& entry : entries) {
    if (is_sequence(entry.path())) sequences.push_back(entry.path());
  }
  std::ranges::sort(sequences);
  return sequences;
}

std::vector<std::string> missing_hpatches_strips(const fs::path& folder) {
  if (is_sequence(folder)) return {};
  std::map<std::string, std::set<std::string>> found;  // strips of each folder that has any
  std::set<std::string> wanted{"ref"};
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    std::set<std::string> strips;
    for (const char* const strip : kStrips) {
      std::error_code ignored;
      if (fs::is_regular_file(strip_path(entry->path(), strip), ignored)) strips.insert(strip);
    }
    wanted.insert(strips.begin(), strips.end());
    if (!strips.empty()) found[entry->path().filename().string()] = std::move(strips);
  }
  std::vector<std::string> missing;
  for (const auto& [name, strips] : found) {
    for (const char* const strip : kStrips) {
      if (wanted.contains(strip) && !strips.contains(strip)) missing.push_back(strip_path(name, strip).string());
    }
  }
  return missing;
}

std::int64_t hpatches_patch_count(const fs::path& folder) { return read_strip(strip_path(folder, "ref")).size(); }

HPatchesSequence read_hpatches_sequence(const fs::path& folder) {
  HPatchesSequence sequence;
  // "folder/" has an empty last part.
  sequence.name = folder.has_filename() ? folder.filename().string() : folder.parent_path().filename().string();
  for (const char* const strip : kStrips) {
    const fs::path path = strip_path(folder, strip);
    if (!fs::exists(path) && !sequence.strips.empty()) continue;  // ref.png must be there, and is the first
    sequence.patches.push_back(read_strip(path));
    sequence.strips.emplace_back(strip);
    if (sequence.patches.back().size() != sequence.patches.front().size()) {
      throw FormatError(path.string(), 0,
                        fmt::format("expected {} patches as in ref.png, found {}", sequence.patches.front().size(),
                                    sequence.patches.back().size()));
    }
  }
  return sequence;
}

}  // namespace twinpatch
