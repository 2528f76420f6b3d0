// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "block_matcher.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <type_traits>

#include "early_pass.hpp"
#include "keypoint_mask.hpp"
#include "twinpatch/core/stopwatch.hpp"

namespace twinpatch {
namespace {

/// The rows of all keypoints that are matched.
std::shared_ptr<const RowChunks> all_rows(const std::shared_ptr<const SideRows>& side) { return {side, &side->all}; }

/// Those that are wanted, in order.
template <class Values>
auto chosen(const Values& values, const std::vector<bool>& wanted) {
  std::vector<std::remove_cv_t<typename Values::value_type>> result;
  for (std::size_t n = 0; n < values.size(); ++n) {
    if (wanted[n]) result.push_back(values[n]);
  }
  return result;
}

GuidedGroup chosen(const GuidedGroup& group, const std::vector<bool>& wanted) {
  GuidedGroup some{
      .first = group.first, .left = group.left, .rights = chosen(group.rights, wanted), .control = group.control};
  some.partners = chosen(group.partners, wanted);
  return some;
}

}  // namespace

BlockMatcher::BlockMatcher(const CollectionWork& work, const std::filesystem::path& descriptors, RunEvents* events,
                           const RunControl& control)
    : work_(work),
      events_(events),
      control_(control),
      budget_(work.engine, work.rerank, work.source.patch_size(), work.plan.tile_keypoints, work.early_exit != nullptr),
      rows_(budget_.rows(), [](const std::shared_ptr<const SideRows>& rows) { return rows->bytes(); }),
      patches_(budget_.patches(),
               [](const std::shared_ptr<const PatchSet>& set) { return set->size() * set->view().patch_bytes(); }),
      images_(work, budget_, descriptors, control) {
  budget_.check_tile(work.plan.tile_keypoints);
  if (work.rerank != nullptr) rule_ = two_stage_rule(work.rerank->model(), work.engine.spec().name);
}

void BlockMatcher::match(std::span<const ImagePair> pairs, std::span<const ImagePair> next, const FoundSink& sink) {
  expect(pairs, next);
  for (const ImageGroup& group : groups(pairs)) match_group(group, sink);
}

const CollectionStatistics& BlockMatcher::statistics() {
  statistics_.row_hits = row_uses_ - rows_.misses();
  statistics_.row_misses = rows_.misses();
  statistics_.waited = images_.waited();
  statistics_.stages.read = images_.reading();
  statistics_.stages.describe = images_.describing();
  statistics_.stages.write = images_.storing();
  return statistics_;
}

/// The pairs in order: each image with as many of its partners as there is room for on the device.
std::vector<BlockMatcher::ImageGroup> BlockMatcher::groups(std::span<const ImagePair> pairs) const {
  std::vector<ImageGroup> result;
  std::int64_t keypoints = 0;  // of the last group
  const std::int64_t most = budget_.rows() / budget_.row_bytes();
  for (const ImagePair pair : pairs) {
    const std::int64_t added = planned(pair.second).keypoints;
    if (result.empty() || result.back().first != pair.first || keypoints + added > most) {
      result.push_back({pair.first, {}});
      keypoints = row_count(work_, planned(pair.first).keypoints, Side::left);
    }
    result.back().seconds.push_back(pair.second);
    keypoints += added;
  }
  return result;
}

/// What the pairs and the next ones will need and is not there, in order of first use.
void BlockMatcher::expect(std::span<const ImagePair> pairs, std::span<const ImagePair> next) {
  std::vector<Needed> order;
  std::set<RowKey> rows;
  std::set<std::int32_t> patches;
  const auto need_rows = [&](std::int32_t image, Side side) {
    if (!rows_.holds({image, side}) && rows.emplace(image, side).second) order.push_back({image, side});
  };
  const auto need_patches = [&](std::int32_t image) {
    if (!patches_.holds(image) && patches.insert(image).second) order.push_back({image, std::nullopt});
  };
  const auto need_group = [&](const ImageGroup& group) {
    const std::vector<std::int32_t> partners = with_keypoints(group);
    if (partners.empty()) return;
    need_rows(group.first, Side::left);
    if (!rule_) {
      for (const std::int32_t image : partners) need_rows(image, Side::right);
      return;
    }
    for (const std::int32_t image : partners) {
      need_rows(image, Side::right);
      need_rows(image, Side::left);
      if (image == partners.front()) need_rows(group.first, Side::right);
      if (image == partners.front()) need_patches(group.first);
      need_patches(image);
    }
  };
  for (const ImageGroup& group : groups(pairs)) need_group(group);
  for (const ImageGroup& group : groups(next)) need_group(group);
  images_.expect(order);
}

std::shared_ptr<const SideRows> BlockMatcher::rows(std::int32_t image, Side side) {
  return rows_.get({image, side}, [&] { return take_rows({image, side}); });
}

std::shared_ptr<const SideRows> BlockMatcher::take_rows(const RowKey& key) {
  const ImageRows::Made made = images_.take(key);
  if (!made.damage.empty() && events_ != nullptr) events_->descriptors_damaged(planned(key.first).name, made.damage);
  statistics_.described += made.described;
  statistics_.descriptors_read += made.descriptors_read ? 1 : 0;
  if (made.patches != nullptr) {  // the second network will want them too
    (void)patches_.get(key.first, [&] { return made.patches; });
  }
  return made.rows;
}

std::shared_ptr<const PatchSet> BlockMatcher::patches(std::int32_t image) {
  return patches_.get(image, [&] { return images_.patches(image); });
}

/// Partners with which there is something to compare.
std::vector<std::int32_t> BlockMatcher::with_keypoints(const ImageGroup& group) const {
  std::vector<std::int32_t> result;
  if (matched_keypoints(group.first) == 0) return result;
  std::copy_if(group.seconds.begin(), group.seconds.end(), std::back_inserter(result),
               [&](std::int32_t image) { return matched_keypoints(image) > 0; });
  return result;
}

/// How many keypoints of an image are matched: all but those under a mask.
std::int64_t BlockMatcher::matched_keypoints(std::int32_t image) const {
  const std::int64_t all = planned(image).keypoints;
  if (all == 0) return 0;
  const VisibleKeypoints visible = visible_keypoints(work_.source, image, all);
  return visible ? std::ssize(*visible) : all;
}

void BlockMatcher::match_group(const ImageGroup& group, const FoundSink& sink) {
  control_.check();
  const std::vector<std::int32_t> partners = with_keypoints(group);
  std::vector<PartnerMatches> found = compare(group.first, partners);
  std::size_t n = 0;
  for (const std::int32_t second : group.seconds) {
    control_.check();
    const ImagePair pair{group.first, second};
    PartnerMatches of_partner = std::vector<Match>();
    if (n < partners.size() && partners[n] == second) of_partner = std::move(found[n++]);
    const bool dropped = !of_partner;
    std::vector<Match> matches = std::move(of_partner).value_or(std::vector<Match>());
    ++statistics_.pairs;
    const std::int64_t planned_comparisons = planned(pair.first).keypoints * planned(pair.second).keypoints;
    const std::int64_t comparisons = dropped ? 0 : matched_keypoints(pair.first) * matched_keypoints(pair.second);
    statistics_.dropped += dropped ? 1 : 0;
    statistics_.comparisons += comparisons;
    control_.advance(planned_comparisons - comparisons);
    statistics_.matches += std::ssize(matches);
    sink({pair, matches, dropped});
  }
}

/// Matches of an image with each of its partners, which all have keypoints.
std::vector<BlockMatcher::PartnerMatches> BlockMatcher::compare(std::int32_t image,
                                                                std::span<const std::int32_t> partners) {
  if (partners.empty()) return {};
  const std::shared_ptr<const SideRows> left = rows(image, Side::left);
  GuidedGroup group = named_group(image, partners);
  group.left = all_rows(left);
  for (const std::int32_t partner : partners) group.rights.push_back(all_rows(rows(partner, Side::right)));
  row_uses_ += 2 * std::ssize(partners);
  const std::vector<bool> kept = promising(image, partners, group, *left);
  const std::vector<std::int32_t> kept_partners = chosen(partners, kept);
  group = chosen(group, kept);
  auto found = rule_ ? two_stages(image, kept_partners) : first_pass(image, kept_partners, group);
  if (work_.guide != nullptr) second_pass(image, kept_partners, group, found);
  restore_numbers(image, kept_partners, found);
  std::vector<PartnerMatches> result(partners.size());
  for (std::size_t n = 0, next = 0; n < partners.size(); ++n) {
    if (kept[n]) result[n] = std::move(found[next++]);
  }
  return result;
}

/// The names of an image and its partners, and which of their keypoints are matched: for those who look at geometry.
GuidedGroup BlockMatcher::named_group(std::int32_t image, std::span<const std::int32_t> partners) const {
  GuidedGroup group{.control = control_.quiet()};
  if (work_.guide == nullptr && work_.early_exit == nullptr) return group;
  const auto named = [&](std::int32_t of) {
    return GuidedImage{planned(of).name, visible_keypoints(work_.source, of, planned(of).keypoints)};
  };
  group.first = named(image);
  for (const std::int32_t partner : partners) group.partners.push_back(named(partner));
  return group;
}

/// Which partners an early exit leaves. Those whose geometry is known stay.
std::vector<bool> BlockMatcher::promising(std::int32_t image, std::span<const std::int32_t> partners,
                                          const GuidedGroup& group, const SideRows& left) {
  std::vector<bool> kept(partners.size(), true);
  if (left.sampled.empty()) return kept;
  std::vector<bool> tried;
  for (const std::int32_t partner : partners) tried.push_back(needs_matches(image, partner));
  const GuidedGroup some = chosen(group, tried);
  const Stopwatch watch;
  std::vector<bool> keep;
  try {
    keep = keep_partners(work_.engine, *work_.early_exit, sample_rules(), some, {left.sample, left.sampled});
  } catch (const NotFinite& error) {
    throw_of_images({image, chosen(partners, tried)[static_cast<std::size_t>(error.right_set())]}, error);
  }
  statistics_.stages.sample += watch.seconds();
  statistics_.sampled += std::ssize(some.rights);
  statistics_.sampled_rows += std::ssize(some.rights) * left.sample.size;
  for (const auto& right : some.rights) statistics_.sampled_comparisons += left.sample.size * right->size;
  for (std::size_t n = 0, next = 0; n < partners.size(); ++n) {
    if (tried[n]) kept[n] = keep[next++];
  }
  return kept;
}

/// By which a sample is matched: by the first network alone, whatever decides about its whole image.
MatchRules BlockMatcher::sample_rules() const {
  const MatchRules& rules = work_.plan.rules.match;
  if (!rule_) return rules;
  MatchRules of_first;
  of_first.mutual = rules.mutual;
  if (scores_are_distances(work_.engine.spec())) of_first.ratio = kSampleRatio;
  return of_first;
}

/// Whether the pair's geometry is not known.
bool BlockMatcher::needs_matches(std::int32_t image, std::int32_t partner) const {
  return work_.guide == nullptr || work_.guide->needs_matches(planned(image).name, planned(partner).name);
}

/// Everything with everything; nothing for partners whose geometry is known.
std::vector<std::vector<Match>> BlockMatcher::first_pass(std::int32_t image, std::span<const std::int32_t> partners,
                                                         const GuidedGroup& group) {
  std::vector<std::size_t> compared;
  std::vector<GridSide> rights;
  std::int64_t skipped = 0;
  for (std::size_t n = 0; n < partners.size(); ++n) {
    if (!needs_matches(image, partners[n])) {
      skipped += group.left->size * group.rights[n]->size;
      continue;
    }
    compared.push_back(n);
    rights.emplace_back(*group.rights[n]);
  }
  control_.advance(skipped);
  AdvanceOnly advance(control_.progress);
  const Stopwatch watch;
  std::vector<std::vector<Match>> found(partners.size());
  try {
    auto matched = work_.engine.match(*group.left, rights, work_.plan.rules.match, {control_.stop, &advance});
    statistics_.stages.match += watch.seconds();
    for (std::size_t n = 0; n < compared.size(); ++n) found[compared[n]] = std::move(matched[n]);
    return found;
  } catch (const NotFinite& error) {
    throw_of_images({image, partners[compared[static_cast<std::size_t>(error.right_set())]]}, error);
  }
}

/// What lies where the guide says.
void BlockMatcher::second_pass(std::int32_t image, std::span<const std::int32_t> partners, const GuidedGroup& group,
                               std::vector<std::vector<Match>>& found) {
  const Stopwatch watch;
  const auto match = [&](std::size_t n, const PairGuidance& guidance) {
    const MatchRules rules = guidance.applied_to(work_.plan.rules.match);
    try {
      if (!rule_) return work_.engine.match(*group.left, *group.rights[n], guidance.mask, rules, group.control);
      return match_in_band({image, partners[n]}, {*group.left, *group.rights[n], guidance.mask, rules});
    } catch (const NotFinite& error) {
      throw_of_images({image, partners[n]}, error);
    }
  };
  const GuidedCounts counts = match_guided(*work_.guide, group, found, match);
  statistics_.stages.guided += watch.seconds();
  statistics_.guided += counts.pairs;
  statistics_.guided_comparisons += counts.comparisons;
}

/// From numbers among the keypoints that are matched to those among all.
void BlockMatcher::restore_numbers(std::int32_t image, std::span<const std::int32_t> partners,
                                   std::vector<std::vector<Match>>& found) const {
  const auto visible_of = [&](std::int32_t of) { return visible_keypoints(work_.source, of, planned(of).keypoints); };
  const VisibleKeypoints left = visible_of(image);
  for (std::size_t n = 0; n < found.size(); ++n) {
    const VisibleKeypoints right = visible_of(partners[n]);
    for (Match& match : found[n]) {
      if (left) match.left = (*left)[static_cast<std::size_t>(match.left)];
      if (right) match.right = (*right)[static_cast<std::size_t>(match.right)];
    }
  }
}

void BlockMatcher::throw_of_images(ImagePair pair, const NotFinite& error) const {
  throw NotFinite(
      fmt::format("images {} and {}: {}", planned(pair.first).name, planned(pair.second).name, error.what()),
      error.pair(), error.score());
}

}  // namespace twinpatch
