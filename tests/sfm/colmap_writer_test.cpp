// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/sfm/colmap_writer.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "sfm/colmap_fixtures.hpp"
#include "support/message.hpp"
#include "support/random.hpp"
#include "support/temporary_folder.hpp"
#include "twinpatch/core/error.hpp"

using namespace twinpatch;
using namespace twinpatch::test;
using Catch::Contains;

namespace {

ColmapImageId id(std::uint32_t value) { return static_cast<ColmapImageId>(value); }

constexpr int kCounts[] = {0, 40, 31, 57, 1};  // keypoints of image 1, 2, 3, 4 at [1], [2], …

/// Images 1 to 4, with 40, 31, 57 and 1 keypoints.
void fill(TestDatabase& database) {
  database.camera(1, 0, 640, 480, {500, 320, 240}, true);
  for (int i = 1; i <= 4; ++i) {
    database.image(i, "image " + std::to_string(i) + ".jpg", 1, 6,
                   random_keypoints(kCounts[i], 640, 480, Catch::rngSeed() + static_cast<unsigned>(i)));
  }
}

std::vector<IndexPair> random_matches(int count, int left, int right, Random& random) {
  std::vector<IndexPair> matches;
  for (int i = 0; i < count; ++i) {
    matches.push_back({static_cast<std::int32_t>(random.below(left)), static_cast<std::int32_t>(random.below(right))});
  }
  return matches;
}

std::vector<std::uint32_t> flat(const std::vector<IndexPair>& matches, bool swapped = false) {
  std::vector<std::uint32_t> values;
  for (const auto& match : matches) {
    values.push_back(static_cast<std::uint32_t>(swapped ? match.right : match.left));
    values.push_back(static_cast<std::uint32_t>(swapped ? match.left : match.right));
  }
  return values;
}

std::array<double, 9> random_matrix(Random& random) {
  std::array<double, 9> matrix{};
  for (double& value : matrix) value = random.normal();
  return matrix;
}

}  // namespace

TEST_CASE("matches and geometries go into the tables of every release, and nothing else changes") {
  Random random(Catch::rngSeed());
  for (const auto& release : colmap_releases()) {
    INFO(release.name);
    const TemporaryFolder folder;
    std::string before;
    {
      TestDatabase database(folder / "a.db", release.name, release.name != "3.10");
      fill(database);
      before = database.schema();
    }
    const auto plain = random_matches(17, 40, 57, random);
    const auto verified = random_matches(23, 31, 57, random);
    const ColmapGeometry geometry{.config = ColmapConfig::uncalibrated,
                                  .inliers = {verified.begin(), verified.begin() + 9},
                                  .fundamental = random_matrix(random),
                                  .essential = {},
                                  .homography = {}};
    {
      ColmapWriter writer(folder / "a.db");
      writer.add_matches(id(2), id(3), verified, geometry);
      writer.add_matches(id(1), id(3), plain);
      writer.add_matches(id(1), id(2), {});
      CHECK(writer.counts().pairs == 0);
      writer.flush();
      CHECK(writer.counts().pairs == 2);
      CHECK(writer.counts().matches == 40);
      CHECK(writer.counts().geometries == 1);
      CHECK(writer.counts().transactions == 1);
    }
    TestDatabase database(folder / "a.db");
    CHECK(database.schema() == before);
    CHECK(database.number("SELECT count(*) FROM matches") == 2);
    const auto row = database.row("matches", "pair_id", colmap_pair_id(id(1), id(3)));
    REQUIRE(row);
    CHECK(row->rows == 17);
    CHECK(row->columns == 2);
    CHECK(integers(row->data) == flat(plain));
    const auto stored = database.geometry(colmap_pair_id(id(2), id(3)));
    REQUIRE(stored);
    CHECK(stored->config == 3);
    CHECK(stored->rows == 9);
    REQUIRE(stored->matrices[0]);
    const auto matrix = doubles(*stored->matrices[0]);
    CHECK(std::equal(matrix.begin(), matrix.end(), geometry.fundamental->begin(), geometry.fundamental->end()));
    // NULL, not zeros, where nothing is known.
    for (std::size_t i = 1; i < stored->matrices.size(); ++i) CHECK_FALSE(stored->matrices[i]);
    CHECK(database.number("SELECT count(*) FROM two_view_geometries") == 1);
  }
}

TEST_CASE("the columns of a pair's matches are swapped where the first image has the larger id") {
  Random random(Catch::rngSeed());
  const TemporaryFolder folder;
  {
    TestDatabase database(folder / "a.db", "4.0");
    fill(database);
  }
  const auto matches = random_matches(29, 57, 31, random);  // of images 3 and 2
  {
    ColmapWriter writer(folder / "a.db");
    writer.add_matches(id(3), id(2), matches);
    writer.flush();
  }
  TestDatabase database(folder / "a.db");
  const auto row = database.row("matches", "pair_id", 2147483647LL * 2 + 3);
  REQUIRE(row);
  CHECK(integers(row->data) == flat(matches, true));
  // And back again, in both directions.
  const ColmapDatabase ours(folder / "a.db");
  CHECK(ours.matches(id(3), id(2)) == matches);
  CHECK(flat(*ours.matches(id(2), id(3))) == flat(matches, true));
}

