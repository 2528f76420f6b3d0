// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "collection/collection_support.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>

namespace twinpatch::test {
namespace {

constexpr int kHeight = 6;
constexpr int kWidth = 5;
constexpr int kLength = 9;

const char* const kOddNames[] = {"plain.jpg",     "with blank.jpg", "quote'\".jpg", "Straße_ü.png",
                                 "latin\xe4.png", "tab\there",      "new\nline",    "back\\slash"};

}  // namespace

namespace {

NetworkSpec tiny_network(Tiny kind) {
  NetworkSpec spec;
  spec.name = "tiny";
  spec.input = Extent{kHeight, kWidth};
  const bool pairs = kind == Tiny::two_channel;
  spec.coupling = pairs                       ? Coupling::two_channel
                  : kind == Tiny::pseudo_head ? Coupling::pseudo_siamese
                                              : Coupling::siamese;
  spec.streams = {Stream{{}, {Linear{(pairs ? 2 : 1) * kHeight * kWidth, kLength}}}};
  if (kind == Tiny::l2) {
    spec.decision = DecisionMetric{DecisionMetric::Kind::l2, true};
  } else if (pairs) {
    spec.decision = DecisionLayers{{Linear{kLength, 1}}};
  } else {
    spec.decision = DecisionLayers{{Linear{2 * kLength, 12}, Activation{Activation::Kind::relu}, Linear{12, 1}}};
  }
  return spec;
}

Engine on_cpu(Model model, std::int64_t memory) {
  ExecutionOptions options;
  options.device = "cpu";
  options.memory = memory;
  return {std::move(model), options};
}

}  // namespace

Engine tiny_engine(Tiny kind, std::int64_t memory, std::uint64_t seed) {
  return on_cpu(random_model(tiny_network(kind), seed), memory);
}

Engine tiny_second(const TwoStageRule& rule, std::uint64_t seed) {
  Model model = random_model(tiny_network(Tiny::two_channel), seed);
  store_two_stage_rule(model, rule);
  return on_cpu(std::move(model), 0);
}

MemoryImageSource random_images(std::int64_t count, std::int64_t most_keypoints, std::uint64_t seed) {
  Random random(seed);
  MemoryImageSource source;
  std::vector<std::uint8_t> before;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t keypoints = random.below(5) == 0 ? 0 : 1 + random.below(most_keypoints);
    PatchSet patches(keypoints, kHeight, kWidth);
    std::vector<std::uint8_t> pixels(static_cast<std::size_t>(keypoints * kHeight * kWidth));
    for (std::size_t at = 0; at < pixels.size(); ++at) {
      const bool seen = at < before.size() && at / (kHeight * kWidth) % 3 != 0;
      const std::int64_t value = seen ? before[at] + random.below(5) - 2 : random.below(256);
      pixels[at] = static_cast<std::uint8_t>(std::clamp<std::int64_t>(value, 0, 255));
    }
    for (std::int64_t k = 0; k < keypoints; ++k) {
      std::copy_n(pixels.data() + k * kHeight * kWidth, kHeight * kWidth, patches.mutable_patch(k));
    }
    source.add(std::to_string(i) + kOddNames[static_cast<std::size_t>(i) % std::size(kOddNames)], std::move(patches));
    if (keypoints > 0) before = pixels;
  }
  return source;
}

AllMatches matches_of(const std::filesystem::path& folder) {
  AllMatches all;
  CollectionMatches(folder).for_each([&](ImagePair pair, std::span<const Match> matches) {
    all.emplace(pair, std::vector<Match>(matches.begin(), matches.end()));
  });
  return all;
}

AllMatches expected_matches(Engine& engine, const ImageSource& source, const PairSelection& pairs,
                            const MatchRules& rules) {
  AllMatches all;
  const auto last = static_cast<std::int32_t>(source.size());
  for (const ImagePair pair : pairs.within({0, last}, {0, last})) {
    const PatchSet left = source.patches(pair.first);
    const PatchSet right = source.patches(pair.second);
    all.emplace(pair, left.size() == 0 || right.size() == 0 ? std::vector<Match>() : engine.match(left, right, rules));
  }
  return all;
}

std::map<std::string, std::string> block_files(const std::filesystem::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "blocks")) {
    if (entry.path().extension() != ".block") continue;
    std::ifstream in(entry.path(), std::ios::binary);
    std::stringstream content;
    content << in.rdbuf();
    files.emplace(entry.path().filename().string(), content.str());
  }
  return files;
}

}  // namespace twinpatch::test
