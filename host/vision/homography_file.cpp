// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <string_view>

#include "twinpatch/core/file.hpp"
#include "twinpatch/formats/json.hpp"
#include "twinpatch/vision/homography.hpp"

// OpenCV's own reader is not asked: it follows whatever structure a file claims to have, and crashes or never returns
// on some. Of OpenCV's files nothing is wanted but the nine numbers of one matrix.

namespace twinpatch {
namespace {

constexpr std::size_t kMostBytes = 1 << 20;  // OpenCV writes 300; some add their camera's calibration

class HomographyReader {
 public:
  HomographyReader(std::string_view text, std::string path) : text_(text), path_(std::move(path)) {}

  Homography read() const {
    const std::size_t start = std::min(text_.find_first_not_of(" \t\r\n"), text_.size());
    const std::string_view content = text_.substr(start);
    if (content.starts_with("\x1f\x8b")) fail(0, "compressed by gzip; unpack it first");
    if (content.starts_with('<')) return read_marked("\"opencv-matrix\"", {"<rows>", "<cols>", "<dt>", "<data>"}, "<");
    if (content.starts_with("%YAML")) return read_marked("!!opencv-matrix", {"rows:", "cols:", "dt:", "data:"}, "\n");
    if (content.starts_with('{')) return read_json();
    return numbers(text_);
  }

  [[noreturn]] void fail(std::size_t offset, std::string_view what) const {
    throw FormatError(path_, static_cast<std::int64_t>(offset), what);
  }

 private:
  struct Names {
    std::string_view rows;
    std::string_view columns;
    std::string_view type;
    std::string_view data;
  };

  [[nodiscard]] std::size_t offset_of(std::string_view part) const {
    return static_cast<std::size_t>(part.data() - text_.data());
  }

  /// What follows `name` up to `end`, without blanks and quotes; empty where there is no such name.
  static std::string_view field(std::string_view matrix, std::string_view name, std::string_view end) {
    const std::size_t at = matrix.find(name);
    if (at == std::string_view::npos) return {};
    const std::string_view rest = matrix.substr(at + name.size());
    const std::string_view value = rest.substr(0, rest.find(end));
    const std::size_t first = value.find_first_not_of(" \t\r\n\"");
    if (first == std::string_view::npos) return {};
    return value.substr(first, value.find_last_not_of(" \t\r\n\"") - first + 1);
  }

  /// One channel of numbers: "d", "1f", but not "3d".
  static bool is_single(std::string_view type) { return type.size() == 1 || (type.size() == 2 && type[0] == '1'); }

  /// The one 3×3 matrix of an XML or a YAML file, whatever its name: each begins with `mark`.
  [[nodiscard]] Homography read_marked(std::string_view mark, const Names& names, std::string_view line_end) const {
    std::optional<Homography> found;
    for (std::size_t at = text_.find(mark); at != std::string_view::npos;) {
      const std::size_t next = text_.find(mark, at + mark.size());
      const std::string_view matrix = text_.substr(at, next - at);
      at = next;
      if (field(matrix, names.rows, line_end) != "3" || field(matrix, names.columns, line_end) != "3") continue;
      if (!is_single(field(matrix, names.type, line_end))) continue;
      if (found) fail(offset_of(matrix), "expected one 3x3 matrix, found several");
      found = numbers(field(matrix, names.data, line_end == "<" ? "<" : "]"));
    }
    return found ? *found : no_matrix();
  }

  [[nodiscard]] Homography read_json() const {
    std::optional<Homography> found;
    const JsonValue whole = parse_json(text_, path_);
    for (const auto& [name, matrix] : whole.members()) {
      if (!is_matrix(matrix)) continue;
      if (found) matrix.fail("expected one 3x3 matrix, found several");
      const auto& data = matrix.at("data").list();
      if (data.size() != 9) matrix.fail(fmt::format("expected nine numbers, found {}", data.size()));
      found.emplace();
      std::ranges::transform(data, found->begin(), &JsonValue::number);
    }
    return found ? *found : no_matrix();
  }

  static bool is_matrix(const JsonValue& value) {
    const auto is_three = [&](const char* name) {
      const JsonValue* size = value.find(name);
      return size != nullptr && size->is_integer() && size->number() == 3;
    };
    if (!value.is_object() || !is_three("rows") || !is_three("cols")) return false;
    const JsonValue* type = value.find("dt");
    return type == nullptr || (type->is_text() && is_single(type->text()));
  }

  [[noreturn]] Homography no_matrix() const { fail(0, "expected a 3x3 matrix of one channel, found none"); }

  /// Nine numbers apart by blanks, commas, semicolons or brackets; '#' begins a comment.
  [[nodiscard]] Homography numbers(std::string_view part) const {
    constexpr std::string_view kSeparators = " \t\r\n,;[]";
    Homography homography{};
    std::size_t found = 0;
    for (std::size_t at = 0; (at = part.find_first_not_of(kSeparators, at)) < part.size();) {
      if (part[at] == '#') {
        at = std::min(part.find('\n', at), part.size());
        continue;
      }
      const std::size_t end = std::min(part.find_first_of(kSeparators, at), part.size());
      std::string_view word = part.substr(at, end - at);
      const std::size_t offset = offset_of(word);
      if (word.starts_with('+')) word.remove_prefix(1);
      double value = 0;
      const auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), value);
      if (error != std::errc() || stop != word.data() + word.size()) {
        fail(offset, fmt::format("expected nine numbers, found '{:.40}'", word));
      }
      if (found == 9) fail(offset, "expected nine numbers, found more");
      homography[found++] = value;
      at = end;
    }
    if (found != 9)
      fail(part.empty() ? 0 : offset_of(part) + part.size(), fmt::format("expected nine numbers, found {}", found));
    return homography;
  }

  std::string_view text_;
  std::string path_;
};

}  // namespace

Homography read_homography(const std::filesystem::path& path) {
  const MappedFile file(path);
  const std::string_view whole(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  const std::string_view text = without_byte_order_mark(whole, path.string());
  const HomographyReader reader(text, path.string());
  if (text.size() > kMostBytes)
    reader.fail(0, fmt::format("at most {} bytes are read, found {}", kMostBytes, text.size()));
  const Homography homography = reader.read();
  if (!std::ranges::all_of(homography, [](double value) { return std::isfinite(value); })) {
    reader.fail(0, "expected finite numbers");
  }
  if (determinant(homography) == 0) {
    reader.fail(0, "the matrix is singular: it maps the image onto a line or a point");
  }
  return homography;
}

}  // namespace twinpatch
