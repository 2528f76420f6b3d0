// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <iterator>
#include <optional>
#include <string_view>

#include "twinpatch/core/file.hpp"
#include "twinpatch/formats/npy.hpp"
#include "twinpatch/vision/keypoint.hpp"

namespace twinpatch {
namespace {

constexpr std::string_view kBlanks = " \t\r,";
constexpr std::int64_t kMostDimensions = 1 << 20;

/// The lines of a text that say something, with their number and place. '#' begins a comment.
class Lines {
 public:
  explicit Lines(std::string_view text) : text_(text) {}
  /// The next line's words; false at the end of the text.
  bool next() {
    while (next_begin_ < text_.size()) {
      begin_ = next_begin_;
      const std::size_t end = std::min(text_.find('\n', begin_), text_.size());
      next_begin_ = end + 1;
      ++number_;
      rest_ = text_.substr(begin_, end - begin_);
      rest_ = rest_.substr(0, rest_.find('#'));
      if (rest_.find_first_not_of(kBlanks) != std::string_view::npos) return true;
    }
    return false;
  }
  /// The next word of this line; empty at its end.
  std::string_view word() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(kBlanks), rest_.size()));
    const std::string_view found = rest_.substr(0, rest_.find_first_of(kBlanks));
    rest_.remove_prefix(found.size());
    return found;
  }
  [[nodiscard]] int words_left() const {
    Lines copy = *this;
    int count = 0;
    while (!copy.word().empty()) ++count;
    return count;
  }
  [[nodiscard]] std::int64_t begin() const { return static_cast<std::int64_t>(begin_); }
  [[nodiscard]] int number() const { return number_; }

 private:
  std::string_view text_;
  std::string_view rest_;
  std::size_t begin_ = 0;
  std::size_t next_begin_ = 0;
  int number_ = 0;
};

template <class Number>
std::optional<Number> parse(std::string_view word) {
  if (word.starts_with('+')) word.remove_prefix(1);
  Number value{};
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return value;
}

/// What is wrong with a keypoint; empty if nothing is.
std::string fault(const Keypoint& keypoint) {
  if (!std::isfinite(keypoint.x) || !std::isfinite(keypoint.y) || !std::isfinite(keypoint.angle)) {
    return "expected finite numbers";
  }
  if (!(keypoint.sigma > 0) || !std::isfinite(keypoint.sigma)) {
    return fmt::format("expected a positive sigma, found {}", keypoint.sigma);
  }
  return {};
}

/// Four numbers are x, y, sigma and angle; six x, y and the shape.
Keypoint keypoint_of_row(std::span<const float> row) {
  if (row.size() == 6) return keypoint_with_shape(row[0], row[1], {row[2], row[3], row[4], row[5]});
  return {row[0], row[1], row[2], row[3], 0};
}

/// Its numbers, four or six.
std::vector<float> row_of(const Keypoint& keypoint, bool with_shape) {
  if (!with_shape) return {keypoint.x, keypoint.y, keypoint.sigma, keypoint.angle};
  const AffineShape& shape = *keypoint.shape;
  return {keypoint.x, keypoint.y, shape.a11, shape.a12, shape.a21, shape.a22};
}

class TextReader {
 public:
  TextReader(std::string_view text, std::string path) : lines_(text), path_(std::move(path)) {}

  std::vector<Keypoint> read() {
    std::vector<Keypoint> keypoints;
    if (!lines_.next()) return keypoints;
    if (lines_.words_left() == 2) {
      read_header();
      if (!lines_.next()) return finish(std::move(keypoints));
    }
    do {
      keypoints.push_back(read_line());
    } while (lines_.next());
    return finish(std::move(keypoints));
  }

 private:
  [[noreturn]] void fail(std::string_view what) const {
    throw FormatError(path_, lines_.begin(), fmt::format("line {}: {}", lines_.number(), what));
  }

  void read_header() {
    const auto count = parse<std::int64_t>(lines_.word());
    const auto dimensions = parse<std::int64_t>(lines_.word());
    if (!count || !dimensions || *count < 0 || *dimensions < 0) {
      fail(
          "expected 'x y sigma angle' or 'x y a11 a12 a21 a22', or a first line 'COUNT 128'; two coordinates do not "
          "give the size of a patch");
    }
    if (*dimensions > kMostDimensions) {
      fail(fmt::format("descriptors of at most {} numbers are read, found {}", kMostDimensions, *dimensions));
    }
    count_ = count;
    dimensions_ = *dimensions;
  }

