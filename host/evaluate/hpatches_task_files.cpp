// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <string_view>
#include <unordered_map>

#include "twinpatch/core/error.hpp"
#include "twinpatch/core/file.hpp"
#include "twinpatch/evaluate/hpatches_protocol.hpp"
#include "twinpatch/formats/json.hpp"

namespace twinpatch {
namespace {

namespace fs = std::filesystem;

constexpr const char* kOtherVersion = "; task files of another version of HPatches?";
constexpr std::int64_t kImages = 6;

/// A task file's lines after its header, field by field.
class TaskFile {
 public:
  TaskFile(const fs::path& path, const HPatchesSequences& sequences, std::string_view header)
      : path_(path.string()), text_(read_text_file(path)), rest_(text_), sequences_(sequences) {
    for (std::size_t i = 0; i < sequences.names.size(); ++i)
      numbers_.emplace(sequences.names[i], static_cast<std::int32_t>(i));
    if (!next() || line_ != header) {
      fail(fmt::format("expected the header \"{}\", found \"{}\"{}", header, line_.substr(0, 60), kOtherVersion));
    }
  }

  bool next() {
    if (rest_.empty()) return false;
    const std::size_t end = std::min(rest_.find('\n'), rest_.size());
    line_ = rest_.substr(0, end);
    if (line_.ends_with('\r')) line_.remove_suffix(1);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    fields_ = line_;
    ++number_;
    return true;
  }

  std::int32_t sequence() {
    const std::string name(field());
    const auto found = numbers_.find(name);
    if (found == numbers_.end())
      fail(fmt::format("sequence \"{}\" is not one of the split's {}{}", name, numbers_.size(), kOtherVersion));
    return found->second;
  }
  std::int32_t image() { return integer("image", kImages); }
  std::int32_t row(std::int32_t sequence) {
    const auto at = static_cast<std::size_t>(sequence);
    const std::int64_t count = sequences_.counts[at];
    return integer(fmt::format("patch of {}, which has {}", sequences_.names[at], count), count);
  }
  void end_line() const {
    if (!fields_.empty()) fail(fmt::format("expected the end of the line, found \"{}\"", fields_.substr(0, 40)));
  }
  [[nodiscard]] bool at_blank_end() const { return line_.empty() && rest_.empty(); }
  [[noreturn]] void fail(const std::string& what) const {
    throw FormatError(path_, -1, fmt::format("line {}: {}", number_, what));
  }

 private:
  std::string_view field() {
    const std::size_t end = std::min(fields_.find(','), fields_.size());
    const std::string_view found = fields_.substr(0, end);
    fields_.remove_prefix(std::min(end + 1, fields_.size()));
    return found;
  }
  /// In [0, limit).
  std::int32_t integer(const std::string& what, std::int64_t limit) {
    const std::string_view text = field();
    std::int32_t value = -1;
    const auto [stop, status] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool is_number = status == std::errc() && stop == text.data() + text.size();
    if (is_number && value >= 0 && value < limit) return value;
    fail(fmt::format("expected the number of a{} {}, found \"{}\"{}", what.starts_with("image") ? "n" : "", what,
                     text.substr(0, 40), is_number ? kOtherVersion : ""));
  }

  std::string path_;
  std::string text_;
  std::string_view rest_, line_, fields_;
  std::int64_t number_ = 0;
  HPatchesSequences sequences_;
  std::unordered_map<std::string, std::int32_t> numbers_;
};

HPatchesPatch read_patch(TaskFile& file, bool with_image) {
  HPatchesPatch patch;
  patch.sequence = file.sequence();
  if (with_image) patch.image = file.image();
  patch.row = file.row(patch.sequence);
  return patch;
}

std::vector<HPatchesPair> read_pairs(const fs::path& path, const HPatchesSequences& sequences) {
  TaskFile file(path, sequences, "s1,t1,idx1,s2,t2,idx2");
  std::vector<HPatchesPair> pairs;
  while (file.next() && !file.at_blank_end()) {
    HPatchesPair& pair = pairs.emplace_back();
    pair.left = read_patch(file, true);
    pair.right = read_patch(file, true);
    file.end_line();
  }
  if (pairs.empty()) file.fail("no pairs");
  return pairs;
}

std::vector<HPatchesPatch> read_patches(const fs::path& path, const HPatchesSequences& sequences) {
  TaskFile file(path, sequences, "s,idx");
  std::vector<HPatchesPatch> patches;
  while (file.next() && !file.at_blank_end()) {
    patches.push_back(read_patch(file, false));
    file.end_line();
  }
  if (patches.empty()) file.fail("no patches");
  return patches;
}

fs::path task_path(const fs::path& folder, const char* task, const std::string& split) {
  return folder / fmt::format("{}_split-{}.csv", task, split);
}

/// A task's files are there together or not at all.
bool is_there(std::initializer_list<fs::path> paths) {
  const auto exists = [](const fs::path& path) { return fs::exists(path); };
  if (std::ranges::none_of(paths, exists)) return false;
  for (const fs::path& path : paths) {
    if (!exists(path)) throw IoError(path.string(), "is missing; the task's other files are there");
  }
  return true;
}

}  // namespace

std::vector<std::string> hpatches_split(const fs::path& folder, const std::string& split) {
  fs::path path = folder / "splits" / "splits.json";  // as in hpatches-benchmark
  if (!fs::exists(path)) path = folder / "splits.json";
  const JsonValue json = parse_json(read_text_file(path), path.string(), 4);
  const JsonValue* const found = json.find(split);
  if (found == nullptr) {
    std::vector<std::string> names;
    for (const auto& [name, value] : json.members()) names.push_back(name);
    std::ranges::sort(names);
    throw InvalidArgument(fmt::format("{}: no split \"{}\", only {}", path.string(), split, fmt::join(names, ", ")));
  }
  std::vector<std::string> sequences;
  for (const JsonValue& name : found->at("test").list()) {
    if (std::ranges::find(sequences, name.text()) != sequences.end()) name.fail("the sequence is there twice");
    sequences.push_back(name.text());
  }
  if (sequences.empty()) found->at("test").fail("expected sequences");
  return sequences;
}

std::optional<HPatchesVerificationTask> read_hpatches_verification(const fs::path& folder, const std::string& split,
                                                                   const HPatchesSequences& sequences) {
  const fs::path positives = task_path(folder, "verif_pos", split);
  const fs::path same = task_path(folder, "verif_neg_intra", split);
  const fs::path other = task_path(folder, "verif_neg_inter", split);
  if (!is_there({positives, same, other})) return std::nullopt;
  HPatchesVerificationTask task{read_pairs(positives, sequences), read_pairs(same, sequences),
                                read_pairs(other, sequences)};
  for (const auto& [path, pairs] : {std::pair(same, &task.same_sequence), std::pair(other, &task.other_sequence)}) {
    if (pairs->size() == task.positives.size()) continue;
    throw FormatError(path.string(), -1,
                      fmt::format("expected {} pairs, as in {}, found {}", task.positives.size(),
                                  positives.filename().string(), pairs->size()));
  }
  return task;
}

std::optional<HPatchesRetrievalTask> read_hpatches_retrieval(const fs::path& folder, const std::string& split,
                                                             const HPatchesSequences& sequences) {
  const fs::path queries = task_path(folder, "retr_queries", split);
  const fs::path distractors = task_path(folder, "retr_distractors", split);
  if (!is_there({queries, distractors})) return std::nullopt;
  return HPatchesRetrievalTask{read_patches(queries, sequences), read_patches(distractors, sequences)};
}

}  // namespace twinpatch
