// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "support/random.hpp"
#include "twinpatch/collection/matches.hpp"
#include "twinpatch/collection/plan.hpp"
#include "twinpatch/collection/run.hpp"
#include "twinpatch/engine/two_stage.hpp"

namespace twinpatch::test {

/// Networks that cost next to nothing, run by the CPU's engine.
enum class Tiny { l2, head, pseudo_head, two_channel };
[[nodiscard]] Engine tiny_engine(Tiny kind, std::int64_t memory = 0, std::uint64_t seed = 1);
/// A 2-channel network with a rule for candidates of "tiny".
[[nodiscard]] Engine tiny_second(const TwoStageRule& rule, std::uint64_t seed = 5);

/// Random patches of 6×5 pixels; image i + 1 holds some patches of image i with noise, so that there is what to match.
/// Some images are empty. Names hold blanks, quotes, letters outside ASCII, and bytes that are no UTF-8.
[[nodiscard]] MemoryImageSource random_images(std::int64_t count, std::int64_t most_keypoints, std::uint64_t seed);

/// All matches of a run, by pair.
using AllMatches = std::map<ImagePair, std::vector<Match>>;
[[nodiscard]] AllMatches matches_of(const std::filesystem::path& folder);
/// Each pair by itself through Engine::match.
[[nodiscard]] AllMatches expected_matches(Engine& engine, const ImageSource& source, const PairSelection& pairs,
                                          const MatchRules& rules);

/// Content of every block file by its name, in the order of names.
[[nodiscard]] std::map<std::string, std::string> block_files(const std::filesystem::path& folder);

/// Takes part in every pair: an ImageSource that stands in front of another one.
class WrappedSource : public ImageSource {
 public:
  explicit WrappedSource(const ImageSource& inner) : inner_(inner) {}
  std::int64_t size() const override { return inner_.size(); }
  std::string name(std::int64_t image) const override { return inner_.name(image); }
  std::int64_t keypoint_count(std::int64_t image) const override { return inner_.keypoint_count(image); }
  std::string content_key(std::int64_t image) const override { return inner_.content_key(image); }
  std::string patch_settings() const override { return inner_.patch_settings(); }
  Extent patch_size() const override { return inner_.patch_size(); }
  PatchSet patches(std::int64_t image) const override { return inner_.patches(image); }

 private:
  const ImageSource& inner_;
};

}  // namespace twinpatch::test
