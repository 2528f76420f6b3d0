// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/twinpatch/known_geometry.hpp"

#include <fmt/format.h>

#include "twinpatch/core/file.hpp"
#include "twinpatch/formats/json.hpp"
#include "twinpatch/sfm/pair_geometry.hpp"

namespace twinpatch::app {
namespace {

using Json = nlohmann::ordered_json;
using Matrix = std::optional<std::array<double, 9>>;
using Pairs = decltype(KnownGeometry::pairs);

constexpr const char* kSchema = "twinpatch.geometry/1";

Json matrix_json(const Matrix& matrix) { return matrix ? Json(*matrix) : Json(nullptr); }

Matrix matrix_from(const JsonValue& json) {
  if (json.is_null()) return std::nullopt;
  std::array<double, 9> matrix{};
  if (json.list().size() != matrix.size()) json.fail("expected nine numbers");
  for (std::size_t i = 0; i < matrix.size(); ++i) matrix[i] = json.at(i).number();
  return matrix;
}

std::string text_of(const Pairs& pairs) {
  Json list = Json::array();
  for (const auto& [names, geometry] : pairs) {
    list.push_back(
        Json::array({names.first, names.second, static_cast<int>(geometry.config), matrix_json(geometry.fundamental),
                     matrix_json(geometry.essential), matrix_json(geometry.homography)}));
  }
  return Json{{"schema", kSchema}, {"pairs", std::move(list)}}.dump(-1, ' ', false, Json::error_handler_t::replace) +
         '\n';
}

Pairs pairs_from(const std::string& text, const std::string& path) {
  const JsonValue json = parse_json(text, path);
  if (json.at("schema").text() != kSchema) json.at("schema").fail(fmt::format("expected {}", kSchema));
  Pairs pairs;
  for (const JsonValue& pair : json.at("pairs").list()) {
    const auto config = static_cast<ColmapConfig>(pair.at(2).integer(2, 6));
    pairs[{pair.at(0).text(), pair.at(1).text()}] = {
        config, {}, matrix_from(pair.at(3)), matrix_from(pair.at(4)), matrix_from(pair.at(5))};
  }
  return pairs;
}

/// Throws where a matrix that would be used is none.
void check_pair(const ColmapOptions& options, const Pairs::value_type& pair) {
  constexpr double kExtent = 1000;
  const auto& [names, geometry] = pair;
  const auto check = [&](const Matrix& matrix, PairGeometry::Kind kind, double extent) {
    if (matrix) check_geometry({kind, *matrix}, extent);
  };
  try {
    if (geometry.config == ColmapConfig::planar_or_panoramic) {
      check(geometry.homography, PairGeometry::Kind::homography, kExtent);
    } else {
      check(geometry.fundamental, PairGeometry::Kind::fundamental, kExtent);
      check(geometry.essential, PairGeometry::Kind::fundamental, 1);
    }
  } catch (const InvalidArgument& error) {
    throw InvalidArgument(
        fmt::format("{}: geometry of {} and {}: {}", options.database, names.first, names.second, error.what()));
  }
}

Pairs read_database(const ColmapOptions& options, const ColmapImages& images) {
  std::map<ColmapImageId, std::string> names;
  for (const ColmapImageRow& row : images.rows) names.emplace(row.id, row.name);
  Pairs pairs;
  for (auto& [pair, geometry] : images.database.geometries()) {
    const auto added = pairs.insert({{names.at(pair.first), names.at(pair.second)}, geometry}).first;
    check_pair(options, *added);
  }
  if (!pairs.empty()) return pairs;
  throw InvalidArgument(fmt::format(
      "{}: --guided database needs pairs that were verified, and there are none: match and verify first, or "
      "--guided matches",
      options.database));
}

}  // namespace

KnownGeometry geometries_of_database(Session& session, const ColmapOptions& options, const ColmapImages& images) {
  const auto path = options.places().folder / "geometry.json";
  std::string text;
  if (std::filesystem::exists(path)) {
    const auto bytes = read_file(path);
    text.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    session.detail("geometries are those that the run began with, in {}", path.string());
  } else {
    text = text_of(read_database(options, images));
    if (!options.collection.dry_run) {
      std::filesystem::create_directories(path.parent_path());
      AtomicFile file(path);
      file.write(text);
      file.commit();
    }
  }
  KnownGeometry known;
  known.pairs = pairs_from(text, path.string());
  known.name = fmt::format("geometries {}", content_hash(std::as_bytes(std::span(text))).substr(0, 16));
  session.info("geometry of {} pairs is known from the database", known.pairs.size());
  return known;
}

}  // namespace twinpatch::app
