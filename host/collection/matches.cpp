// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/collection/matches.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>

#include "block_file.hpp"
#include "shard_hosts.hpp"

namespace twinpatch {
namespace {

/// Files kept open at once while pairs are read in order.
constexpr std::size_t kMostOpen = 200;

/// Block files opened for reading, all closed when there are too many.
class OpenBlocks {
 public:
  ~OpenBlocks() { close_all(); }
  OpenBlocks() = default;
  OpenBlocks(const OpenBlocks&) = delete;             // owns files
  OpenBlocks& operator=(const OpenBlocks&) = delete;  // likewise

  void read(const std::filesystem::path& path, std::int64_t offset, std::span<std::byte> bytes) {
    const int file = open(path);
    for (std::size_t done = 0; done < bytes.size();) {
      const ssize_t now = ::pread(file, bytes.data() + done, bytes.size() - done, offset + static_cast<off_t>(done));
      if (now < 0 && errno == EINTR) continue;
      if (now < 0) throw IoError(path.string(), "cannot read", errno);
      if (now == 0) throw IoError(path.string(), "was truncated while it was read");
      done += static_cast<std::size_t>(now);
    }
  }

 private:
  int open(const std::filesystem::path& path) {
    if (const auto found = files_.find(path); found != files_.end()) return found->second;
    if (files_.size() >= kMostOpen) close_all();
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) throw IoError(path.string(), "cannot open", errno);
    files_.emplace(path, file);
    return file;
  }
  void close_all() {
    for (const auto& [path, file] : files_) ::close(file);
    files_.clear();
  }
  std::map<std::filesystem::path, int> files_;
};

/// Where the matches of a pair lie.
struct Place {
  ImagePair pair;
  std::int64_t matches = 0;
  std::size_t file = 0;
  std::int64_t offset = 0;
};

std::string name_some(const CollectionPlan& plan, const std::vector<std::int64_t>& missing) {
  std::string text;
  constexpr std::size_t kNamed = 8;
  for (std::size_t n = 0; n < std::min(missing.size(), kNamed); ++n) {
    text += (n == 0 ? "" : ", ") + plan.block_id(plan.blocks[static_cast<std::size_t>(missing[n])]);
  }
  if (missing.size() > kNamed) text += fmt::format(" and {} more", missing.size() - kNamed);
  return text;
}

}  // namespace

struct CollectionMatches::State {
  std::vector<std::filesystem::path> folders;
  CollectionPlan plan;
};

CollectionMatches::CollectionMatches(std::vector<std::filesystem::path> folders) : state_(std::make_unique<State>()) {
  if (folders.empty()) throw InvalidArgument("expected the folder of a run, found none");
  state_->folders = std::move(folders);
  state_->plan = read_plan(state_->folders.front() / "plan.json");
  for (std::size_t n = 1; n < state_->folders.size(); ++n) {
    check_same_plan(read_plan(state_->folders[n] / "plan.json"), state_->plan, state_->folders.front());
  }
  check_same_bits(hosts_of(state_->folders));
}
CollectionMatches::~CollectionMatches() = default;
CollectionMatches::CollectionMatches(CollectionMatches&&) noexcept = default;
CollectionMatches& CollectionMatches::operator=(CollectionMatches&&) noexcept = default;

const CollectionPlan& CollectionMatches::plan() const { return state_->plan; }

std::filesystem::path CollectionMatches::block_file(const Block& block) const {
  for (const auto& folder : state_->folders) {
    auto path = block_path(folder, state_->plan, block);
    std::error_code ignored;
    if (std::filesystem::exists(path, ignored)) return path;
  }
  return {};
}

std::vector<std::int64_t> CollectionMatches::missing(const RunControl& control) const {
  std::vector<std::int64_t> result;
  for (const Block& block : state_->plan.blocks) {
    control.check();
    const auto path = block_file(block);
    if (path.empty()) {
      result.push_back(block.number);
      continue;
    }
    try {
      (void)read_block(path, state_->plan, block);
    } catch (const FormatError&) {
      result.push_back(block.number);
    }
  }
  return result;
}

std::int64_t CollectionMatches::absent() const {
  const auto& blocks = state_->plan.blocks;
  return std::count_if(blocks.begin(), blocks.end(), [&](const Block& block) { return block_file(block).empty(); });
}

std::int64_t CollectionMatches::for_each(const PairSink& sink, const RunControl& control) const {
  const CollectionPlan& plan = state_->plan;
  std::vector<std::int64_t> missing;
  for (const Block& block : plan.blocks) {
    if (block_file(block).empty()) missing.push_back(block.number);
  }
  if (!missing.empty()) throw_incomplete(plan, std::move(missing));
  std::int64_t dropped = 0;
  std::vector<Match> matches;
  std::vector<Block> blocks = plan.blocks;
  std::ranges::stable_sort(blocks, {}, [](const Block& block) { return block.rows.begin; });
  for (std::size_t begin = 0; begin < blocks.size();) {
    std::size_t end = begin;
    std::vector<Place> places;
    std::vector<std::filesystem::path> files;
    for (; end < blocks.size() && blocks[end].rows == blocks[begin].rows; ++end) {
      control.check();
      files.push_back(block_file(blocks[end]));
      const ReadBlock read = read_block(files.back(), plan, blocks[end]);
      std::int64_t offset = matches_offset(read.result);
      for (const BlockResult::Pair& pair : read.result.pairs) {
        places.push_back({pair.images, pair.count(), files.size() - 1, offset});
        dropped += pair.is_dropped() ? 1 : 0;
        offset += pair.count() * static_cast<std::int64_t>(sizeof(Match));
      }
    }
    std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) { return a.pair < b.pair; });
    OpenBlocks open;
    for (const Place& place : places) {
      control.check();
      matches.resize(static_cast<std::size_t>(place.matches));
      if (place.matches > 0) open.read(files[place.file], place.offset, std::as_writable_bytes(std::span(matches)));
      sink(place.pair, matches);
    }
    begin = end;
  }
  return dropped;
}

void throw_incomplete(const CollectionPlan& plan, std::vector<std::int64_t> missing) {
  std::int64_t pairs = 0;
  for (const std::int64_t number : missing) pairs += plan.blocks[static_cast<std::size_t>(number)].pairs;
  const std::string what = fmt::format("{} of {} blocks ({} of {} pairs) are missing or damaged: {}", missing.size(),
                                       plan.blocks.size(), pairs, plan.pairs(), name_some(plan, missing));
  throw IncompleteRun(std::move(missing), what);
}

}  // namespace twinpatch
