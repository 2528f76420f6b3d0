// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "patch_cache.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <vector>

#include "twinpatch/core/error.hpp"
#include "twinpatch/core/file.hpp"
#include "twinpatch/vision/image.hpp"
#include "twinpatch/vision/patch_collections.hpp"

namespace twinpatch::train {
namespace {

constexpr int kSide = 64;
constexpr int kPerSheetSide = 16;
constexpr int kPerSheet = kPerSheetSide * kPerSheetSide;
constexpr std::uint64_t kHashStart = 0xcbf29ce484222325ULL;

/// FNV-1a by words of eight bytes: a name, not a signature.
void hash_bytes(std::uint64_t& hash, std::span<const std::byte> bytes) {
  std::size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + i, 8);
    hash = (hash ^ word) * 0x100000001b3ULL;
    hash ^= hash >> 29;
  }
  for (; i < bytes.size(); ++i) hash = (hash ^ static_cast<std::uint64_t>(bytes[i])) * 0x100000001b3ULL;
}

/// The file of `count` patches under the name of `hash`, written by `write` where it is missing or cut short.
PatchSet open_cached(const std::filesystem::path& cache, std::uint64_t hash, std::int64_t count,
                     const std::function<void(AtomicFile&)>& write) {
  const auto path = cache / fmt::format("patches-{:016x}.u8", hash);
  const std::int64_t bytes = count * kSide * kSide;
  if (!std::filesystem::exists(path) || static_cast<std::int64_t>(std::filesystem::file_size(path)) != bytes) {
    std::error_code ignored;  // the file that follows says what is wrong with the folder
    std::filesystem::create_directories(cache, ignored);
    AtomicFile file(path);
    write(file);
    file.commit();
  }
  auto mapping = std::make_shared<const MappedFile>(path);
  const PatchView view{PixelType::u8, mapping->bytes().data(), count, kSide, kSide};
  return {view, mapping, mapping};
}

void append_sheet(AtomicFile& file, const std::filesystem::path& path, std::int64_t patches) {
  const GrayImage sheet = read_image(path);
  if (sheet.width() != kSide * kPerSheetSide || sheet.height() != kSide * kPerSheetSide)
    throw FormatError(
        path.string(), 0,
        fmt::format("a sheet of patches is 1024 by 1024, this is {} by {}", sheet.width(), sheet.height()));
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(patches) * kSide * kSide);
  for (std::int64_t i = 0; i < patches; ++i)
    for (int y = 0; y < kSide; ++y)
      std::memcpy(pixels.data() + (i * kSide + y) * kSide,
                  sheet.row(static_cast<int>(i / kPerSheetSide) * kSide + y) + (i % kPerSheetSide) * kSide, kSide);
  file.write(std::as_bytes(std::span(pixels)));
}

}  // namespace

PatchSet open_sheets(const std::filesystem::path& folder, std::int64_t count, const std::filesystem::path& cache) {
  const auto sheets = photo_tour_sheets(folder);
  if (static_cast<std::int64_t>(sheets.size()) * kPerSheet < count)
    throw FormatError((folder / "info.txt").string(), 0,
                      fmt::format("{} lines, but the folder's {} sheets hold {} patches at most", count, sheets.size(),
                                  sheets.size() * kPerSheet));
  std::uint64_t hash = kHashStart ^ static_cast<std::uint64_t>(count);
  for (const auto& sheet : sheets) hash_bytes(hash, MappedFile(sheet).bytes());

  return open_cached(cache, hash, count, [&](AtomicFile& file) {
    for (std::int64_t done = 0; done < count; done += kPerSheet)
      append_sheet(file, sheets[static_cast<std::size_t>(done / kPerSheet)],
                   std::min<std::int64_t>(kPerSheet, count - done));
  });
}

StripPatches open_strips(const std::filesystem::path& folder, const std::filesystem::path& cache) {
  StripPatches strips;
  std::uint64_t hash = kHashStart;
  std::int64_t first_point = 0, image = 0;
  const auto sequences = hpatches_sequences(folder);
  for (const auto& path : sequences) {
    const HPatchesSequence sequence = read_hpatches_sequence(path);
    const std::int64_t rows = sequence.patches.front().size();
    for (const PatchSet& strip : sequence.patches) {
      const PatchView view = strip.view();
      hash_bytes(hash,
                 {static_cast<const std::byte*>(view.pixels), static_cast<std::size_t>(rows * view.patch_bytes())});
      for (std::int64_t row = 0; row < rows; ++row) strips.points.push_back(first_point + row);
      strips.images.insert(strips.images.end(), static_cast<std::size_t>(rows), image);
      ++image;
    }
    first_point += rows;
  }
  strips.patches = open_cached(cache, hash, std::ssize(strips.points), [&](AtomicFile& file) {
    for (const auto& path : sequences) {
      for (const PatchSet& strip : read_hpatches_sequence(path).patches) {
        const PatchSet reduced = resize_patches(strip.view(), kSide);
        const PatchView view = reduced.view();
        file.write(
            {static_cast<const std::byte*>(view.pixels), static_cast<std::size_t>(view.count * view.patch_bytes())});
      }
    }
  });
  return strips;
}

}  // namespace twinpatch::train
