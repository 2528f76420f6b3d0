// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "apps/frame/session.hpp"
#include "twinpatch/collection/run.hpp"

namespace twinpatch::app {

/// Events of a run for whoever watches it: damage as warnings to the user, everything as JSON objects, a line each, at
/// the end of a file (which may be a pipe). Each has "time" (seconds since 1970), "event" and "shard".
class RunReport final : public RunEvents {
 public:
  /// `path` empty: no file. Throws IoError.
  RunReport(Session& session, const std::string& path, const Shard& shard);
  ~RunReport() override;
  RunReport(const RunReport&) = delete;             // owns a file
  RunReport& operator=(const RunReport&) = delete;  // likewise

  void block_done(const Block& block, const std::string& id, std::int64_t matches, double seconds) override;
  void block_damaged(const Block& block, const std::string& what) override;
  void descriptors_damaged(const std::string& image, const std::string& what) override;
  /// Any other event; `fields` follow the common ones.
  void event(const std::string& name, const nlohmann::ordered_json& fields);
  [[nodiscard]] std::int64_t blocks_done() const { return blocks_done_; }

 private:
  Session& session_;
  std::string path_;
  std::string shard_;
  int file_ = -1;
  std::int64_t blocks_done_ = 0;
};

}  // namespace twinpatch::app
