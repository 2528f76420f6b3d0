// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "earlier_results.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace twinpatch {
namespace {

struct PairMatches {
  BlockResult::Pair pair;
  std::vector<Match> matches;
};

std::optional<BlockResult> intact(const std::filesystem::path& path, const CollectionPlan& plan, const Block& block) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return std::nullopt;
  try {
    return read_block(path, plan, block).result;
  } catch (const FormatError&) {
    return std::nullopt;
  }
}

void add(BlockResult& result, const BlockResult::Pair& pair, std::span<const Match> matches) {
  result.pairs.push_back(pair);
  result.matches.insert(result.matches.end(), matches.begin(), matches.end());
}

/// Calls `visit` with each pair and its matches.
void for_each(const BlockResult& result, auto&& visit) {
  std::span<const Match> left(result.matches);
  for (const BlockResult::Pair& pair : result.pairs) {
    visit(pair, left.first(static_cast<std::size_t>(pair.count())));
    left = left.subspan(static_cast<std::size_t>(pair.count()));
  }
}

}  // namespace

Block EarlierResults::as_of(const Block& block, int generation) {
  Block earlier = block;
  earlier.generation = generation;
  earlier.pairs = kAnyPairs;
  return earlier;
}

bool EarlierResults::is_valid(ImagePair pair, int generation) const {
  return plan_.images[static_cast<std::size_t>(pair.first)].since <= generation &&
         plan_.images[static_cast<std::size_t>(pair.second)].since <= generation;
}

BlockResult EarlierResults::find(const Block& block, std::span<const ImagePair> pairs) const {
  std::map<ImagePair, PairMatches> found;
  for (int generation = block.generation - 1; generation >= 0 && found.size() < pairs.size(); --generation) {
    const Block earlier = as_of(block, generation);
    const auto result = intact(block_path(folder_, plan_, earlier), plan_, earlier);
    if (!result) continue;
    for_each(*result, [&](const BlockResult::Pair& pair, std::span<const Match> matches) {
      if (is_valid(pair.images, generation) && std::ranges::binary_search(pairs, pair.images)) {
        found.try_emplace(pair.images, PairMatches{pair, {matches.begin(), matches.end()}});
      }
    });
  }
  BlockResult result;
  for (const auto& [images, of_pair] : found) add(result, of_pair.pair, of_pair.matches);
  return result;
}

void EarlierResults::remove_superseded(const Block& block, std::span<const ImagePair> pairs) const {
  for (int generation = 0; generation < block.generation; ++generation) {
    const Block earlier = as_of(block, generation);
    const auto path = block_path(folder_, plan_, earlier);
    const auto result = intact(path, plan_, earlier);
    if (!result) continue;
    const bool superseded = std::ranges::all_of(result->pairs, [&](const BlockResult::Pair& pair) {
      return !is_valid(pair.images, generation) || std::ranges::binary_search(pairs, pair.images);
    });
    std::error_code ignored;
    if (superseded) std::filesystem::remove(path, ignored);
  }
}

BlockResult merged(const BlockResult& a, const BlockResult& b) {
  std::map<ImagePair, std::pair<BlockResult::Pair, std::span<const Match>>> all;
  const auto take = [&](const BlockResult::Pair& pair, std::span<const Match> matches) {
    all.emplace(pair.images, std::pair(pair, matches));
  };
  for_each(a, take);
  for_each(b, take);
  BlockResult result;
  for (const auto& [images, found] : all) add(result, found.first, found.second);
  return result;
}

}  // namespace twinpatch
