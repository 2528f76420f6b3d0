// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "shard_hosts.hpp"
#include "twinpatch/collection/plan.hpp"

namespace twinpatch {

/// A block that was finished, as the journal tells it.
struct JournalEntry {
  std::string id;
  std::uint64_t checksum = 0;
  std::int64_t pairs = 0;
  std::int64_t matches = 0;
  double seconds = 0;
};

/// Finished blocks of a shard and the hosts that worked on it, one JSON object a line, appended. A line that was cut
/// off by a kill is passed over: its block's file speaks for itself.
class Journal {
 public:
  /// Reads what is there and opens the file for appending. Throws IoError.
  Journal(const std::filesystem::path& folder, const Shard& shard);
  ~Journal();
  Journal(const Journal&) = delete;             // owns a file
  Journal& operator=(const Journal&) = delete;  // likewise

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// The last entry of a block; null where there is none.
  [[nodiscard]] const JournalEntry* find(const std::string& id) const;
  void append(const JournalEntry& entry);
  /// Notes which host works on the shard.
  void append(const ShardHost& host);

 private:
  void write(const std::string& line);
  std::filesystem::path path_;
  std::map<std::string, JournalEntry> entries_;
  int descriptor_ = -1;
};

}  // namespace twinpatch
