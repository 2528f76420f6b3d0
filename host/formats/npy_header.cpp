// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "npy_header.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>

namespace twinpatch {

namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
/// Headers of plain arrays are about 100 bytes; numpy itself refuses more than 10000.
constexpr std::int64_t kLongestHeader = 1 << 16;
constexpr std::size_t kMostDimensions = 32;  // numpy's own limit

struct TypeRow {
  NpyType type;
  std::string_view descr;
  std::string_view name;
  std::int64_t bytes;
};
constexpr std::array kTypes = {
    TypeRow{NpyType::u8, "|u1", "uint8", 1},    TypeRow{NpyType::i32, "<i4", "int32", 4},
    TypeRow{NpyType::i64, "<i8", "int64", 8},   TypeRow{NpyType::f32, "<f4", "float32", 4},
    TypeRow{NpyType::f64, "<f8", "float64", 8},
};

const TypeRow& type_row(NpyType type) { return kTypes.at(static_cast<std::size_t>(type)); }

/// Parses the header's dictionary: a Python literal {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), } with
/// its three keys in any order. Nothing else of Python is understood.
class DictionaryParser {
 public:
  DictionaryParser(std::string_view text, std::int64_t offset, const std::string& path)
      : text_(text), offset_(offset), path_(path) {}

  void parse() {
    expect('{');
    while (!accept('}')) {
      entry();
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_spaces();
    if (at_ != text_.size()) fail("unexpected text after the header's dictionary");
    if (!descr) fail("expected the key 'descr' in the header, found none");
    if (!fortran_order) fail("expected the key 'fortran_order' in the header, found none");
    if (!shape) fail("expected the key 'shape' in the header, found none");
  }

  [[noreturn]] void fail(std::string_view what) const {
    throw FormatError(path_, offset_ + static_cast<std::int64_t>(at_), what);
  }

  std::optional<std::string> descr;
  std::optional<bool> fortran_order;
  std::optional<std::vector<std::int64_t>> shape;

 private:
  void entry() {
    const std::string key = quoted();
    expect(':');
    if (key == "descr") {
      refuse_twice(descr.has_value(), key);
      skip_spaces();
      if (peek() == '[' || peek() == '(') fail("arrays of records are not supported");
      descr = quoted();
    } else if (key == "fortran_order") {
      refuse_twice(fortran_order.has_value(), key);
      fortran_order = boolean();
    } else if (key == "shape") {
      refuse_twice(shape.has_value(), key);
      shape = tuple();
    } else {
      fail(fmt::format("unknown key '{}' in the header", key));
    }
  }

  void refuse_twice(bool there, const std::string& key) const {
    if (there) fail(fmt::format("duplicate key '{}' in the header", key));
  }

  std::string quoted() {
    skip_spaces();
    const char quote = peek();
    if (quote != '\'' && quote != '"') fail("expected a quoted word in the header");
    const auto end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) fail("unterminated string in the header");
    std::string word(text_.substr(at_ + 1, end - at_ - 1));
    if (word.find('\\') != std::string::npos) fail("unexpected escape in the header");
    at_ = end + 1;
    return word;
  }

  bool boolean() {
    skip_spaces();
    for (const bool value : {true, false}) {
      const std::string_view word = value ? "True" : "False";
      if (text_.substr(at_).starts_with(word)) {
        at_ += word.size();
        return value;
      }
    }
    fail("expected True or False for 'fortran_order'");
  }

  std::vector<std::int64_t> tuple() {
    expect('(');
    std::vector<std::int64_t> values;
    while (!accept(')')) {
      if (values.size() == kMostDimensions) fail(fmt::format("more than {} dimensions", kMostDimensions));
      values.push_back(dimension());
      if (!accept(',')) {
        if (values.size() == 1) fail("expected a tuple for 'shape'");  // (3) is a number in Python
        expect(')');
        break;
      }
    }
    return values;
  }

  std::int64_t dimension() {
    skip_spaces();
    std::int64_t value = 0;
    const auto [stop, status] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (status != std::errc() || value < 0) fail("expected a dimension of 0 or more in 'shape'");
    at_ = static_cast<std::size_t>(stop - text_.data());
    if (peek() == 'L') ++at_;  // Python 2 wrote long integers so
    return value;
  }

  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_spaces() {
    while (peek() == ' ' || peek() == '\n' || peek() == '\t' || peek() == '\r') ++at_;
  }
  bool accept(char c) {
    skip_spaces();
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail(fmt::format("expected '{}' in the header", c));
  }

