// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "collection/block_file.hpp"
#include "collection/hash.hpp"
#include "collection/journal.hpp"
#include "collection/plan_id.hpp"
#include "fuzz/fuzz.hpp"
#include "twinpatch/collection/matches.hpp"

namespace twinpatch::fuzz {
namespace {

void append(std::string& bytes, const auto& value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

/// A plan that holds together, of up to four images and three blocks whose numbers are anybody's.
CollectionPlan make_plan(Input& input) {
  CollectionPlan plan;
  plan.model = "m";
  plan.numerics = "fp32";
  plan.pair_key = "k";
  plan.tile_keypoints = 1;
  for (int i = input.below(4); i >= 0; --i) plan.images.push_back({"x", input.below(6), "k"});
  for (int i = input.below(4); i > 0; --i) {
    Block block;
    block.number = std::ssize(plan.blocks);
    block.rows = {input.below(5), input.below(5)};
    block.columns = {input.below(5), input.below(5)};
    block.pairs = input.flag() ? 1 + input.below(4) : input.number<std::int64_t>();
    block.comparisons = input.below(9);
    plan.blocks.push_back(block);
  }
  plan.id = plan_id(plan);
  return plan;
}

/// A block's file with a checksum that fits, so that what stands behind it is looked at.
std::string make_block(Input& input, const CollectionPlan& plan, const Block& block) {
  std::string bytes = "tpblock1" + plan.id;
  const std::int64_t pairs = input.flag() ? block.pairs : input.number<std::int64_t>();
  const std::int64_t matches = input.flag() ? input.below(5) : input.number<std::int64_t>();
  append(bytes, block.number);
  append(bytes, pairs);
  append(bytes, matches);
  for (std::int64_t i = 0; i < std::clamp<std::int64_t>(pairs, 0, 4); ++i) {
    for (int field = 0; field < 3; ++field) {
      append(bytes, input.flag() ? std::int32_t{input.below(5)} : input.number<std::int32_t>());
    }
  }
  for (std::int64_t i = 0; i < std::clamp<std::int64_t>(matches, 0, 4); ++i) {
    append(bytes, Match{input.below(7) - 1, input.below(7) - 1, 0});
  }
  if (input.below(8) == 0) bytes += input.text();
  append(bytes, checksum(std::as_bytes(std::span(bytes))));
  return bytes;
}

void read_run(const std::filesystem::path& folder) {
  refused([&] {
    const CollectionMatches run(folder);
    (void)run.absent();
    (void)run.missing();
    volatile std::int64_t sum = 0;
    run.for_each([&](ImagePair pair, std::span<const Match> matches) {
      require(pair.first < std::ssize(run.plan().images), "a pair of no images");
      for (const Match& match : matches) sum = sum + match.left;
    });
  });
}

void read_journal(const std::filesystem::path& folder, Bytes bytes) {
  write_bytes(folder / "journal-1-of-1.jsonl", bytes);
  refused([&] {
    Journal journal(folder, {});
    (void)journal.find("a");
    journal.append({"a", 1, 2, 3, 4.0});
    require(Journal(folder, {}).find("a") != nullptr, "an entry that does not come back");
  });
}

}  // namespace

// The files of a run's folder: a plan and blocks that fit it, a block of any bytes, or a journal.
void run_target(Bytes bytes) {
  Input input(bytes);
  const int form = input.below(3);
  const auto folder = scratch_folder();
  if (form == 2) return read_journal(folder, input.rest());
  std::filesystem::create_directories(folder / "blocks");
  const CollectionPlan plan = make_plan(input);
  write_plan(folder / "plan.json", plan);
  for (const Block& block : plan.blocks) {
    const std::string made = form == 0 ? make_block(input, plan, block) : input.text();
    write_bytes(block_path(folder, plan, block), std::as_bytes(std::span(made)));
  }
  read_run(folder);
}

}  // namespace twinpatch::fuzz
