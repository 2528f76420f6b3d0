// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "journal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "twinpatch/core/file.hpp"
#include "twinpatch/formats/json.hpp"

namespace twinpatch {
namespace {

/// A line that was cut off when a run ended, or is damaged, says nothing: its block is done again.
std::optional<JournalEntry> parse_line(std::string_view line, const std::string& path) {
  try {
    const JsonValue json = parse_json(line, path, 1);
    constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
    JournalEntry entry;
    entry.id = json.at("block").text();
    entry.pairs = json.at("pairs").integer(0, kMost);
    entry.matches = json.at("matches").integer(0, kMost);
    entry.seconds = json.at("seconds").number();
    const std::string& sum = json.at("checksum").text();
    const auto [end, error] = std::from_chars(sum.data(), sum.data() + sum.size(), entry.checksum, 16);
    if (error != std::errc{} || end != sum.data() + sum.size()) return std::nullopt;
    return entry;
  } catch (const FormatError&) {
    return std::nullopt;
  }
}

}  // namespace

Journal::Journal(const std::filesystem::path& folder, const Shard& shard)
    : path_(folder / fmt::format("journal-{}-of-{}.jsonl", shard.index + 1, shard.count)) {
  bool torn = false;
  if (std::filesystem::exists(path_)) {
    const std::string text = read_text_file(path_);
    torn = !text.empty() && text.back() != '\n';
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = std::min(text.find('\n', begin), text.size());
      const auto entry = parse_line(std::string_view(text).substr(begin, end - begin), path_.string());
      if (entry) entries_[entry->id] = *entry;
      begin = end + 1;
    }
  }
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (descriptor_ < 0) throw IoError(path_.string(), "cannot open", errno);
  if (torn && ::write(descriptor_, "\n", 1) != 1) throw IoError(path_.string(), "cannot write", errno);
}

Journal::~Journal() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

const JournalEntry* Journal::find(const std::string& id) const {
  const auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : &found->second;
}

void Journal::append(const JournalEntry& entry) {
  const nlohmann::ordered_json json{{"block", entry.id},
                                    {"checksum", fmt::format("{:016x}", entry.checksum)},
                                    {"pairs", entry.pairs},
                                    {"matches", entry.matches},
                                    {"seconds", entry.seconds}};
  write(json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
  entries_[entry.id] = entry;
}

void Journal::append(const ShardHost& host) { write(host_line(host)); }

/// In one piece: whole, or cut off at the end of the file.
void Journal::write(const std::string& line) {
  const ssize_t done = ::write(descriptor_, line.data(), line.size());
  if (done != static_cast<ssize_t>(line.size()))
    throw IoError(path_.string(), "cannot write", done < 0 ? errno : ENOSPC);
}

}  // namespace twinpatch
