// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/twinpatch/run_report.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

namespace twinpatch::app {

RunReport::RunReport(Session& session, const std::string& path, const Shard& shard)
    : session_(session), path_(path), shard_(shard.text()) {
  if (path_.empty()) return;
  file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (file_ < 0) throw IoError(path_, "cannot open", errno);
}

RunReport::~RunReport() {
  if (file_ >= 0) ::close(file_);
}

void RunReport::event(const std::string& name, const nlohmann::ordered_json& fields) {
  if (file_ < 0) return;
  const double time = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  nlohmann::ordered_json object{{"time", time}, {"event", name}, {"shard", shard_}};
  object.update(fields);
  const std::string line = object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  if (::write(file_, line.data(), line.size()) == static_cast<ssize_t>(line.size())) return;
  session_.warn("--events {}: cannot write; the run continues without it", path_);  // whoever watches may have gone
  ::close(file_);
  file_ = -1;
}

void RunReport::block_done(const Block& block, const std::string& id, std::int64_t matches, double seconds) {
  ++blocks_done_;
  event("block", {{"block", id},
                  {"pairs", block.pairs},
                  {"comparisons", block.comparisons},
                  {"matches", matches},
                  {"seconds", seconds}});
}

void RunReport::block_damaged(const Block& block, const std::string& what) {
  session_.warn("{}; computed again", what);
  event("block_damaged", {{"block", block.number}, {"what", what}});
}

void RunReport::descriptors_damaged(const std::string& image, const std::string& what) {
  session_.warn("descriptors of {}: {}; computed again", image, what);
  event("descriptors_damaged", {{"image", image}, {"what", what}});
}

}  // namespace twinpatch::app