TEST_CASE("indices that no keypoint has are refused, and nothing of their pair is written") {
  const TemporaryFolder folder;
  {
    TestDatabase database(folder / "a.db", "3.11");
    fill(database);
    database.image(5, "no keypoints.jpg", 1, 0, {});
  }
  ColmapWriter writer(folder / "a.db");
  const auto refused = [&](std::uint32_t a, std::uint32_t b, const std::vector<IndexPair>& matches,
                           std::optional<ColmapGeometry> geometry = {}) {
    return message_of<InvalidArgument>([&] { writer.add_matches(id(a), id(b), matches, std::move(geometry)); });
  };
  CHECK_THAT(refused(1, 2, {{0, 0}, {39, 31}}), Contains("images 1 and 2"));
  CHECK_THAT(refused(2, 1, {{31, 0}}), Contains("images 1 and 2"));  // 31 is image 2's, whichever side it stands on
  CHECK_THAT(refused(1, 2, {{-1, 0}}), Contains("-1"));
  CHECK_THAT(refused(1, 5, {{0, 0}}), Contains("images 1 and 5"));
  CHECK_THAT(refused(1, 2, {{0, 0}}, ColmapGeometry{.inliers = {{0, 31}}}), Contains("images 1 and 2"));
  CHECK_THAT(refused(1, 6, {}), Contains("no image 6"));
  CHECK_THAT(refused(1, 1, {}), Contains("itself"));
  writer.add_matches(id(2), id(1), std::vector<IndexPair>{{30, 39}});  // the last of both
  writer.flush();
  TestDatabase database(folder / "a.db");
  CHECK(database.number("SELECT count(*) FROM matches") == 1);
}

TEST_CASE("rows that are there are kept, or replaced with their geometry") {
  Random random(Catch::rngSeed());
  const TemporaryFolder folder;
  const auto old = random_matches(5, 40, 31, random);
  const auto fresh = random_matches(8, 40, 31, random);
  const auto other = random_matches(3, 40, 57, random);
  const ColmapGeometry geometry{.config = ColmapConfig::planar_or_panoramic,
                                .inliers = fresh,
                                .fundamental = {},
                                .essential = {},
                                .homography = random_matrix(random)};
  {
    TestDatabase database(folder / "a.db", "3.9");
    fill(database);
    // As COLMAP leaves a pair in which it found nothing: it counts as done.
    const auto empty = std::to_string(colmap_pair_id(id(2), id(3)));
    database.run("INSERT INTO matches VALUES (" + empty + ", 0, 2, x'')");
    database.run("INSERT INTO two_view_geometries (pair_id, rows, cols, data, config) VALUES (" + empty +
                 ", 0, 2, x'', 0)");
  }
  const auto write = [&](bool replace, const std::vector<IndexPair>& matches, std::optional<ColmapGeometry> g = {}) {
    ColmapWriter writer(folder / "a.db", {.replace = replace});
    writer.add_matches(id(1), id(2), matches, std::move(g));
    writer.add_matches(id(1), id(3), other);
    writer.add_matches(id(2), id(3), std::vector<IndexPair>{{1, 1}});
    writer.flush();
    return writer.counts();
  };
  const auto stored = [&] { return ColmapDatabase(folder / "a.db").matches(id(1), id(2)); };
  const std::int64_t pair = colmap_pair_id(id(1), id(2));

  CHECK(write(false, old).pairs == 2);
  auto counts = write(false, fresh, geometry);
  CHECK(counts.pairs == 0);
  CHECK(counts.unchanged == 1);
  CHECK(counts.kept == 2);
  CHECK(counts.kept_empty == 1);
  CHECK(counts.geometries == 0);
  CHECK(stored() == old);

  // Verified later, the same matches get their geometry.
  counts = write(false, old, ColmapGeometry{.config = ColmapConfig::calibrated, .inliers = old});
  CHECK(counts.geometries == 1);
  CHECK(counts.unchanged == 2);
  CHECK(TestDatabase(folder / "a.db").geometry(pair)->config == 2);

  counts = write(true, fresh, geometry);
  CHECK(counts.pairs == 3);
  CHECK(counts.kept == 0);
  CHECK(counts.removed == 0);
  CHECK(stored() == fresh);
  CHECK(TestDatabase(folder / "a.db").geometry(pair)->config == 6);
  CHECK(TestDatabase(folder / "a.db").number("SELECT count(*) FROM two_view_geometries") == 1);

  // No match any more: the pair's rows go.
  counts = write(true, {});
  CHECK(counts.removed == 1);
  CHECK_FALSE(stored());
  CHECK_FALSE(TestDatabase(folder / "a.db").geometry(pair));
}

