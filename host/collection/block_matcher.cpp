// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "block_matcher.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace twinpatch {
namespace {

std::unique_ptr<DescriptorDiskCache> make_disk_cache(const Engine& engine, const std::filesystem::path& folder) {
  if (!has_descriptors(engine.spec())) return nullptr;
  return folder.empty() ? make_temporary_cache() : make_folder_cache(folder);
}

}  // namespace

BlockMatcher::BlockMatcher(const CollectionWork& work, const std::filesystem::path& descriptors, RunEvents* events,
                           const RunControl& control)
    : work_(work),
      events_(events),
      control_(control),
      two_channel_(!has_descriptors(work.engine.spec())),
      budget_(work.engine, work.rerank, work.source.patch_size()),
      keys_(work.engine, work.plan.patch_settings, work.plan.numerics),
      disk_cache_(make_disk_cache(work.engine, descriptors)),
      rows_(budget_.rows()),
      patches_(budget_.patches()),
      reader_(work.source, work.plan.images, keys_, disk_cache_.get(), budget_.ahead()) {
  budget_.check_tile(work.plan.tile_keypoints);
}

void BlockMatcher::match(const Block& block, const Block* next, const PairSink& sink) {
  expect(block, next);
  for (const ImagePair pair : work_.pairs.within(block.rows, block.columns)) {
    control_.check();
    const std::vector<Match> matches = match_pair(pair);
    ++statistics_.pairs;
    statistics_.comparisons += planned(pair.first).keypoints * planned(pair.second).keypoints;
    statistics_.matches += std::ssize(matches);
    sink(pair, matches);
  }
}

const CollectionStatistics& BlockMatcher::statistics() {
  statistics_.row_hits = rows_.hits();
  statistics_.row_misses = rows_.misses();
  statistics_.waited = reader_.waited();
  return statistics_;
}

/// What the block (and the one after it) will need and is not there, in order of first use.
void BlockMatcher::expect(const Block& block, const Block* next) {
  std::deque<Wanted> order;
  std::set<Wanted> seen;
  const auto want = [&](const Wanted& wanted, bool held) {
    if (!held && planned(wanted.image).keypoints > 0 && seen.insert(wanted).second) order.push_back(wanted);
  };
  const auto want_pairs = [&](const Block& of) {
    for (const ImagePair pair : work_.pairs.within(of.rows, of.columns)) {
      if (planned(pair.first).keypoints == 0 || planned(pair.second).keypoints == 0) continue;
      for (const auto& [image, side] : {RowKey{pair.first, Side::left}, RowKey{pair.second, Side::right}}) {
        want({image, side, two_channel_}, rows_.holds({image, side}));
      }
      if (work_.rerank == nullptr) continue;
      for (const std::int32_t image : {pair.first, pair.second}) {
        want({image, Side::left, true}, patches_.holds(image));
      }
    }
  };
  want_pairs(block);
  if (next != nullptr) want_pairs(*next);
  reader_.expect(std::move(order));
}

std::shared_ptr<const RowChunks> BlockMatcher::rows(std::int32_t image, Side side) {
  return rows_.get({image, side}, [&] {
    auto made = std::make_shared<const RowChunks>(make_rows(image, side));
    const std::int64_t bytes = made->bytes;
    return std::pair<std::shared_ptr<const RowChunks>, std::int64_t>(std::move(made), bytes);
  });
}

RowChunks BlockMatcher::make_rows(std::int32_t image, Side side) {
  const LoadedImage loaded = reader_.take({image, side, two_channel_});
  if (!loaded.damage.empty() && events_ != nullptr) events_->descriptors_damaged(planned(image).name, loaded.damage);
  if (work_.rerank != nullptr && loaded.patches != nullptr) {  // the second network will want them too
    (void)patches_.get(image, [&] { return std::pair(loaded.patches, loaded.bytes()); });
  }
  const RunControl quiet{control_.stop, nullptr};
  try {
    if (two_channel_) {
      statistics_.described += loaded.patches->size();
      return work_.engine.rows(*loaded.patches, side, quiet);
    }
    if (loaded.descriptors != nullptr) {
      ++statistics_.descriptors_read;
      return work_.engine.rows(loaded.descriptors->view(), side, quiet);
    }
    // Another block, or the other side, may have made them since they were asked for.
    std::string damage;
    const std::string key = keys_.key(planned(image), side);
    if (const auto kept = disk_cache_->find(key, loaded.patches->size(), work_.engine.descriptor_size(), damage)) {
      ++statistics_.descriptors_read;
      return work_.engine.rows(kept->view(), side, quiet);
    }
    const Matrix descriptors = work_.engine.describe(loaded.patches->view(), side, quiet);
    statistics_.described += descriptors.rows();
    disk_cache_->store(key, descriptors.view());
    return work_.engine.rows(descriptors.view(), side, quiet);
  } catch (const NotFinite& error) {
    throw NotFinite(fmt::format("image {}: {}", planned(image).name, error.what()), error.index());
  }
}

std::shared_ptr<const PatchSet> BlockMatcher::patches(std::int32_t image) {
  return patches_.get(image, [&] {
    auto set = reader_.take({image, Side::left, true}).patches;
    const std::int64_t bytes = set->size() * set->view().patch_bytes();
    return std::pair<std::shared_ptr<const PatchSet>, std::int64_t>(std::move(set), bytes);
  });
}

std::vector<Match> BlockMatcher::match_pair(ImagePair pair) {
  if (planned(pair.first).keypoints == 0 || planned(pair.second).keypoints == 0) return {};
  try {
    const auto left = rows(pair.first, Side::left);
    const auto right = rows(pair.second, Side::right);
    std::vector<Match> matches = work_.engine.match(*left, *right, work_.plan.rules.match, control_);
    return work_.rerank == nullptr ? matches : rescore(pair, matches);
  } catch (const NotFinite& error) {
    if (error.index() >= 0) throw;  // names its image already
    throw NotFinite(
        fmt::format("images {} and {}: {}", planned(pair.first).name, planned(pair.second).name, error.what()));
  }
}

/// The second network's scores of what the first left over; those below its threshold go.
std::vector<Match> BlockMatcher::rescore(ImagePair pair, const std::vector<Match>& survivors) {
  if (survivors.empty()) return {};
  const auto left = patches(pair.first);
  const auto right = patches(pair.second);
  std::vector<IndexPair> listed;
  listed.reserve(survivors.size());
  for (const Match& match : survivors) listed.push_back({match.left, match.right});
  const std::vector<float> scores = work_.rerank->score(left->view(), right->view(), listed, {control_.stop, nullptr});
  statistics_.reranked += std::ssize(survivors);
  std::vector<Match> result;
  for (std::size_t i = 0; i < survivors.size(); ++i) {
    if (scores[i] >= work_.plan.rules.rerank_threshold)
      result.push_back({survivors[i].left, survivors[i].right, scores[i]});
  }
  return result;
}

}  // namespace twinpatch
