// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/dataset/dataset_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <utility>

#include "content_hash.hpp"
#include "pair_sampling.hpp"
#include "similarity.hpp"
#include "staging_folder.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/core/file.hpp"
#include "twinpatch/formats/json.hpp"
#include "twinpatch/vision/image.hpp"

namespace twinpatch {

using dataset::ContentHash;
using dataset::GradientHistogram;
using dataset::Groups;
using dataset::Random;

namespace {

constexpr int kSide = 64;
constexpr int kPatchBytes = kSide * kSide;
constexpr int kSheetPatches = 16;  // a side of a sheet
constexpr int kSheetSide = kSheetPatches * kSide;
constexpr std::int64_t kPerSheet = std::int64_t{kSheetPatches} * kSheetPatches;
constexpr const char* kRawName = "patches.raw";

void write_text(const std::filesystem::path& path, std::string_view text, ContentHash& hash) {
  hash.add(path.filename().string());
  hash.add(text);
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

struct NamedList {
  std::string name;
  std::vector<IndexPair> matches;
  std::vector<IndexPair> non_matches;
};

}  // namespace

void check(const DatasetOptions& options) {
  const auto demand = [](bool good, const char* what) {
    if (!good) throw InvalidArgument(what);
  };
  demand(options.extent > 0 && std::isfinite(options.extent), "--patch-extent: must be positive");
  demand(options.min_contrast >= 0, "--min-contrast: must not be negative");
  demand(options.max_views == 0 || options.max_views >= 2, "--max-views: must be 0 (all) or at least 2");
  demand(options.hard_pairs >= 0, "--hard: must not be negative");
  demand(std::all_of(options.list_sizes.begin(), options.list_sizes.end(), [](auto size) { return size > 0; }),
         "--lists: sizes must be positive");
}

struct DatasetWriter::State {
  explicit State(const DatasetOptions& o)
      : options((check(o), o)), folder(o.folder, o.replace), raw(std::in_place, folder.path() / kRawName) {}

  DatasetOptions options;
  dataset::StagingFolder folder;
  std::optional<AtomicFile> raw;  ///< patches in the order they came; sorted into sheets at the end
  std::vector<PatchRecord> records;
  std::vector<std::string> images;
  DatasetSummary summary;

