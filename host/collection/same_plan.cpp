// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "same_plan.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "twinpatch/collection/rules_text.hpp"

namespace twinpatch {
namespace {

/// "model: siam 12…, asked for siam-l2 34…"
void compare(const char* what, const std::string& wanted, const std::string& found,
             const std::filesystem::path& folder) {
  if (wanted == found) return;
  throw PlanMismatch(
      fmt::format("{} holds a run with another {}: found {}, expected {}; use another folder, or remove this one",
                  folder.string(), what, found.empty() ? "none" : found, wanted.empty() ? "none" : wanted));
}

void compare_image(const PlannedImage& wanted, const PlannedImage& found, const std::filesystem::path& folder) {
  const auto fail = [&](const std::string& what) {
    throw ImageChanged(found.name, fmt::format("image {} changed since the run in {} was planned: {}", found.name,
                                               folder.string(), what));
  };
  if (wanted.keypoints != found.keypoints) {
    fail(fmt::format("it had {} keypoints, now it has {}", found.keypoints, wanted.keypoints));
  }
  if (wanted.key != found.key) fail("its pixels or keypoints differ");
}

}  // namespace

void check_same_settings(const CollectionPlan& wanted, const CollectionPlan& found,
                         const std::filesystem::path& folder) {
  compare("model", wanted.model, found.model, folder);
  compare("second model", wanted.rerank_model, found.rerank_model, folder);
  compare("precision", wanted.numerics, found.numerics, folder);
  compare("set of match rules", rules_text(wanted.rules), rules_text(found.rules), folder);
  compare("patch extraction", wanted.patch_settings, found.patch_settings, folder);
  compare("tile size in keypoints", std::to_string(wanted.tile_keypoints), std::to_string(found.tile_keypoints),
          folder);
}

void check_same_plan(const CollectionPlan& wanted, const CollectionPlan& found, const std::filesystem::path& folder) {
  if (wanted.id == found.id) return;
  check_same_settings(wanted, found, folder);
  const auto& asked = wanted.images;
  const auto& held = found.images;
  for (std::size_t i = 0; i < std::min(asked.size(), held.size()); ++i) {
    if (asked[i].name != held[i].name) {
      throw PlanMismatch(fmt::format(
          "{} holds a run of other images: number {} was {}, now {}; use another folder, or remove this one",
          folder.string(), i, held[i].name, asked[i].name));
    }
    compare_image(asked[i], held[i], folder);
  }
  if (asked.size() != held.size()) {
    const auto& extra = asked.size() > held.size() ? asked[held.size()] : held[asked.size()];
    throw PlanMismatch(fmt::format(
        "{} holds a run of {} images, now there are {}: {} {}; use another folder, or remove this one", folder.string(),
        held.size(), asked.size(), extra.name, asked.size() > held.size() ? "was added" : "is missing"));
  }
  const auto pairs = [](const CollectionPlan& plan) {
    return fmt::format("{} pairs ({})", plan.pairs(), plan.pair_key.substr(0, 8));
  };
  compare("selection of pairs", pairs(wanted), pairs(found), folder);
  compare("division into blocks", wanted.id, found.id, folder);
}

}  // namespace twinpatch
