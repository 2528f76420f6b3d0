// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <unordered_set>

#include "twinpatch/core/file.hpp"
#include "twinpatch/sfm/openmvg.hpp"

namespace twinpatch {
namespace {

/// OpenMVG's binary form is cereal's portable one: a byte that says little-endian, then the map: its size (8 bytes),
/// and for each pair two ids (4 bytes each), the number of matches (8), the matches (two times 4).
constexpr std::byte kLittleEndian{1};
constexpr std::int64_t kMapSizeAt = 1;

struct ViewMatch {
  std::uint32_t first = 0;
  std::uint32_t second = 0;
};
static_assert(sizeof(ViewMatch) == 8);

bool is_binary(const std::filesystem::path& path) {
  if (path.extension() == ".bin") return true;
  if (path.extension() == ".txt") return false;
  throw InvalidArgument(fmt::format("{}: a match file of OpenMVG must end in .txt or .bin", path.string()));
}

}  // namespace

struct OpenMvgMatchWriter::State {
  State(const std::filesystem::path& path, std::vector<std::uint32_t> view_ids, std::vector<std::int64_t> image_counts)
      : binary(is_binary(path)), ids(std::move(view_ids)), counts(std::move(image_counts)), output(path) {
    if (ids.size() != counts.size()) {
      throw InvalidArgument(fmt::format("{} views, but {} keypoint counts", ids.size(), counts.size()));
    }
    std::unordered_set<std::uint32_t> seen;
    for (const std::uint32_t id : ids) {
      if (!seen.insert(id).second) throw InvalidArgument(fmt::format("duplicate view id {}", id));
    }
    if (!binary) return;
    output.write(std::span(&kLittleEndian, 1));
    write_value(std::uint64_t{0});  // known at the end
  }

  template <class T>
  void write_value(const T& value) {
    output.write(std::as_bytes(std::span(&value, 1)));
  }

  void check(ImagePair pair, std::span<const Match> matches) const {
    for (const std::int32_t image : {pair.first, pair.second}) {
      if (image >= 0 && static_cast<std::size_t>(image) < ids.size()) continue;
      throw InvalidArgument(fmt::format("image index {} of a pair is outside [0, {})", image, ids.size()));
    }
    if (pair.first == pair.second)
      throw InvalidArgument(fmt::format("view {} is paired with itself", id_of(pair.first)));
    for (const auto& match : matches) {
      if (match.left >= 0 && match.right >= 0 && match.left < count_of(pair.first) &&
          match.right < count_of(pair.second)) {
        continue;
      }
      throw InvalidArgument(fmt::format("views {} and {}: match ({}, {}) is out of range: {} and {} keypoints",
                                        id_of(pair.first), id_of(pair.second), match.left, match.right,
                                        count_of(pair.first), count_of(pair.second)));
    }
  }

  void write(std::uint32_t first, std::uint32_t second, std::span<const ViewMatch> matches) {
    const std::uint64_t count = matches.size();
    ++pairs;
    if (binary) {
      write_value(ViewMatch{first, second});
      write_value(count);
      output.write(std::as_bytes(matches));
      return;
    }
    fmt::memory_buffer text;
    fmt::format_to(std::back_inserter(text), "{} {}\n{}\n", first, second, count);
    for (const auto& match : matches) fmt::format_to(std::back_inserter(text), "{} {}\n", match.first, match.second);
    output.write(std::string_view(text.data(), text.size()));
  }

  std::uint32_t id_of(std::int32_t image) const { return ids[static_cast<std::size_t>(image)]; }
  std::int64_t count_of(std::int32_t image) const { return counts[static_cast<std::size_t>(image)]; }

  bool binary;
  std::vector<std::uint32_t> ids;
  std::vector<std::int64_t> counts;
  AtomicFile output;
  std::unordered_set<std::uint64_t> written;  ///< both ids of a pair, the lower one on top
  std::uint64_t pairs = 0;
};

OpenMvgMatchWriter::OpenMvgMatchWriter(const std::filesystem::path& path, std::vector<std::uint32_t> view_ids,
                                       std::vector<std::int64_t> keypoint_counts)
    : state_(std::make_unique<State>(path, std::move(view_ids), std::move(keypoint_counts))) {}
OpenMvgMatchWriter::~OpenMvgMatchWriter() = default;
OpenMvgMatchWriter::OpenMvgMatchWriter(OpenMvgMatchWriter&&) noexcept = default;
OpenMvgMatchWriter& OpenMvgMatchWriter::operator=(OpenMvgMatchWriter&&) noexcept = default;

void OpenMvgMatchWriter::write(ImagePair pair, std::span<const Match> matches) {
  State& state = *state_;
  state.check(pair, matches);
  const std::uint32_t first = state.id_of(pair.first);
  const std::uint32_t second = state.id_of(pair.second);
  const bool turned = first > second;
  const auto [low, high] = std::minmax(first, second);
  if (!state.written.insert((std::uint64_t{low} << 32) | high).second) {
    throw InvalidArgument(fmt::format("duplicate pair of views {} and {}", low, high));
  }
  if (matches.empty()) return;
  std::vector<ViewMatch> rows;
  rows.reserve(matches.size());
  for (const auto& match : matches) {
    const auto left = static_cast<std::uint32_t>(match.left);
    const auto right = static_cast<std::uint32_t>(match.right);
    rows.push_back(turned ? ViewMatch{right, left} : ViewMatch{left, right});
  }
  std::ranges::sort(rows, [](const ViewMatch& a, const ViewMatch& b) {
    return a.first != b.first ? a.first < b.first : a.second < b.second;
  });
  state.write(low, high, rows);
}

void OpenMvgMatchWriter::commit() {
  State& state = *state_;
  if (state.binary) state.output.write_at(kMapSizeAt, std::as_bytes(std::span(&state.pairs, 1)));
  state.output.commit();
}

std::int64_t OpenMvgMatchWriter::pairs() const { return static_cast<std::int64_t>(state_->pairs); }

}  // namespace twinpatch