  std::vector<std::int64_t> choose_patches();
  Groups group(std::span<const PatchRecord> chosen) const;
  PatchSet gather(const std::vector<std::int64_t>& rows);
  std::vector<NamedList> draw_lists(const Groups& groups, PatchView patches, ThreadPool& pool) const;
  void write_sheets(PatchView patches, ThreadPool& pool, const RunControl& control) const;
  void write_tables(const Groups& groups, ContentHash& hash) const;
  void write_list(const NamedList& list, const Groups& groups, ContentHash& hash);
  void write_manifest(const std::string& source_json) const;
};

DatasetWriter::DatasetWriter(const DatasetOptions& options) : state_(std::make_unique<State>(options)) {}
DatasetWriter::~DatasetWriter() = default;

std::int32_t DatasetWriter::add_image(const std::string& name) {
  state_->images.push_back(name);
  return static_cast<std::int32_t>(state_->images.size()) - 1;
}

void DatasetWriter::add(std::span<const PatchRecord> records, PatchView patches) {
  if (patches.count != static_cast<std::int64_t>(records.size())) {
    throw InvalidArgument(fmt::format("{} records for {} patches", records.size(), patches.count));
  }
  if (patches.count > 0 && (patches.height != kSide || patches.width != kSide || patches.type != PixelType::u8)) {
    throw ShapeError(
        fmt::format("a dataset's patches are 64x64 of 8 bits, found {}x{}", patches.width, patches.height));
  }
  const auto* pixels = static_cast<const std::uint8_t*>(patches.pixels);
  for (std::int64_t i = 0; i < patches.count; ++i) {
    const auto patch = std::span(pixels + i * kPatchBytes, kPatchBytes);
    const PatchRecord& record = records[static_cast<std::size_t>(i)];
    if (record.image < 0 || record.image >= static_cast<std::int32_t>(state_->images.size())) {
      throw InvalidArgument(fmt::format("a record names image {} of {}", record.image, state_->images.size()));
    }
    if (dataset::contrast(patch.data()) < state_->options.min_contrast) {
      ++state_->summary.dropped_flat;
      continue;
    }
    state_->raw->write(std::as_bytes(patch));
    state_->records.push_back(record);
  }
}

/// Rows of the raw file in the order of the dataset: sorted by point, then image; single ones and those beyond
/// max_views left out.
std::vector<std::int64_t> DatasetWriter::State::choose_patches() {
  std::vector<std::int64_t> rows(records.size());
  std::iota(rows.begin(), rows.end(), 0);
  std::stable_sort(rows.begin(), rows.end(), [&](std::int64_t a, std::int64_t b) {
    const PatchRecord& left = records[static_cast<std::size_t>(a)];
    const PatchRecord& right = records[static_cast<std::size_t>(b)];
    return std::pair(left.point, left.image) < std::pair(right.point, right.image);
  });
  Random random = Random::part(options.seed, "views");
  std::vector<std::int64_t> chosen;
  for (std::size_t begin = 0, end = 0; begin < rows.size(); begin = end) {
    const std::int64_t point = records[static_cast<std::size_t>(rows[begin])].point;
    while (end < rows.size() && records[static_cast<std::size_t>(rows[end])].point == point) ++end;
    std::vector<std::int64_t> group(rows.begin() + static_cast<std::ptrdiff_t>(begin),
                                    rows.begin() + static_cast<std::ptrdiff_t>(end));
    if (group.size() < 2) {
      ++summary.dropped_single;
      continue;
    }
    const auto most = static_cast<std::size_t>(options.max_views);
    if (most > 0 && group.size() > most) {
      summary.dropped_views += static_cast<std::int64_t>(group.size() - most);
      random.shuffle(group);
      group.resize(most);
      std::sort(group.begin(), group.end(), [&](std::int64_t a, std::int64_t b) {
        return std::pair(records[static_cast<std::size_t>(a)].image, a) <
               std::pair(records[static_cast<std::size_t>(b)].image, b);
      });
    }
    chosen.insert(chosen.end(), group.begin(), group.end());
  }
  return chosen;
}

Groups DatasetWriter::State::group(std::span<const PatchRecord> chosen) const {
  Groups groups{chosen, {}, options.extent};
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    if (i == 0 || chosen[i].point != chosen[i - 1].point) groups.begins.push_back(static_cast<std::int64_t>(i));
  }
  groups.begins.push_back(static_cast<std::int64_t>(chosen.size()));
  return groups;
}

/// The chosen patches in their order, on the disk: a dataset may be larger than memory.
PatchSet DatasetWriter::State::gather(const std::vector<std::int64_t>& rows) {
  raw->commit();
  raw.reset();
  const auto raw_path = folder.path() / kRawName;
  const auto sorted_path = folder.path() / "patches.sorted";
  {
    const MappedFile source(raw_path);
    AtomicFile sorted(sorted_path);
    for (const std::int64_t row : rows) {
      sorted.write(source.bytes().subspan(static_cast<std::size_t>(row * kPatchBytes), kPatchBytes));
    }
    sorted.commit();
  }
  std::filesystem::remove(raw_path);
  auto mapping = std::make_shared<const MappedFile>(sorted_path);
  const PatchView view{PixelType::u8, mapping->bytes().data(), static_cast<std::int64_t>(rows.size()), kSide, kSide};
  std::filesystem::remove(sorted_path);  // the mapping keeps it alive
  return {view, mapping, mapping};
}

std::vector<NamedList> DatasetWriter::State::draw_lists(const Groups& groups, PatchView patches,
                                                        ThreadPool& pool) const {
  std::vector<NamedList> lists;
  std::vector<std::int64_t> sizes = options.list_sizes;
  std::sort(sizes.begin(), sizes.end());
  for (const std::int64_t size : sizes) {
    Random random = Random::part(options.seed, fmt::format("m50 {}", size));
    NamedList list;
    list.matches = sample_matches(groups, size, random);
    list.non_matches = draw_non_matches(groups, static_cast<std::int64_t>(list.matches.size()), random);
    const std::size_t length = std::min(list.matches.size(), list.non_matches.size());
    if (length == 0) continue;
    list.matches.resize(length);  // balanced
    list.non_matches.resize(length);
    list.name = fmt::format("m50_{0}_{0}_0.txt", length);
    if (lists.empty() || lists.back().name != list.name) lists.push_back(std::move(list));
  }
  if (options.hard_pairs > 0) {
    Random random = Random::part(options.seed, "hard");
    const auto histograms = dataset::gradient_histograms(patches, pool);
    auto hard = draw_hard_pairs(groups, histograms, options.hard_pairs, random);
    if (!hard.matches.empty()) {
      auto name = fmt::format("hard50_{0}_{0}_0.txt", hard.matches.size());
      lists.push_back({std::move(name), std::move(hard.matches), std::move(hard.non_matches)});
    }
  }
  return lists;
}

void DatasetWriter::State::write_sheets(PatchView patches, ThreadPool& pool, const RunControl& control) const {
  const std::int64_t sheets = ceil_divide(patches.count, kPerSheet);
  const auto* pixels = static_cast<const std::uint8_t*>(patches.pixels);
  control.begin("write", sheets, "sheets");
  pool.for_ranges(sheets, 1, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t sheet = begin; sheet < end; ++sheet) {
      control.check();
      GrayImage image(kSheetSide, kSheetSide);
      for (int y = 0; y < kSheetSide; ++y) std::memset(image.row(y), 0, kSheetSide);
      const std::int64_t count = std::min(kPerSheet, patches.count - sheet * kPerSheet);
      for (std::int64_t i = 0; i < count; ++i) {
        const std::uint8_t* patch = pixels + (sheet * kPerSheet + i) * kPatchBytes;
        const auto left = static_cast<int>(i % kSheetPatches) * kSide;
        const auto top = static_cast<int>(i / kSheetPatches) * kSide;
        for (int y = 0; y < kSide; ++y) std::memcpy(image.row(top + y) + left, patch + y * kSide, kSide);
      }
      write_image(folder.path() / fmt::format("patches{:04}.png", sheet), image);
      control.advance(1);
    }
  });
  control.end();
}

