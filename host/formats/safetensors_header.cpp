// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "safetensors_header.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "tracking_iterator.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/core/file.hpp"

namespace twinpatch {

namespace {

constexpr std::size_t kMostDimensions = 8;
/// Of the metadata and of tensors, each: a network of ours has a few hundred.
constexpr std::size_t kMostEntries = 1 << 16;

/// Receives the parser's events. A DOM would silently keep one of two equal keys; here the second is an error, and so
/// is everything nested deeper than a header can be.
class HeaderHandler : public nlohmann::json_sax<nlohmann::json> {
 public:
  HeaderHandler(const char* begin, const char* const* seen, std::int64_t offset, const std::string& path)
      : begin_(begin), seen_(seen), offset_(offset), path_(path) {}

  SafeTensorsHeader take() { return std::move(header_); }

  bool start_object(std::size_t) override {
    if (place_ == Place::file) {
      place_ = Place::top;
    } else if (place_ == Place::top) {
      place_ = key_ == "__metadata__" ? Place::metadata : Place::tensor;
      field_keys_.clear();
      entry_ = {};
      entry_.name = key_;
    } else {
      refuse("an object");
    }
    return true;
  }

  bool key(string_t& key) override {
    const bool is_new = place_ == Place::top ? top_keys_.insert(key).second : field_keys_.insert(key).second;
    if (!is_new) fail(fmt::format("duplicate key \"{}\"{}", key, inside()));
    if (std::max(top_keys_.size(), field_keys_.size()) > kMostEntries) {
      fail(fmt::format("more than {} entries{}", kMostEntries, inside()));
    }
    if (place_ == Place::tensor && key != "dtype" && key != "shape" && key != "data_offsets") {
      fail(fmt::format("unknown key \"{}\"{}", key, inside()));
    }
    (place_ == Place::top ? key_ : field_) = key;
    return true;
  }

  bool end_object() override {
    if (place_ == Place::top) {
      place_ = Place::done;
      return true;
    }
    if (place_ == Place::tensor) {
      if (field_keys_.size() != 3) fail(fmt::format("expected dtype, shape and data_offsets{}", inside()));
      if (offsets_.size() != 2) fail(fmt::format("expected two data_offsets, found {}{}", offsets_.size(), inside()));
      entry_.begin = offsets_[0];
      entry_.end = offsets_[1];
      entry_.where = position();
      header_.entries.push_back(std::move(entry_));
    }
    place_ = Place::top;
    return true;
  }

  bool start_array(std::size_t) override {
    if (place_ != Place::tensor || field_ == "dtype") refuse("an array");
    place_ = field_ == "shape" ? Place::shape : Place::offsets;
    if (place_ == Place::offsets) offsets_.clear();
    return true;
  }

  bool end_array() override {
    place_ = Place::tensor;
    return true;
  }

  bool string(string_t& value) override {
    if (place_ == Place::metadata) {
      header_.metadata.emplace(field_, value);
    } else if (place_ == Place::tensor && field_ == "dtype") {
      entry_.type = value;
    } else {
      refuse("a string");
    }
    return true;
  }

  bool number_unsigned(number_unsigned_t value) override {
    if (place_ != Place::shape && place_ != Place::offsets) refuse("a number");
    if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      fail(fmt::format("{} is too large{}", value, inside()));
    }
    std::vector<std::int64_t>& list = place_ == Place::shape ? entry_.shape : offsets_;
    const std::size_t most = place_ == Place::shape ? kMostDimensions : 2;
    if (list.size() == most) fail(fmt::format("more than {} numbers in \"{}\"{}", most, field_, inside()));
    list.push_back(static_cast<std::int64_t>(value));
    return true;
  }

  bool number_integer(number_integer_t value) override { refuse(fmt::format("the negative number {}", value)); }
  bool number_float(number_float_t, const string_t& text) override { refuse(fmt::format("the number {}", text)); }
  bool null() override { refuse("null"); }
  bool boolean(bool) override { refuse("true or false"); }
  bool binary(binary_t&) override { refuse("binary data"); }

  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& error) override {
    // "[json.exception.parse_error.101] parse error at line 1, column 9: …": the column counts from the header's start.
    std::string_view what = error.what();
    if (const auto bracket = what.find("] "); bracket != std::string_view::npos) what.remove_prefix(bracket + 2);
    fail(fmt::format("the header is not valid JSON: {}", what));
  }

 private:
  enum class Place { file, top, metadata, tensor, shape, offsets, done };

  [[nodiscard]] std::int64_t position() const { return offset_ + (*seen_ - begin_); }

