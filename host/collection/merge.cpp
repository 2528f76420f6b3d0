// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "block_file.hpp"
#include "hash.hpp"
#include "journal.hpp"
#include "twinpatch/collection/matches.hpp"
#include "twinpatch/core/file.hpp"

namespace twinpatch {
namespace {

/// A second name for the file, or a copy of its bytes.
void bring(const std::filesystem::path& from, const std::filesystem::path& to) {
  std::error_code failure;
  std::filesystem::create_hard_link(from, to, failure);
  if (!failure || std::filesystem::exists(to)) return;
  const auto bytes = read_file(from);
  AtomicFile file(to);
  file.write(std::span<const std::byte>(bytes));
  file.commit();
}

}  // namespace

MergeSummary merge_runs(const std::vector<std::filesystem::path>& folders, const std::filesystem::path& target,
                        const RunControl& control) {
  const CollectionMatches all(folders);
  const CollectionPlan& plan = all.plan();
  if (auto missing = all.missing(control); !missing.empty()) throw_incomplete(plan, std::move(missing));
  std::error_code ignored;
  const bool in_place = folders.size() == 1 && std::filesystem::equivalent(folders.front(), target, ignored);
  if (!in_place) {
    std::error_code failure;
    std::filesystem::create_directories(target / "blocks", failure);
    if (failure) throw IoError((target / "blocks").string(), "cannot create the folder", failure.value());
    if (std::filesystem::exists(target / "plan.json")) {
      const CollectionPlan found = read_plan(target / "plan.json");
      const bool continues = std::ranges::find(plan.generations, found.id) != plan.generations.end();
      if (!continues) check_same_plan(plan, found, target);
    }
    for (const Block& block : plan.blocks) {
      control.check();
      const auto path = block_path(target, plan, block);
      if (!std::filesystem::exists(path)) bring(all.block_file(block), path);
    }
    const std::vector<ShardHost> hosts = hosts_of(folders);
    if (!hosts.empty() && hosts_of(std::span(&target, 1)).empty()) Journal(target, {}).append(hosts.front());
    write_plan(target / "plan.json", plan);  // last: a folder with a plan has been merged whole
  }
  MergeSummary summary;
  summary.blocks = std::ssize(plan.blocks);
  Hash hash;
  summary.dropped = CollectionMatches(target).for_each(
      [&](ImagePair pair, std::span<const Match> matches) {
        ++summary.pairs;
        summary.matches += std::ssize(matches);
        hash.add(pair.first).add(pair.second).add(std::ssize(matches));
        hash.add_bytes(std::as_bytes(matches));
      },
      control);
  summary.digest = hash.hex();
  return summary;
}

}  // namespace twinpatch
