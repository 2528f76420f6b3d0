// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "shard_hosts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "hash.hpp"
#include "twinpatch/core/file.hpp"
#include "twinpatch/core/split_mix.hpp"
#include "twinpatch/formats/json.hpp"

namespace twinpatch {
namespace {

/// More than a block of rows of any kernel, and odd; 2-channel networks take milliseconds a pair.
constexpr std::int64_t kTried = 67;
constexpr std::int64_t kTriedPairs = 9;

PatchSet noise(std::int64_t count, Extent size, std::uint64_t seed) {
  PatchSet patches(count, size.height, size.width);
  SplitMix64 random(seed);
  const std::int64_t pixels = std::int64_t{size.height} * size.width;
  for (std::int64_t i = 0; i < count; ++i) {
    std::generate_n(patches.mutable_patch(i), pixels, [&] { return static_cast<std::uint8_t>(random.next() >> 56); });
  }
  return patches;
}

/// Each left patch with two right ones.
std::vector<IndexPair> pairs_of(std::int32_t count) {
  std::vector<IndexPair> pairs;
  for (std::int32_t i = 0; i < count; ++i) {
    pairs.push_back({i, i});
    pairs.push_back({i, (i + 1) % count});
  }
  return pairs;
}

void try_descriptors(Hash& hash, Engine& engine, PatchView left, PatchView right) {
  hash.add_bytes(std::as_bytes(engine.describe(left, Side::left).span()));
  hash.add_bytes(std::as_bytes(engine.describe(right, Side::right).span()));
}

void try_engine(Hash& hash, Engine& engine, Extent size) {
  const bool descriptors = has_descriptors(engine.spec());
  const std::int64_t count = descriptors ? kTried : kTriedPairs;
  const PatchSet left = noise(count, size, 1);
  const PatchSet right = noise(count, size, 2);
  const auto scores = engine.score(left.view(), right.view(), pairs_of(static_cast<std::int32_t>(count)));
  hash.add_bytes(std::as_bytes(std::span(scores)));
  if (!descriptors) return;
  try_descriptors(hash, engine, left.view(), right.view());
  MatchRules best_of_each;
  best_of_each.mutual = false;
  for (const Match& match : engine.match(left, right, best_of_each)) {
    hash.add(match.right).add_bytes(std::as_bytes(std::span(&match.score, 1)));
  }
}

std::optional<ShardHost> parse_line(std::string_view line, const std::filesystem::path& path) {
  try {
    const JsonValue json = parse_json(line, path.string(), 1);
    if (json.find("host") == nullptr) return std::nullopt;
    return ShardHost{path.filename().string(), json.at("host").text(), json.at("fingerprint").text()};
  } catch (const FormatError&) {  // as a journal's other lines: cut off by a kill
    return std::nullopt;
  }
}

std::vector<std::filesystem::path> journals_of(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> journals;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("journal-") && name.ends_with(".jsonl")) journals.push_back(entry.path());
  }
  std::ranges::sort(journals);
  return journals;
}

}  // namespace

ShardHost this_host(const CollectionWork& work) {
  Hash hash;
  const Extent size = work.source.patch_size();
  try_engine(hash, work.engine, size);
  if (work.rerank != nullptr) try_engine(hash, *work.rerank, size);
  const std::string& device = work.engine.device();
  return {"", device.substr(0, device.find(": ")), hash.hex().substr(0, 16)};
}

std::string descriptor_bits(Engine& engine, Extent patch_size, std::span<const PlannedImage> images,
                            const std::filesystem::path& folder) {
  const bool any = std::ranges::any_of(images, [](const PlannedImage& image) { return image.keypoints > 0; });
  if (!any || folder.empty() || !has_descriptors(engine.spec())) return {};
  Hash hash;
  try_descriptors(hash, engine, noise(kTried, patch_size, 1).view(), noise(kTried, patch_size, 2).view());
  return hash.hex();
}

std::string host_line(const ShardHost& host) {
  return nlohmann::ordered_json{{"host", host.device}, {"fingerprint", host.fingerprint}}.dump(
             -1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) +
         '\n';
}

std::vector<ShardHost> hosts_of(std::span<const std::filesystem::path> folders) {
  std::vector<ShardHost> hosts;
  for (const auto& folder : folders) {
    for (const auto& path : journals_of(folder)) {
      const std::string text = read_text_file(path);
      for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        if (auto host = parse_line(std::string_view(text).substr(begin, end - begin), path)) {
          host->journal = path.string();
          hosts.push_back(std::move(*host));
        }
        begin = end + 1;
      }
    }
  }
  return hosts;
}

void check_same_bits(std::span<const ShardHost> hosts) {
  const auto other =
      std::ranges::find_if(hosts, [&](const ShardHost& host) { return host.fingerprint != hosts.front().fingerprint; });
  if (other == hosts.end()) return;
  const auto text = [](const ShardHost& host) {
    return fmt::format("{} ({}{}{})", host.device, host.fingerprint, host.journal.empty() ? "" : ", ", host.journal);
  };
  throw PlanMismatch(fmt::format(
      "parts of one run were computed with other bits: on {} and on {}; compute all on processors or devices "
      "of one kind, or each kind in a run of its own",
      text(hosts.front()), text(*other)));
}

}  // namespace twinpatch