void DatasetWriter::State::write_tables(const Groups& groups, ContentHash& hash) const {
  fmt::memory_buffer info;
  fmt::memory_buffer interest;
  for (std::int64_t g = 0; g < groups.size(); ++g) {
    for (std::int64_t i = groups.begins[g]; i < groups.begins[g + 1]; ++i) {
      const PatchRecord& record = groups.records[static_cast<std::size_t>(i)];
      const Keypoint& k = record.keypoint;
      fmt::format_to(std::back_inserter(info), "{} {}\n", g, record.image);
      fmt::format_to(std::back_inserter(interest), "{} {:.3f} {:.3f} {:.5f} {:.5f}\n", record.image, k.x, k.y, k.angle,
                     std::log2(k.sigma));
    }
  }
  fmt::memory_buffer names;
  for (std::size_t i = 0; i < images.size(); ++i) {
    fmt::format_to(std::back_inserter(names), "{} {}\n", i, images[i]);
  }
  write_text(folder.path() / "info.txt", {info.data(), info.size()}, hash);
  write_text(folder.path() / "interest.txt", {interest.data(), interest.size()}, hash);
  write_text(folder.path() / "images.txt", {names.data(), names.size()}, hash);
}

void DatasetWriter::State::write_list(const NamedList& list, const Groups& groups, ContentHash& hash) {
  const auto group_of = [&](std::int32_t row) {
    return std::upper_bound(groups.begins.begin(), groups.begins.end(), row) - groups.begins.begin() - 1;
  };
  fmt::memory_buffer text;
  const auto line = [&](const IndexPair& pair) {
    fmt::format_to(std::back_inserter(text), "{} {} 0 {} {} 0 0\n", pair.left, group_of(pair.left), pair.right,
                   group_of(pair.right));
  };
  // Matches and non-matches by turns, so that any head of the list is balanced.
  for (std::size_t i = 0; i < list.matches.size(); ++i) {
    line(list.matches[i]);
    line(list.non_matches[i]);
  }
  write_text(folder.path() / list.name, {text.data(), text.size()}, hash);
  summary.lists.push_back(list.name);
}

