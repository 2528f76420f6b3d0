// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

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
      fail("expected 'x y sigma angle', or a first line 'COUNT 128'; two coordinates do not give the size of a patch");
    }
    if (*dimensions > kMostDimensions) {
      fail(fmt::format("descriptors of at most {} numbers are read, found {}", kMostDimensions, *dimensions));
    }
    count_ = count;
    dimensions_ = *dimensions;
  }

  Keypoint read_line() {
    const int words = lines_.words_left();
    const std::int64_t expected = 4 + dimensions_;
    if (count_ && words == 4 && dimensions_ > 0) {
      fail(
          fmt::format("expected {} numbers, found 4: descriptors on lines of their own (Lowe's 'row column' files) are "
                      "not read; COLMAP's 'x y sigma angle' and descriptor on one line are",
                      expected));
    }
    if (words != expected) fail(fmt::format("expected {} numbers, found {}", expected, words));
    Keypoint keypoint;
    for (float* const field : {&keypoint.x, &keypoint.y, &keypoint.sigma, &keypoint.angle}) {
      const std::string_view word = lines_.word();
      const auto value = parse<float>(word);
      if (!value) fail(fmt::format("expected a number, found '{}'", word));
      *field = *value;
    }
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
  std::optional<std::int64_t> count_;
  std::int64_t dimensions_ = 0;
};

std::vector<Keypoint> read_npy_keypoints(const std::filesystem::path& path) {
  const NpyArray array = read_npy(path);
  if (array.shape().size() != 2 || array.shape()[1] != 4) {
    throw FormatError(path.string(), 0,
                      fmt::format("expected keypoints [N, 4] (x, y, sigma, angle), found shape [{}]",
                                  fmt::join(array.shape(), ", ")));
  }
  const std::span<const float> values = array.values<float>();
  std::vector<Keypoint> keypoints;
  keypoints.reserve(values.size() / 4);
  for (std::size_t i = 0; i < values.size(); i += 4) {
    keypoints.push_back({values[i], values[i + 1], values[i + 2], values[i + 3], 0});
    if (const std::string what = fault(keypoints.back()); !what.empty()) {
      throw FormatError(path.string(), 0, fmt::format("keypoint {}: {}", i / 4, what));
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
  if (path.extension() == ".npy") {
    std::vector<float> values;
    values.reserve(keypoints.size() * 4);
    for (const Keypoint& keypoint : keypoints) {
      values.insert(values.end(), {keypoint.x, keypoint.y, keypoint.sigma, keypoint.angle});
    }
    write_npy<float>(path, values, {static_cast<std::int64_t>(keypoints.size()), 4});
    return;
  }
  AtomicFile file(path);
  std::string text;
  for (const Keypoint& keypoint : keypoints) {
    // The shortest digits that give the same floats back.
    fmt::format_to(std::back_inserter(text), "{} {} {} {}\n", keypoint.x, keypoint.y, keypoint.sigma, keypoint.angle);
  }
  file.write(text);
  file.commit();
}

}  // namespace twinpatch