  std::string_view text_;
  std::int64_t offset_;
  const std::string& path_;
  std::size_t at_ = 0;
};

NpyType find_type(const std::string& descr, const DictionaryParser& dictionary) {
  for (const TypeRow& row : kTypes) {
    if (descr == row.descr || (row.bytes == 1 && descr.ends_with(row.descr.substr(1)) && descr.size() <= 3)) {
      return row.type;
    }
  }
  if (descr.starts_with('>')) {
    dictionary.fail(fmt::format("expected little-endian elements, found big-endian '{}'", descr));
  }
  dictionary.fail(fmt::format("expected elements of uint8, int32, int64, float32 or float64, found '{}'", descr));
}

std::string_view header_text(ByteReader& reader) {
  if (reader.left() == 0) reader.fail("expected an .npy array, found an empty file");
  const auto as_text = [](std::span<const std::byte> bytes) {
    return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  };
  const std::string_view magic = as_text(reader.take(std::min<std::int64_t>(reader.left(), 6), "magic"));
  if (magic.starts_with("PK"))
    throw FormatError(reader.path(), 0, "expected an .npy array, found a zip archive (.npz?)");
  if (magic != kMagic) throw FormatError(reader.path(), 0, "expected an .npy array, found no \\x93NUMPY at its start");
  const int major = reader.read<std::uint8_t>("version");
  const int minor = reader.read<std::uint8_t>("version");
  if (major < 1 || major > 3 || minor != 0) {
    throw FormatError(reader.path(), 6,
                      fmt::format("expected .npy version 1.0, 2.0 or 3.0, found {}.{}", major, minor));
  }
  const std::int64_t length =
      major == 1 ? reader.read<std::uint16_t>("header length") : reader.read<std::uint32_t>("header length");
  if (length > kLongestHeader)
    reader.fail(fmt::format("a header of {} bytes, at most {} are read", length, kLongestHeader));
  return as_text(reader.take(length, "header"));
}

}  // namespace

std::string_view npy_type_name(NpyType type) { return type_row(type).name; }

std::int64_t npy_item_bytes(NpyType type) { return type_row(type).bytes; }

NpyHeader read_npy_header(std::span<const std::byte> file, const std::string& path) {
  ByteReader reader(file, path);
  const std::string_view text = header_text(reader);
  const std::int64_t text_offset = reader.offset() - static_cast<std::int64_t>(text.size());
  DictionaryParser dictionary(text, text_offset, path);
  dictionary.parse();

  NpyHeader header;
  header.type = find_type(*dictionary.descr, dictionary);
  header.shape = *dictionary.shape;
  header.data_offset = reader.offset();
  header.size = 1;
  for (const std::int64_t extent : header.shape) {
    if (__builtin_mul_overflow(header.size, extent, &header.size)) {
      dictionary.fail(fmt::format("the shape ({}) has too many elements for 64 bits", fmt::join(header.shape, ", ")));
    }
  }
  // Both orders are the same where at most one dimension is longer than one.
  const auto longer = std::ranges::count_if(header.shape, [](std::int64_t extent) { return extent != 1; });
  header.column_major = *dictionary.fortran_order && longer > 1 && header.size > 0;
  if (header.column_major && header.shape.size() != 2) {
    dictionary.fail(
        "Fortran order is read of matrices only; save the array in C order (numpy.ascontiguousarray makes it so)");
  }
  reader.check_count(header.size, npy_item_bytes(header.type),
                     fmt::format("{} elements of {}", header.size, npy_type_name(header.type)));
  const std::int64_t surplus = reader.left() - header.size * npy_item_bytes(header.type);
  if (surplus != 0)
    reader.fail(fmt::format("{} bytes more than the shape ({}) needs", surplus, fmt::join(header.shape, ", ")));
  return header;
}

std::string make_npy_header(NpyType type, const std::vector<std::int64_t>& shape) {
  const auto dictionary = [&](const std::vector<std::int64_t>& extents) {
    return fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}{}), }}", type_row(type).descr,
                       fmt::join(extents, ", "), extents.size() == 1 ? "," : "");
  };
  std::vector<std::int64_t> longest = shape;
  if (!longest.empty()) longest.front() = std::numeric_limits<std::int64_t>::max();
  constexpr std::size_t kPreamble = 10;  // magic, version, uint16 length
  const std::size_t total = (kPreamble + dictionary(longest).size() + 1 + 63) / 64 * 64;
  std::string header(kMagic);
  header += '\x01';
  header += '\x00';
  header += static_cast<char>((total - kPreamble) & 0xff);
  header += static_cast<char>((total - kPreamble) >> 8);
  header += dictionary(shape);
  header.resize(total - 1, ' ');
  header += '\n';
  return header;
}

}  // namespace twinpatch
