// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/sfm/image_pair_list.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <set>
#include <unordered_map>

#include "twinpatch/core/error.hpp"
#include "twinpatch/core/file.hpp"

namespace twinpatch {
namespace {

constexpr std::string_view kBlanks = " \t\r\v\f";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

/// Places of names, and names of places.
class NameIndex {
 public:
  explicit NameIndex(std::span<const std::string> names) {
    if (names.size() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
      throw InvalidArgument(fmt::format("a collection of {} images is too large", names.size()));
    }
    places_.reserve(names.size());
    for (std::size_t i = 0; i < names.size(); ++i) {
      lengths_.insert(names[i].size());
      if (places_.emplace(names[i], static_cast<std::int32_t>(i)).second) continue;
      throw InvalidArgument(fmt::format("duplicate image name \"{}\" in the collection", names[i]));
    }
  }
  [[nodiscard]] std::optional<std::int32_t> find(std::string_view name) const {
    const auto found = places_.find(name);
    return found == places_.end() ? std::nullopt : std::optional(found->second);
  }
  /// The lengths of the names, each once: where a line is cut is tried for these alone, not at each of its blanks.
  [[nodiscard]] const std::set<std::size_t>& lengths() const { return lengths_; }
  [[nodiscard]] bool has_length(std::size_t length) const { return lengths_.contains(length); }

 private:
  std::unordered_map<std::string_view, std::int32_t> places_;
  std::set<std::size_t> lengths_;
};

struct TwoNames {
  std::string_view first;
  std::string_view second;
};

class PairListParser {
 public:
  PairListParser(const std::string& path, std::span<const std::string> names) : index_(names) { list_.path = path; }

