// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "plan_id.hpp"
#include "tiles.hpp"
#include "twinpatch/collection/plan.hpp"
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
  const bool continued = plan.generation() > 0;
  for (const PlannedImage& image : plan.images) {
    images.push_back(Json::array({name_json(image.name), image.keypoints, image.key}));
    if (continued) images.back().insert(images.back().end(), {image.since, image.gone});
  }
  Json blocks = Json::array();
  for (const Block& block : plan.blocks) {
    blocks.push_back(Json::array(
        {block.rows.begin, block.rows.end, block.columns.begin, block.columns.end, block.pairs, block.comparisons}));
    if (continued) blocks.back().push_back(block.generation);
  }
  const MatchRules& rules = plan.rules.match;
  Json json{{"schema", plan_schema(plan)},
            {"id", plan.id},
            {"model", plan.model},
            {"rerank_model", plan.rerank_model},
            {"numbers", plan.numerics},
            {"mutual", rules.mutual},
            {"ratio", rules.ratio ? Json(exact_text(*rules.ratio)) : Json(nullptr)},
            {"threshold", exact_text(rules.threshold)},
            {"rerank_threshold", "-inf"},  // earlier versions had one: a plan keeps its bytes
            {"patch_settings", name_json(plan.patch_settings)},
            {"pair_key", plan.pair_key},
            {"tile_keypoints", plan.tile_keypoints},
            {"images", std::move(images)},
            {"blocks", std::move(blocks)}};
  if (!plan.rules.two_stages.empty()) json["two_stages"] = plan.rules.two_stages;
  if (!plan.rules.guide.empty()) json["guide"] = plan.rules.guide;
  if (!plan.rules.early_exit.empty()) json["early_exit"] = plan.rules.early_exit;
  if (!continued) return json;
  json["generations"] = plan.generations;
  json["tile_ends"] = Json::array();
  for (const ImageRange tile : plan.tiles) json["tile_ends"].push_back(tile.end);
  return json;
}

/// "twinpatch.plan/1" has no tiles: they follow from its images.
std::vector<ImageRange> read_tiles(const JsonValue& json, const CollectionPlan& plan) {
  if (plan.generations.empty()) return cut_tiles(plan.images, plan.tile_keypoints);
  std::vector<ImageRange> tiles;
  std::int32_t begin = 0;
  for (const JsonValue& end : json.at("tile_ends").list()) {
    const auto to = static_cast<std::int32_t>(end.integer(std::int64_t{begin} + 1, std::ssize(plan.images)));
    tiles.push_back({begin, to});
    begin = to;
  }
  if (begin != std::ssize(plan.images)) json.at("tile_ends").fail("the tiles do not hold every image");
  return tiles;
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
  CollectionPlan plan;
  const std::string& schema = json.at("schema").text();
  const bool continued = schema != plan_schema(plan);
  if (continued) {
    plan.generations.emplace_back();
    if (schema != plan_schema(plan)) {
      json.at("schema").fail(fmt::format("schema: expected twinpatch.plan/1 or /2, found {}", schema));
    }
    plan.generations.clear();
    for (const JsonValue& id : json.at("generations").list()) plan.generations.push_back(id.text());
    if (plan.generations.empty()) json.at("generations").fail("expected the plans before this one, found none");
  }
  plan.id = json.at("id").text();
  plan.model = json.at("model").text();
  plan.rerank_model = json.at("rerank_model").text();
  plan.numerics = json.at("numbers").text();
  plan.rules.match.mutual = json.at("mutual").boolean();
  if (!json.at("ratio").is_null()) plan.rules.match.ratio = parse_float(json.at("ratio"));
  plan.rules.match.threshold = parse_float(json.at("threshold"));
  if (const JsonValue* rule = json.find("two_stages")) plan.rules.two_stages = rule->text();
  if (const JsonValue* old = json.find("rerank_threshold"); old != nullptr && old->text() != "-inf")
    old->fail("the run is of an earlier version, whose second network scored what the first had matched");
  if (const JsonValue* guide = json.find("guide")) plan.rules.guide = guide->text();
  if (const JsonValue* rule = json.find("early_exit")) plan.rules.early_exit = rule->text();
  plan.patch_settings = name_from(json.at("patch_settings"));
  plan.pair_key = json.at("pair_key").text();
  plan.tile_keypoints = json.at("tile_keypoints").integer(0, kMost);
  for (const JsonValue& image : json.at("images").list()) {
    plan.images.push_back({name_from(image.at(0)), image.at(1).integer(0, kMostKeypoints), image.at(2).text()});
    if (!continued) continue;
    plan.images.back().since = static_cast<int>(image.at(3).integer(0, plan.generation()));
    plan.images.back().gone = image.at(4).boolean();
  }
  plan.tiles = read_tiles(json, plan);
  std::int64_t pairs = 0;
  std::int64_t comparisons = 0;
  constexpr std::int64_t kMostImages = std::numeric_limits<std::int32_t>::max();
  for (const JsonValue& block : json.at("blocks").list()) {
    const auto image = [&](std::size_t i) { return static_cast<std::int32_t>(block.at(i).integer(0, kMostImages)); };
    plan.blocks.push_back({std::ssize(plan.blocks),
                           {image(0), image(1)},
                           {image(2), image(3)},
                           block.at(4).integer(continued ? 0 : 1, kMost),
                           block.at(5).integer(0, kMost),
                           continued ? static_cast<int>(block.at(6).integer(0, plan.generation())) : 0});
    check_block(plan.blocks.back(), std::ssize(plan.images), block);
    // Whoever asks a plan for its sums need not check them.
    if (__builtin_add_overflow(pairs, plan.blocks.back().pairs, &pairs) ||
        __builtin_add_overflow(comparisons, plan.blocks.back().comparisons, &comparisons)) {
      block.fail("the blocks have more pairs or comparisons than 64 bits count");
    }
  }
  return plan;
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

}  // namespace twinpatch
