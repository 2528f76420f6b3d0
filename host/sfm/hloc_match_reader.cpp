// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "hloc_hdf5.hpp"
#include "twinpatch/sfm/hloc_matches.hpp"

namespace twinpatch {
namespace {

struct Place {
  std::string group;
  bool reversed = false;
};

/// Keys in the order in which hloc asks for them.
std::array<Place, 4> places_of(const std::string& first, const std::string& second) {
  const auto joined = [](std::string key) {
    std::ranges::replace(key, '/', '_');
    return key;
  };
  const std::string straight = hloc_pair_key(first, second);
  const std::string reversed = hloc_pair_key(second, first);
  return {{{straight, false}, {reversed, true}, {joined(straight), false}, {joined(reversed), true}}};
}

std::vector<Match> matches_in(const hdf5::Reader& reader, const Place& place) {
  const std::string index_place = place.group + "/matches0";
  const std::string score_place = place.group + "/matching_scores0";
  const auto indices = reader.numbers(index_place, true);
  if (indices.shape.size() != 1) {
    reader.fail(index_place, fmt::format("expected shape [N], found {}", indices.shape_text()));
  }
  hdf5::Numbers scores;
  if (reader.has(score_place)) {
    scores = reader.numbers(score_place);
    if (scores.shape != indices.shape) {
      reader.fail(score_place, fmt::format("expected shape {}, found {}", indices.shape_text(), scores.shape_text()));
    }
  }
  std::vector<Match> matches;
  for (std::size_t i = 0; i < indices.values.size(); ++i) {
    const float index = indices.values[i];
    if (index == -1) continue;
    // Floats hold whole numbers up to 2^24.
    if (!(index >= 0 && index < 16'777'216)) {
      reader.fail(index_place, fmt::format("expected an index or -1, found {} at {}", index, i));
    }
    const auto here = static_cast<std::int32_t>(i);
    const auto there = static_cast<std::int32_t>(index);
    const float score = scores.values.empty() ? 0.0F : scores.values[i];
    matches.push_back(place.reversed ? Match{there, here, score} : Match{here, there, score});
  }
  if (place.reversed) std::ranges::sort(matches, {}, &Match::left);
  return matches;
}

}  // namespace

std::optional<std::vector<Match>> read_hloc_matches(const std::filesystem::path& path, const std::string& first,
                                                    const std::string& second) {
  const hdf5::Access access;
  const auto file = hdf5::open_file(path);
  const hdf5::Reader reader(file.get(), path);
  for (const auto& place : places_of(first, second)) {
    if (reader.has(place.group + "/matches0")) return matches_in(reader, place);
  }
  return std::nullopt;
}

}  // namespace twinpatch