  Keypoint read_line() {
    const int words = lines_.words_left();
    if (!columns_ && !count_ && words != 4 && words != 6) {
      fail(fmt::format("expected 4 numbers (x y sigma angle) or 6 (x y a11 a12 a21 a22), found {}", words));
    }
    if (!columns_) columns_ = !count_ && words == 6 ? 6 : 4;
    const std::int64_t expected = *columns_ + dimensions_;
    if (count_ && words == 4 && dimensions_ > 0) {
      fail(
          fmt::format("expected {} numbers, found 4: descriptors on lines of their own (Lowe's 'row column' files) are "
                      "not read; COLMAP's 'x y sigma angle' and descriptor on one line are",
                      expected));
    }
    if (words != expected) fail(fmt::format("expected {} numbers, found {}", expected, words));
    std::array<float, 6> row{};
    for (int i = 0; i < *columns_; ++i) {
      const std::string_view word = lines_.word();
      const auto value = parse<float>(word);
      if (!value) fail(fmt::format("expected a number, found '{}'", word));
      row[static_cast<std::size_t>(i)] = *value;
    }
    const Keypoint keypoint = keypoint_of_row(std::span(row).first(static_cast<std::size_t>(*columns_)));
    if (const std::string what = fault(keypoint); !what.empty()) fail(what);
    return keypoint;
  }

  std::vector<Keypoint> finish(std::vector<Keypoint> keypoints) const {
    if (count_ && *count_ != static_cast<std::int64_t>(keypoints.size())) {
      fail(fmt::format("the first line announces {} keypoints, found {}", *count_, keypoints.size()));
    }
    return keypoints;
  }

  Lines lines_;
  std::string path_;
  std::optional<int> columns_;  ///< of a keypoint; the first one's hold for all
  std::optional<std::int64_t> count_;
  std::int64_t dimensions_ = 0;
};

std::vector<Keypoint> read_npy_keypoints(const std::filesystem::path& path) {
  const NpyArray array = read_npy(path);
  if (array.shape().size() != 2 || (array.shape()[1] != 4 && array.shape()[1] != 6)) {
    throw FormatError(
        path.string(), 0,
        fmt::format("expected keypoints [N, 4] (x, y, sigma, angle) or [N, 6] (x, y, a11, a12, a21, a22), found "
                    "shape [{}]",
                    fmt::join(array.shape(), ", ")));
  }
  const std::span<const float> values = array.values<float>();
  std::vector<Keypoint> keypoints;
  const auto columns = static_cast<std::size_t>(array.shape()[1]);
  keypoints.reserve(values.size() / columns);
  for (std::size_t i = 0; i < values.size(); i += columns) {
    keypoints.push_back(keypoint_of_row(values.subspan(i, columns)));
    if (const std::string what = fault(keypoints.back()); !what.empty()) {
      throw FormatError(path.string(), 0, fmt::format("keypoint {}: {}", i / columns, what));
    }
  }
  return keypoints;
}

}  // namespace

std::vector<Keypoint> read_keypoints(const std::filesystem::path& path) {
  if (path.extension() == ".npy") return read_npy_keypoints(path);
  const std::string text = read_text_file(path);
  return TextReader(text, path.string()).read();
}

std::string keypoint_place(const std::filesystem::path& path, std::int64_t keypoint) {
  if (path.extension() == ".npy") return fmt::format("row {}", keypoint);
  const std::string text = read_text_file(path);
  Lines lines(text);
  if (lines.next() && lines.words_left() == 2) (void)lines.next();  // past COLMAP's first line
  for (std::int64_t i = 0; i < keypoint; ++i) (void)lines.next();
  return fmt::format("line {}", lines.number());
}

void write_keypoints(const std::filesystem::path& path, const std::vector<Keypoint>& keypoints) {
  const bool shapes =
      !keypoints.empty() && std::ranges::all_of(keypoints, [](const Keypoint& k) { return k.shape.has_value(); });
  if (path.extension() == ".npy") {
    std::vector<float> values;
    values.reserve(keypoints.size() * 6);
    for (const Keypoint& keypoint : keypoints) std::ranges::copy(row_of(keypoint, shapes), std::back_inserter(values));
    write_npy<float>(path, values, {static_cast<std::int64_t>(keypoints.size()), shapes ? 6 : 4});
    return;
  }
  AtomicFile file(path);
  std::string text;
  for (const Keypoint& keypoint : keypoints) {
    // The shortest digits that give the same floats back.
    fmt::format_to(std::back_inserter(text), "{}\n", fmt::join(row_of(keypoint, shapes), " "));
  }
  file.write(text);
  file.commit();
}

}  // namespace twinpatch