TEST_CASE("many pairs go in short transactions, in order of their keys") {
  Random random(Catch::rngSeed());
  const TemporaryFolder folder;
  constexpr int kImages = 33;
  {
    TestDatabase database(folder / "a.db", "4.2.dev");
    database.camera(1, 0, 640, 480, {500, 320, 240}, true);
    for (int i = 1; i <= kImages; ++i) {
      database.image(i, std::to_string(i), 1, 6, random_keypoints(7, 640, 480, static_cast<std::uint64_t>(i)));
    }
  }
  std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;
  for (std::uint32_t a = 1; a <= kImages; ++a) {
    for (std::uint32_t b = 1; b < a; ++b) pairs.emplace_back(a, b);
  }
  for (std::size_t i = pairs.size() - 1; i > 0; --i) {
    std::swap(pairs[i], pairs[static_cast<std::size_t>(random.below(static_cast<std::int64_t>(i) + 1))]);
  }
  ColmapWriter writer(folder / "a.db", {.rows_per_transaction = 100});
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::vector<IndexPair>> truth;
  for (const auto& [a, b] : pairs) {
    truth[{a, b}] = random_matches(1 + static_cast<int>(random.below(9)), 7, 7, random);
    writer.add_matches(id(a), id(b), truth[{a, b}]);
  }
  CHECK(writer.counts().transactions == 5);
  CHECK(writer.counts().pairs == 500);
  writer.flush();
  writer.flush();
  CHECK(writer.counts().transactions == 6);
  const ColmapDatabase database(folder / "a.db");
  for (const auto& [pair, matches] : truth) CHECK(database.matches(id(pair.first), id(pair.second)) == matches);
}

TEST_CASE("a copy of the file alone holds everything, a reader beside the writer or not") {
  Random random(Catch::rngSeed());
  const auto matches = random_matches(19, 40, 31, random);
  for (const bool read : {false, true}) {
    const TemporaryFolder folder;
    {
      TestDatabase database(folder / "a.db", "3.8", true);
      fill(database);
    }
    std::optional<ColmapDatabase> reader = read ? std::optional<ColmapDatabase>(folder / "a.db") : std::nullopt;
    if (reader) CHECK(reader->images().size() == 4);
    {
      ColmapWriter writer(folder / "a.db");
      writer.add_matches(id(1), id(2), matches);
      writer.flush();
    }
    std::filesystem::copy_file(folder / "a.db", folder / "copy.db");
    CHECK(ColmapDatabase(folder / "copy.db").matches(id(1), id(2)) == matches);
    if (reader) CHECK(reader->matches(id(1), id(2)) == matches);
    reader.reset();
    for (const char* ending : {"-wal", "-shm"})
      CHECK_FALSE(std::filesystem::exists(folder / ("a.db" + std::string(ending))));
  }
}

TEST_CASE("keypoints are added where there are none, in six columns") {
  const TemporaryFolder folder;
  {
    TestDatabase database(folder / "a.db", "3.12");
    fill(database);
    database.image(5, "new.jpg", 1, 0, {});
    database.image(6, "nothing found.jpg", 1, 6, {});
  }
  Random random(Catch::rngSeed());
  std::vector<Keypoint> keypoints;
  for (int i = 0; i < 13; ++i) {
    keypoints.push_back({.x = static_cast<float>(random.uniform(0, 640)),
                         .y = static_cast<float>(random.uniform(0, 480)),
                         .sigma = static_cast<float>(random.uniform(1, 20)),
                         .angle = static_cast<float>(random.uniform(-3.1, 3.1))});
  }
  {
    ColmapWriter writer(folder / "a.db");
    writer.add_keypoints(id(5), keypoints);
    writer.add_keypoints(id(6), keypoints);
    CHECK_THAT(message_of<InvalidArgument>([&] { writer.add_keypoints(id(1), keypoints); }),
               Contains("already has 40 keypoints"));
    writer.add_matches(id(5), id(6), std::vector<IndexPair>{{12, 0}});  // its keypoints count at once
    writer.flush();
    CHECK(writer.counts().keypoints == 2);
  }
  const ColmapDatabase database(folder / "a.db");
  for (const std::uint32_t image : {5U, 6U}) {
    const auto back = database.keypoints(id(image));
    REQUIRE(back.size() == keypoints.size());
    for (std::size_t i = 0; i < back.size(); ++i) {
      CHECK(back[i].x == keypoints[i].x);
      CHECK(back[i].y == keypoints[i].y);
      CHECK(back[i].sigma == Approx(keypoints[i].sigma).epsilon(1e-5));
      CHECK(back[i].angle == Approx(keypoints[i].angle).margin(1e-5));
    }
  }
  TestDatabase raw(folder / "a.db");
  const auto row = raw.row("keypoints", "image_id", 5);
  REQUIRE(row);
  CHECK(row->columns == 6);
  const auto values = floats(row->data);
  CHECK(values[2] == values[5]);   // a11 = a22 = σ cos θ
  CHECK(values[3] == -values[4]);  // a12 = −a21 = −σ sin θ
}
