// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <map>

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "twinpatch/collection/plan.hpp"

namespace twinpatch {
namespace {

bool parse_number(std::string_view text, std::int64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

std::int64_t environment_number(const char* name, std::int64_t otherwise) {
  const char* const text = std::getenv(name);
  if (text == nullptr) return otherwise;
  std::int64_t value = 0;
  if (!parse_number(text, value)) throw InvalidArgument(fmt::format("{}: expected a number, found \"{}\"", name, text));
  return value;
}

}  // namespace

Shard Shard::parse(const std::string& text) {
  const auto slash = text.find('/');
  std::int64_t number = 0;
  Shard shard;
  if (slash == std::string::npos || !parse_number(std::string_view(text).substr(0, slash), number) ||
      !parse_number(std::string_view(text).substr(slash + 1), shard.count) || shard.count < 1 || number < 1 ||
      number > shard.count) {
    throw InvalidArgument(fmt::format("a shard is i/N with 1 ≤ i ≤ N, such as 2/8; found \"{}\"", text));
  }
  shard.index = number - 1;
  return shard;
}

std::optional<std::int64_t> Shard::slurm_task() {
  if (std::getenv("SLURM_ARRAY_TASK_ID") == nullptr) return std::nullopt;
  return environment_number("SLURM_ARRAY_TASK_ID", 0);
}

Shard Shard::from_slurm() {
  const auto id = slurm_task();
  if (!id) throw InvalidArgument("SLURM_ARRAY_TASK_ID is not set: this is no task of a Slurm job array");
  const std::int64_t first = environment_number("SLURM_ARRAY_TASK_MIN", 0);
  const std::int64_t step = std::max<std::int64_t>(1, environment_number("SLURM_ARRAY_TASK_STEP", 1));
  const Shard shard{(*id - first) / step, environment_number("SLURM_ARRAY_TASK_COUNT", 0)};
  const std::int64_t last = environment_number("SLURM_ARRAY_TASK_MAX", first + (shard.count - 1) * step);
  // A task is told the first number, the last and how many there are, not which: a list such as 1,5,9 has no i-th.
  if (shard.count < 1 || (last - first) / step + 1 != shard.count) {
    throw InvalidArgument(
        fmt::format("the Slurm job array has {} tasks, numbered from {} to {} with gaps; number them without "
                    "(--array=1-{}), or work out i/N in the job's script",
                    shard.count, first, last, std::max<std::int64_t>(1, shard.count)));
  }
  if (shard.index < 0 || shard.index >= shard.count || (*id - first) % step != 0) {
    throw InvalidArgument(fmt::format("SLURM_ARRAY_TASK_ID {} is not one of {} tasks from {} in steps of {}", *id,
                                      shard.count, first, step));
  }
  return shard;
}

std::string Shard::text() const { return fmt::format("{}/{}", index + 1, count); }

std::vector<std::int64_t> shard_blocks(const CollectionPlan& plan, const Shard& shard) {
  if (shard.count < 1 || shard.index < 0 || shard.index >= shard.count) {
    throw InvalidArgument(fmt::format("shard {} of {}", shard.index, shard.count));
  }
  // A block belongs to the shard in whose share of all comparisons its middle lies (pairs without keypoints count 1).
  // Each generation is shared out by itself: the blocks of earlier ones are usually done.
  const auto weight = [](const Block& block) { return static_cast<double>(block.comparisons + block.pairs); };
  std::map<int, double> total;
  for (const Block& block : plan.blocks) total[block.generation] += weight(block);
  std::map<int, double> before;
  std::vector<std::int64_t> blocks;
  const auto count = static_cast<double>(shard.count);
  for (const Block& block : plan.blocks) {
    double& passed = before[block.generation];
    const double of_all = total[block.generation];
    const double middle = (passed + weight(block) / 2) * count;
    const bool reached = middle >= of_all * static_cast<double>(shard.index);
    const bool next_reached = shard.index + 1 < shard.count && middle >= of_all * static_cast<double>(shard.index + 1);
    if (reached && !next_reached) blocks.push_back(block.number);
    passed += weight(block);
  }
  return blocks;
}

}  // namespace twinpatch
