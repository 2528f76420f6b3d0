// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "plan_id.hpp"
#include "twinpatch/collection/plan.hpp"
#include "twinpatch/collection/rules_text.hpp"
#include "twinpatch/core/file.hpp"
#include "twinpatch/formats/json.hpp"

// A plan as JSON. Floats that decide the result are written as their bits too would be: with nine digits they come back
// the same. Names may be any bytes; JSON holds UTF-8 alone, so names that are not are written as {"bytes": "hex"}.

namespace twinpatch {
namespace {

using Json = nlohmann::ordered_json;
/// Of one image: its indices are 32-bit.
constexpr std::int64_t kMostKeypoints = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

float parse_float(const JsonValue& json) {
  const std::string& text = json.text();
  if (text == "-inf") return -std::numeric_limits<float>::infinity();
  float value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) json.fail("expected a number in quotes");
  return value;
}

Json name_json(const std::string& name) {
  try {
    (void)Json(name).dump();
    return name;
  } catch (const Json::type_error&) {
    std::string hex;
    for (const char byte : name) hex += fmt::format("{:02x}", static_cast<unsigned char>(byte));
    return {{"bytes", hex}};
  }
}

std::string name_from(const JsonValue& json) {
  if (json.is_text()) return json.text();
  const std::string& hex = json.at("bytes").text();
  std::string name;
  for (std::size_t at = 0; at < hex.size(); at += 2) {
    unsigned byte = 0;
    const char* const stop = hex.data() + std::min(at + 2, hex.size());
    const auto [end, error] = std::from_chars(hex.data() + at, stop, byte, 16);
    if (error != std::errc{} || end != hex.data() + at + 2) json.at("bytes").fail("expected pairs of hex digits");
    name += static_cast<char>(byte);
  }
  return name;
}

Json to_json(const CollectionPlan& plan) {
  Json images = Json::array();
  for (const PlannedImage& image : plan.images) {
    images.push_back(Json::array({name_json(image.name), image.keypoints, image.key}));
  }
  Json blocks = Json::array();
  for (const Block& block : plan.blocks) {
    blocks.push_back(Json::array(
        {block.rows.begin, block.rows.end, block.columns.begin, block.columns.end, block.pairs, block.comparisons}));
  }
  const MatchRules& rules = plan.rules.match;
  return {{"schema", kPlanSchema},
          {"id", plan.id},
          {"model", plan.model},
          {"rerank_model", plan.rerank_model},
          {"numbers", plan.numerics},
          {"mutual", rules.mutual},
          {"ratio", rules.ratio ? Json(exact_text(*rules.ratio)) : Json(nullptr)},
          {"threshold", exact_text(rules.threshold)},
          {"rerank_threshold", exact_text(plan.rules.rerank_threshold)},
          {"patch_settings", name_json(plan.patch_settings)},
          {"pair_key", plan.pair_key},
          {"tile_keypoints", plan.tile_keypoints},
          {"images", std::move(images)},
          {"blocks", std::move(blocks)}};
}

void check_block(const Block& block, std::int64_t images, const JsonValue& json) {
  const auto inside = [&](ImageRange range) {
    return 0 <= range.begin && range.begin < range.end && range.end <= images;
  };
  if (inside(block.rows) && inside(block.columns)) return;
  json.fail(fmt::format("block {}: images [{}, {}) × [{}, {}), {} pairs, in a run of {} images", block.number,
                        block.rows.begin, block.rows.end, block.columns.begin, block.columns.end, block.pairs, images));
}

CollectionPlan from_json(const JsonValue& json) {
  if (const std::string& schema = json.at("schema").text(); schema != kPlanSchema) {
    json.at("schema").fail(fmt::format("schema: expected {}, found {}", kPlanSchema, schema));
  }
  CollectionPlan plan;
  plan.id = json.at("id").text();
  plan.model = json.at("model").text();
  plan.rerank_model = json.at("rerank_model").text();
  plan.numerics = json.at("numbers").text();
  plan.rules.match.mutual = json.at("mutual").boolean();
  if (!json.at("ratio").is_null()) plan.rules.match.ratio = parse_float(json.at("ratio"));
  plan.rules.match.threshold = parse_float(json.at("threshold"));
  plan.rules.rerank_threshold = parse_float(json.at("rerank_threshold"));
  plan.patch_settings = name_from(json.at("patch_settings"));
  plan.pair_key = json.at("pair_key").text();
  plan.tile_keypoints = json.at("tile_keypoints").integer(0, kMost);
  for (const JsonValue& image : json.at("images").list()) {
    plan.images.push_back({name_from(image.at(0)), image.at(1).integer(0, kMostKeypoints), image.at(2).text()});
  }
  std::int64_t pairs = 0;
  std::int64_t comparisons = 0;
  constexpr std::int64_t kMostImages = std::numeric_limits<std::int32_t>::max();
  for (const JsonValue& block : json.at("blocks").list()) {
    const auto image = [&](std::size_t i) { return static_cast<std::int32_t>(block.at(i).integer(0, kMostImages)); };
    plan.blocks.push_back({std::ssize(plan.blocks),
                           {image(0), image(1)},
                           {image(2), image(3)},
                           block.at(4).integer(1, kMost),
                           block.at(5).integer(0, kMost)});
    check_block(plan.blocks.back(), std::ssize(plan.images), block);
    // Whoever asks a plan for its sums need not check them.
    if (__builtin_add_overflow(pairs, plan.blocks.back().pairs, &pairs) ||
        __builtin_add_overflow(comparisons, plan.blocks.back().comparisons, &comparisons)) {
      block.fail("the blocks have more pairs or comparisons than 64 bits count");
    }
  }
  return plan;
}

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

CollectionPlan read_plan(const std::filesystem::path& path) {
  CollectionPlan plan = from_json(parse_json(read_text_file(path), path.string()));
  if (const std::string found = plan_id(plan); found != plan.id) {
    throw FormatError(path.string(), -1, fmt::format("damaged: its id is {}, its content has {}", plan.id, found));
  }
  return plan;
}

void write_plan(const std::filesystem::path& path, const CollectionPlan& plan) {
  AtomicFile file(path);
  file.write(to_json(plan).dump(0, ' ', false, Json::error_handler_t::replace) + "\n");
  file.commit();
}

void check_same_plan(const CollectionPlan& wanted, const CollectionPlan& found, const std::filesystem::path& folder) {
  if (wanted.id == found.id) return;
  compare("model", wanted.model, found.model, folder);
  compare("second model", wanted.rerank_model, found.rerank_model, folder);
  compare("precision", wanted.numerics, found.numerics, folder);
  compare("set of match rules", rules_text(wanted.rules), rules_text(found.rules), folder);
  compare("patch extraction", wanted.patch_settings, found.patch_settings, folder);
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
  compare("tile size in keypoints", std::to_string(wanted.tile_keypoints), std::to_string(found.tile_keypoints),
          folder);
  compare("division into blocks", wanted.id, found.id, folder);
}

}  // namespace twinpatch
