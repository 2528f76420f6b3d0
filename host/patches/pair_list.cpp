// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/patches/pair_list.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <limits>
#include <string_view>

#include "twinpatch/core/file.hpp"
#include "twinpatch/formats/npy.hpp"

namespace twinpatch {

namespace {

/// Lines of integers between spaces. Hundreds of thousands of lines are read at memory's speed: nothing is copied.
class IntegerLines {
 public:
  static constexpr std::size_t kMost = 7;

  IntegerLines(std::string_view text, const std::string& path)
      : at_(text.data()), end_(text.data() + text.size()), path_(path) {}

  /// Reads the next line; false at the end of the text.
  bool next() {
    if (at_ == end_) return false;
    ++line_;
    count_ = 0;
    for (;;) {
      while (at_ != end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\r')) ++at_;
      if (at_ == end_) return true;
      if (*at_ == '\n') {
        ++at_;
        return true;
      }
      if (count_ == kMost) fail(fmt::format("expected at most {} integers per line", kMost));
      read_integer();
    }
  }

  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] std::int64_t operator[](std::size_t i) const { return values_[i]; }
  [[nodiscard]] bool at_end() const noexcept { return at_ == end_; }

  /// Value i, an index of a patch.
  [[nodiscard]] std::int32_t index(std::size_t i) const {
    if (values_[i] < 0 || values_[i] > std::numeric_limits<std::int32_t>::max()) {
      fail(fmt::format("expected the index of a patch, found {}", values_[i]));
    }
    return static_cast<std::int32_t>(values_[i]);
  }

  [[noreturn]] void fail(std::string_view what) const {
    throw FormatError(path_, -1, fmt::format("line {}: {}", line_, what));
  }

 private:
  void read_integer() {
    const auto [stop, status] = std::from_chars(at_, end_, values_[count_]);
    const bool ended = stop == end_ || *stop == ' ' || *stop == '\t' || *stop == '\r' || *stop == '\n';
    if (status != std::errc() || !ended) {
      const char* const word = std::find_if(at_, end_, [](char c) { return c == ' ' || c == '\n' || c == '\r'; });
      fail(fmt::format("expected an integer, found \"{}\"", std::string_view(at_, word).substr(0, 40)));
    }
    at_ = stop;
    ++count_;
  }

  const char* at_;
  const char* end_;
  const std::string& path_;
  std::int64_t line_ = 0;
  std::array<std::int64_t, kMost> values_{};
  std::size_t count_ = 0;
};

PairList pairs_of_array(const NpyArray& array) {
  if (array.shape().size() != 2 || array.shape()[1] != 2) {
    throw FormatError(array.path(), -1,
                      fmt::format("expected pairs of shape [M, 2], found [{}]", fmt::join(array.shape(), ", ")));
  }
  PairList list;
  list.path = array.path();
  list.pairs.resize(static_cast<std::size_t>(array.shape()[0]));
  if (list.pairs.empty()) return list;
  if (array.type() != NpyType::i64) {
    const auto values = array.values<std::int32_t>();  // refuses other types, by name
    std::memcpy(static_cast<void*>(list.pairs.data()), values.data(), values.size_bytes());
    return list;
  }
  const auto values = array.values<std::int64_t>();
  const auto narrow = [&](std::size_t i) {
    if (values[i] < std::numeric_limits<std::int32_t>::min() || values[i] > std::numeric_limits<std::int32_t>::max()) {
      throw FormatError(array.path(), -1, fmt::format("pair {}: the index {} does not fit 32 bits", i / 2, values[i]));
    }
    return static_cast<std::int32_t>(values[i]);
  };
  for (std::size_t i = 0; i < list.pairs.size(); ++i) list.pairs[i] = {narrow(2 * i), narrow(2 * i + 1)};
  return list;
}

PairList pairs_of_text(std::string_view text, const std::string& path) {
  PairList list;
  list.path = path;
  const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n')) + 1;
  list.pairs.reserve(lines);
  list.matches.reserve(lines);
  IntegerLines line(text, path);
  while (line.next()) {
    if (line.count() == 0) continue;
    if (line.count() < 6) {
      line.fail(
          fmt::format("expected six or seven integers (patch1 point1 0 patch2 point2 0), found {}", line.count()));
    }
    list.pairs.push_back({line.index(0), line.index(3)});
    list.matches.push_back(line[1] == line[4] ? 1 : 0);
  }
  return list;
}

/// A mapped file's text; lists of pairs may be too large for a copy.
std::string_view text_of(const MappedFile& file, const std::string& path) {
  return without_byte_order_mark({reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()}, path);
}

}  // namespace

PairList read_pair_list(const std::filesystem::path& path) {
  if (path.extension() == ".npy") return pairs_of_array(read_npy(path));
  const MappedFile file(path);
  const std::string_view text = text_of(file, path.string());
  if (text.starts_with("\x93NUMPY")) return pairs_of_array(read_npy(path));
  return pairs_of_text(text, path.string());
}

void check_pairs(std::span<const IndexPair> pairs, std::int64_t left_count, std::int64_t right_count,
                 const std::string& path) {
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const IndexPair pair = pairs[i];
    const bool left_good = pair.left >= 0 && pair.left < left_count;
    if (left_good && pair.right >= 0 && pair.right < right_count) continue;
    throw InvalidArgument(fmt::format("{}: pair {} ({}, {}): expected a {} patch in [0, {}), found {}", path, i,
                                      pair.left, pair.right, left_good ? "right" : "left",
                                      left_good ? right_count : left_count, left_good ? pair.right : pair.left));
  }
}

std::vector<std::int64_t> read_photo_tour_info(const std::filesystem::path& path) {
  const MappedFile file(path);
  const std::string name = path.string();
  std::vector<std::int64_t> points;
  IntegerLines line(text_of(file, name), name);
  while (line.next()) {
    if (line.count() == 0 && line.at_end()) break;
    // The number of a line is the index of its patch: an empty one cannot be skipped.
    if (line.count() != 2) line.fail(fmt::format("expected two integers (point 0), found {}", line.count()));
    points.push_back(line[0]);
  }
  return points;
}

std::filesystem::path default_pair_list(const std::filesystem::path& folder) {
  std::error_code failure;
  std::filesystem::directory_iterator entries(folder, failure);
  if (failure) throw IoError(folder.string(), "cannot list the folder", failure.value());
  std::filesystem::path best;
  std::uintmax_t best_size = 0;
  for (const auto& entry : entries) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("m50_") || !name.ends_with(".txt") || !entry.is_regular_file(failure)) continue;
    const std::uintmax_t size = entry.file_size(failure);
    if (failure) continue;
    if (best.empty() || size > best_size || (size == best_size && entry.path() < best)) {
      best = entry.path();
      best_size = size;
    }
  }
  if (best.empty()) throw IoError(folder.string(), "expected a pair list m50_*.txt in the folder, found none");
  return best;
}

}  // namespace twinpatch