  [[noreturn]] void fail(std::string_view what) const { throw FormatError(path_, position(), what); }

  [[noreturn]] void refuse(std::string_view found) const {
    switch (place_) {
      case Place::file:
        fail(fmt::format("expected an object as the header, found {}", found));
      case Place::top:
        fail(fmt::format("expected an object under \"{}\", found {}", key_, found));
      case Place::metadata:
        fail(fmt::format("expected a string under \"{}\", found {}{}", field_, found, inside()));
      case Place::tensor: {
        const std::string_view expected = field_ == "dtype" ? "a string" : "a list of whole numbers";
        fail(fmt::format("expected {} under \"{}\", found {}{}", expected, field_, found, inside()));
      }
      default:
        fail(fmt::format("expected whole numbers in \"{}\", found {}{}", field_, found, inside()));
    }
  }

  [[nodiscard]] std::string inside() const {
    if (place_ == Place::top) return "";
    if (place_ == Place::metadata) return " in __metadata__";
    return fmt::format(" in tensor \"{}\"", entry_.name);
  }

  const char* begin_;
  const char* const* seen_;
  std::int64_t offset_;
  const std::string& path_;

  Place place_ = Place::file;
  std::string key_;    // the last one of the header
  std::string field_;  // the last one of the metadata or of a tensor
  std::set<std::string> top_keys_;
  std::set<std::string> field_keys_;
  TensorEntry entry_;
  std::vector<std::int64_t> offsets_;
  SafeTensorsHeader header_;
};

[[noreturn]] void fail(const std::string& path, const TensorEntry& entry, std::string_view what) {
  throw FormatError(path, entry.where, fmt::format("tensor \"{}\": {}", entry.name, what));
}

/// Ranges follow each other from 0 to the end of the data, which leaves no byte unclaimed and none claimed twice.
void check_ranges(std::vector<TensorEntry>& entries, std::int64_t data_bytes, std::int64_t data_offset,
                  const std::string& path) {
  std::ranges::sort(entries, [](const TensorEntry& a, const TensorEntry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::int64_t covered = 0;
  for (const TensorEntry& entry : entries) {
    if (entry.begin > entry.end) {
      fail(path, entry, fmt::format("data_offsets [{}, {}] are not ascending", entry.begin, entry.end));
    }
    if (entry.end > data_bytes) {
      fail(path, entry, fmt::format("its data end at {}, the file holds {} bytes of data", entry.end, data_bytes));
    }
    if (entry.begin != covered) {
      fail(path, entry,
           fmt::format("its data begin at {}, expected {} ({})", entry.begin, covered,
                       entry.begin > covered ? "a gap between tensors" : "they overlap another tensor's"));
    }
    covered = entry.end;
  }
  if (covered != data_bytes) {
    throw FormatError(path, data_offset + covered,
                      fmt::format("{} bytes at the end belong to no tensor", data_bytes - covered));
  }
}

}  // namespace

SafeTensorsHeader parse_safetensors_header(std::string_view json, std::int64_t offset, const std::string& path) {
  // The parser takes a zero byte for the text's end and would not see what follows it.
  if (const auto zero = json.find('\0'); zero != std::string_view::npos) {
    throw FormatError(path, offset + static_cast<std::int64_t>(zero), "a zero byte in the header");
  }
  const char* seen = json.data();
  HeaderHandler handler(json.data(), &seen, offset, path);
  nlohmann::json::sax_parse(TrackingIterator(json.data(), &seen), TrackingIterator(json.data() + json.size(), &seen),
                            &handler);
  return handler.take();
}

SafeTensorsLayout read_safetensors_layout(std::span<const std::byte> bytes, const std::string& path) {
  SafeTensorsLayout layout;
  ByteReader reader(bytes, path);
  if (bytes.empty()) reader.fail("expected a safetensors model, found an empty file");
  const auto length = reader.read<std::uint64_t>("header length");
  if (length > kLongestSafeTensorsHeader) {
    throw FormatError(path, 0,
                      fmt::format("not a safetensors model: a header of {} bytes, at most {} are read", length,
                                  kLongestSafeTensorsHeader));
  }
  const auto text = reader.take(static_cast<std::int64_t>(length), "header");
  const std::string_view json(reinterpret_cast<const char*>(text.data()), text.size());
  if (!json.starts_with('{')) throw FormatError(path, 8, "expected the header to begin with {");
  layout.header = parse_safetensors_header(json, 8, path);
  layout.data_offset = reader.offset();
  layout.data = reader.take(reader.left(), "data");
  check_ranges(layout.header.entries, std::ssize(layout.data), layout.data_offset, path);
  return layout;
}

}  // namespace twinpatch
