// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "block_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "hash.hpp"
#include "twinpatch/core/file.hpp"

namespace twinpatch {
namespace {

constexpr std::string_view kMagic = "tpblock1";
constexpr std::int64_t kIdBytes = 32;
static_assert(sizeof(BlockResult::Pair) == 12 && sizeof(Match) == 12);

template <class T>
void append(std::vector<std::byte>& bytes, std::span<const T> values) {
  const auto from = std::as_bytes(values);
  bytes.insert(bytes.end(), from.begin(), from.end());
}

void check_result(ByteReader& reader, const CollectionPlan& plan, const Block& block, const BlockResult& result) {
  std::int64_t matches = 0;
  const ImagePair* before = nullptr;
  for (const BlockResult::Pair& pair : result.pairs) {
    const auto [low, high] = std::minmax(pair.images.first, pair.images.second);
    if (!block.rows.contains(low) || !block.columns.contains(high)) {
      reader.fail(fmt::format("pair ({}, {}) does not belong to its block", pair.images.first, pair.images.second));
    }
    if (before != nullptr && !(*before < pair.images)) reader.fail("pairs are not sorted");
    if (pair.matches < BlockResult::kDropped) reader.fail(fmt::format("a count of {} matches", pair.matches));
    before = &pair.images;
    matches += pair.count();
  }
  if (matches != std::ssize(result.matches)) {
    reader.fail(fmt::format("its pairs have {} matches, the file holds {}", matches, result.matches.size()));
  }
  std::size_t at = 0;
  for (const BlockResult::Pair& pair : result.pairs) {
    const PlannedImage& first = plan.images[static_cast<std::size_t>(pair.images.first)];
    const PlannedImage& second = plan.images[static_cast<std::size_t>(pair.images.second)];
    if (block.pairs == kAnyPairs && std::max(first.since, second.since) > block.generation) {
      at += static_cast<std::size_t>(pair.count());  // of keypoints that are no more
      continue;
    }
    const std::int64_t left = first.keypoints;
    const std::int64_t right = second.keypoints;
    for (std::int32_t n = 0; n < pair.matches; ++n, ++at) {
      const Match& match = result.matches[at];
      if (match.left < 0 || match.left >= left || match.right < 0 || match.right >= right) {
        reader.fail(fmt::format("a match of keypoints {} and {}, the images have {} and {}", match.left, match.right,
                                left, right));
      }
    }
  }
}

}  // namespace

std::filesystem::path block_path(const std::filesystem::path& folder, const CollectionPlan& plan, const Block& block) {
  return folder / "blocks" / (plan.block_id(block) + ".block");
}

std::int64_t matches_offset(const BlockResult& result) {
  return std::ssize(kMagic) + kIdBytes + 24 + std::ssize(result.pairs) * 12;
}

std::uint64_t write_block(const std::filesystem::path& path, const CollectionPlan& plan, const Block& block,
                          const BlockResult& result) {
  std::vector<std::byte> bytes;
  bytes.reserve(72 + result.pairs.size() * 12 + result.matches.size() * 12);
  append(bytes, std::span(kMagic));
  append(bytes, std::span<const char>(plan.id_of(block.generation)));
  const std::int64_t counts[] = {block.number, std::ssize(result.pairs), std::ssize(result.matches)};
  append(bytes, std::span<const std::int64_t>(counts));
  append(bytes, std::span<const BlockResult::Pair>(result.pairs));
  append(bytes, std::span<const Match>(result.matches));
  const std::uint64_t sum = checksum(bytes);
  append(bytes, std::span<const std::uint64_t>(&sum, 1));
  AtomicFile file(path);
  file.write(std::span<const std::byte>(bytes));
  file.commit();
  return sum;
}

ReadBlock read_block(const std::filesystem::path& path, const CollectionPlan& plan, const Block& block) {
  const std::vector<std::byte> bytes = read_file(path);
  ByteReader reader(bytes, path.string());
  const auto text = [&](std::int64_t count, const char* what) {
    const auto taken = reader.take(count, what);
    return std::string_view(reinterpret_cast<const char*>(taken.data()), taken.size());
  };
  if (text(std::ssize(kMagic), "its first bytes") != kMagic) reader.fail("not a block of a run");
  const std::string& expected = plan.id_of(block.generation);
  if (const auto id = text(kIdBytes, "id of its plan"); id != expected) {
    reader.fail(fmt::format("belongs to plan {}, expected {}", id, expected));
  }
  if (const auto number = reader.read<std::int64_t>("number"); number != block.number) {
    reader.fail(fmt::format("is block {}, expected {}", number, block.number));
  }
  const auto pairs = reader.read<std::int64_t>("number of pairs");
  const auto matches = reader.read<std::int64_t>("number of matches");
  if (block.pairs != kAnyPairs && pairs != block.pairs)
    reader.fail(fmt::format("has {} pairs, expected {}", pairs, block.pairs));
  ReadBlock read;
  const auto copy = [&](auto& into, std::int64_t count, const char* what) {
    using Value = typename std::remove_reference_t<decltype(into)>::value_type;
    reader.check_count(count, sizeof(Value), what);
    const auto taken = reader.take(count * static_cast<std::int64_t>(sizeof(Value)), what);
    into.resize(static_cast<std::size_t>(count));
    if (count > 0) std::memcpy(into.data(), taken.data(), taken.size());
  };
  copy(read.result.pairs, pairs, "pairs");
  copy(read.result.matches, matches, "matches");
  const auto covered = static_cast<std::size_t>(reader.offset());
  read.checksum = reader.read<std::uint64_t>("checksum");
  if (reader.left() != 0) reader.fail(fmt::format("{} bytes after its end", reader.left()));
  if (checksum(std::span(bytes).first(covered)) != read.checksum) reader.fail("damaged: the checksum differs");
  check_result(reader, plan, block, read.result);
  return read;
}

}  // namespace twinpatch