  ImagePairList parse(std::string_view text) {
    text = without_byte_order_mark(text, list_.path);
    while (!text.empty()) {
      ++line_;
      const std::size_t end = std::min(text.find('\n'), text.size());
      take_line(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    drop_repeated();
    return std::move(list_);
  }

 private:
  void take_line(std::string_view line) {
    const std::string_view content = trimmed(line);
    if (content.empty() || content.front() == '#') return;
    const TwoNames names = split(content);
    const auto first = index_.find(names.first);
    const auto second = index_.find(names.second);
    if (!first || !second) {
      ++list_.unknown_pairs;
      if (!first) note_unknown(names.first);
      if (!second && names.second != names.first) note_unknown(names.second);
    } else if (*first == *second) {
      if (list_.same_image++ == 0) list_.first_same_image = line_;
    } else {
      list_.pairs.push_back({*first, *second});
    }
  }

  [[nodiscard]] TwoNames split(std::string_view content) const {
    const bool tabbed = content.find('\t') != std::string_view::npos;
    const std::string_view separators = tabbed ? "\t" : " \v\f\r";
    const std::size_t end = content.find_first_of(separators);
    if (end == std::string_view::npos) {
      fail(fmt::format("expected two image names, found one (\"{}\")", content.substr(0, 200)));
    }
    const TwoNames names{trimmed(content.substr(0, end)), trimmed(content.substr(end))};
    if (names.second.find_first_of(separators) == std::string_view::npos) return names;
    if (tabbed) fail("expected two image names with one tab between them, found more tabs");
    return split_by_names(content);
  }

  /// Names with spaces in them, between spaces: only the collection can tell where one ends.
  [[nodiscard]] TwoNames split_by_names(std::string_view content) const {
    std::optional<TwoNames> found;
    for (const std::size_t at : index_.lengths()) {
      if (at >= content.size() || content[at] != ' ' || !index_.has_length(content.size() - at - 1)) continue;
      const TwoNames names{content.substr(0, at), content.substr(at + 1)};
      if (!index_.find(names.first) || !index_.find(names.second)) continue;
      if (found) fail("its spaces allow two pairs of image names; separate the names by a tab");
      found = names;
    }
    if (found) return *found;
    fail(
        fmt::format("expected two image names, found more words that do not split into two names (\"{}\"); use a "
                    "tab between names with spaces",
                    content.substr(0, 200)));
  }

  void note_unknown(std::string_view name) {
    const auto [found, is_new] = unknown_places_.emplace(std::string(name), list_.unknown.size());
    if (is_new) list_.unknown.push_back({std::string(name), line_, 0});
    ++list_.unknown[found->second].pairs;
  }

  /// Keeps the first of each pair. Sorted, not hashed: a list of all pairs of 16,000 images has 128 million lines.
  void drop_repeated() {
    auto& pairs = list_.pairs;
    const auto key = [&](std::size_t i) { return std::minmax(pairs[i].first, pairs[i].second); };
    std::vector<std::size_t> order(pairs.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
      const auto [a_low, a_high] = key(a);
      const auto [b_low, b_high] = key(b);
      if (a_low != b_low) return a_low < b_low;
      return a_high != b_high ? a_high < b_high : a < b;
    });
    const auto same = [&](std::size_t a, std::size_t b) { return key(a) == key(b); };
    order.erase(std::unique(order.begin(), order.end(), same), order.end());
    list_.repeated = static_cast<std::int64_t>(pairs.size() - order.size());
    if (list_.repeated == 0) return;
    std::ranges::sort(order);
    for (std::size_t i = 0; i < order.size(); ++i) pairs[i] = pairs[order[i]];
    pairs.resize(order.size());
  }

  [[noreturn]] void fail(std::string_view what) const {
    throw FormatError(list_.path, -1, fmt::format("line {}: {}", line_, what));
  }

  NameIndex index_;
  ImagePairList list_;
  std::unordered_map<std::string, std::size_t> unknown_places_;
  std::int64_t line_ = 0;
};

const std::string& name_at(std::span<const std::string> names, std::int32_t place) {
  if (place < 0 || static_cast<std::size_t>(place) >= names.size()) {
    throw InvalidArgument(fmt::format("image index {} of a pair is outside [0, {})", place, names.size()));
  }
  return names[static_cast<std::size_t>(place)];
}

void check_writable(const std::string& name) {
  if (name.empty() || name.find_first_of("\t\n\r") != std::string::npos || trimmed(name).size() != name.size()) {
    throw InvalidArgument(fmt::format("a pair list cannot hold the image name \"{}\"", name));
  }
}

}  // namespace

std::vector<std::string> ImagePairList::warnings() const {
  std::vector<std::string> lines;
  lines.reserve(unknown.size() + 1);
  for (const auto& image : unknown) {
    lines.push_back(fmt::format("{}: line {}: no image is named \"{}\" ({} pair{} skipped)", path, image.line,
                                image.name, image.pairs, image.pairs == 1 ? "" : "s"));
  }
  if (same_image > 0) {
    lines.push_back(fmt::format("{}: line {}: an image paired with itself is skipped ({} such line{})", path,
                                first_same_image, same_image, same_image == 1 ? "" : "s"));
  }
  return lines;
}

ImagePairList parse_image_pairs(std::string_view text, const std::string& path, std::span<const std::string> names) {
  return PairListParser(path, names).parse(text);
}

ImagePairList read_image_pairs(const std::filesystem::path& path, std::span<const std::string> names) {
  return parse_image_pairs(read_text_file(path), path.string(), names);
}

std::string format_image_pairs(std::span<const ImagePair> pairs, std::span<const std::string> names) {
  std::string text;
  for (const auto& pair : pairs) {
    const std::string& first = name_at(names, pair.first);
    const std::string& second = name_at(names, pair.second);
    check_writable(first);
    check_writable(second);
    if (first.front() == '#') throw InvalidArgument(fmt::format("a pair list cannot begin a line with \"{}\"", first));
    const bool spaces = (first + second).find_first_of(" \v\f") != std::string::npos;
    text += fmt::format("{}{}{}\n", first, spaces ? '\t' : ' ', second);
  }
  return text;
}

}  // namespace twinpatch
