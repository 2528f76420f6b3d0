// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "planned_work.hpp"

#include <fmt/format.h>

#include <string_view>
#include <unordered_map>

namespace twinpatch {
namespace {

/// The number in the plan of each image of a source.
std::vector<std::int32_t> numbers_of(const ImageSource& source, const CollectionPlan& plan) {
  std::unordered_map<std::string_view, std::int32_t> planned;
  for (std::int32_t i = 0; i < std::ssize(plan.images); ++i) {
    planned.emplace(plan.images[static_cast<std::size_t>(i)].name, i);
  }
  std::vector<std::int32_t> numbers;
  for (std::int64_t i = 0; i < source.size(); ++i) {
    const auto found = planned.find(source.name(i));
    if (found == planned.end()) {
      throw InvalidArgument(fmt::format("image \"{}\" is not in the plan", source.name(i)));
    }
    numbers.push_back(found->second);
  }
  return numbers;
}

std::vector<std::int32_t> originals_of(const std::vector<std::int32_t>& numbers, std::size_t images) {
  std::vector<std::int32_t> originals(images, -1);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    originals[static_cast<std::size_t>(numbers[i])] = static_cast<std::int32_t>(i);
  }
  return originals;
}

}  // namespace

std::int64_t RenumberedSource::original(std::int64_t image) const {
  const std::int32_t number = originals_.at(static_cast<std::size_t>(image));
  if (number < 0) throw InvalidArgument(fmt::format("image \"{}\" is no longer there", planned(image).name));
  return number;
}

PlannedWork::PlannedWork(const CollectionWork& given)
    : source_(given.source, given.plan, originals_of(numbers_of(given.source, given.plan), given.plan.images.size())),
      pairs_(given.pairs.renumbered(numbers_of(given.source, given.plan), std::ssize(given.plan.images))),
      work_{given.engine, source_, pairs_, given.plan, given.rerank, given.guide, given.early_exit} {}

}  // namespace twinpatch