void DatasetWriter::State::write_manifest(const std::string& source_json) const {
  nlohmann::ordered_json manifest;
  manifest["schema"] = "twinpatch.dataset/1";
  (void)parse_json(source_json, "source of the dataset");  // its refusal is ours, nlohmann's is not
  manifest["source"] = nlohmann::ordered_json::parse(source_json);
  manifest["options"] = {{"seed", options.seed},
                         {"patch_extent", options.extent},
                         {"upright", options.upright},
                         {"min_contrast", options.min_contrast},
                         {"max_views", options.max_views},
                         {"list_sizes", options.list_sizes},
                         {"hard_pairs", options.hard_pairs}};
  manifest["counts"] = {{"patches", summary.patches},
                        {"points", summary.points},
                        {"images", summary.images},
                        {"matching_pairs", summary.matching_pairs},
                        {"dropped_flat_patches", summary.dropped_flat},
                        {"dropped_single_points", summary.dropped_single},
                        {"dropped_views", summary.dropped_views}};
  manifest["lists"] = summary.lists;
  manifest["content_hash"] = summary.content_hash;
  AtomicFile file(folder.path() / "manifest.json");
  file.write(manifest.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
  file.commit();
}

DatasetSummary DatasetWriter::finish(const std::string& source_json, ThreadPool& pool, const RunControl& control) {
  State& s = *state_;
  const std::vector<std::int64_t> rows = s.choose_patches();
  std::vector<PatchRecord> chosen;
  chosen.reserve(rows.size());
  for (const std::int64_t row : rows) chosen.push_back(s.records[static_cast<std::size_t>(row)]);
  const Groups groups = s.group(chosen);
  s.summary.patches = static_cast<std::int64_t>(chosen.size());
  s.summary.points = groups.size();
  s.summary.images = static_cast<std::int64_t>(s.images.size());
  if (groups.size() < 2) {
    throw Error(
        fmt::format("{}: cannot make pairs: {} points with two patches or more, at least 2 are needed "
                    "({} points had only one patch, {} patches had no contrast)",
                    s.options.folder.string(), groups.size(), s.summary.dropped_single, s.summary.dropped_flat));
  }
  if (s.summary.patches > std::numeric_limits<std::int32_t>::max()) {
    throw InvalidArgument(fmt::format("{} patches are too many for a pair list", s.summary.patches));
  }
  s.summary.matching_pairs = count_matches(groups);

  const PatchSet patches = s.gather(rows);
  ContentHash hash;
  const auto* pixels = static_cast<const char*>(patches.view().pixels);
  hash.add({pixels, static_cast<std::size_t>(patches.size() * kPatchBytes)});
  s.write_sheets(patches.view(), pool, control);
  s.write_tables(groups, hash);
  for (const NamedList& list : s.draw_lists(groups, patches.view(), pool)) s.write_list(list, groups, hash);
  s.summary.content_hash = hash.text();
  s.write_manifest(source_json);
  s.folder.commit();
  return s.summary;
}

}  // namespace twinpatch
