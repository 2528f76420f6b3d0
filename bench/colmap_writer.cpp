// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>
#include <sqlite3.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <random>
#include <stdexcept>

#include "twinpatch/sfm/colmap_writer.hpp"

// Rows of matches into a COLMAP database: `items_per_second` is pairs of images by the wall clock (the disk is part of
// it), each with the given number of matches, in order of pairs or shuffled. 100 ms of every 100,000 pairs is opening.

namespace {

using namespace twinpatch;

constexpr std::uint32_t kImages = 448;  // 100,128 pairs
constexpr std::int32_t kKeypoints = 4000;

void run(sqlite3* database, const char* sql) {
  if (sqlite3_exec(database, sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
    throw std::runtime_error(sqlite3_errmsg(database));
  }
}

/// An empty COLMAP database with images and the counts of their keypoints.
void make_database(const std::filesystem::path& path) {
  sqlite3* database = nullptr;
  sqlite3_open(path.c_str(), &database);
  run(database, "PRAGMA journal_mode=WAL");
  run(database, "PRAGMA auto_vacuum=1");
  run(database,
      "CREATE TABLE images (image_id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, camera_id INTEGER NOT NULL);"
      "CREATE TABLE keypoints (image_id INTEGER PRIMARY KEY, rows INTEGER NOT NULL, cols INTEGER NOT NULL, data BLOB);"
      "CREATE TABLE matches (pair_id INTEGER PRIMARY KEY, rows INTEGER NOT NULL, cols INTEGER NOT NULL, data BLOB);"
      "CREATE TABLE two_view_geometries (pair_id INTEGER PRIMARY KEY, rows INTEGER NOT NULL, cols INTEGER NOT NULL, "
      "data BLOB, config INTEGER NOT NULL, F BLOB, E BLOB, H BLOB);");
  for (std::uint32_t i = 1; i <= kImages; ++i) {
    const std::string id = std::to_string(i);
    run(database, ("INSERT INTO images VALUES (" + id + ", '" + id + ".jpg', 1)").c_str());
    run(database, ("INSERT INTO keypoints VALUES (" + id + ", " + std::to_string(kKeypoints) + ", 6, x'')").c_str());
  }
  sqlite3_close(database);
}

void write_pairs(benchmark::State& state) {
  const auto matches_each = static_cast<std::size_t>(state.range(0));
  const bool shuffled = state.range(1) != 0;
  std::mt19937 random(1);
  std::vector<IndexPair> matches(matches_each);
  for (auto& match : matches) {
    match = {static_cast<std::int32_t>(random() % kKeypoints), static_cast<std::int32_t>(random() % kKeypoints)};
  }
  std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;
  for (std::uint32_t a = 1; a <= kImages; ++a) {
    for (std::uint32_t b = a + 1; b <= kImages; ++b) pairs.emplace_back(a, b);
  }
  if (shuffled) std::shuffle(pairs.begin(), pairs.end(), random);
  std::string folder = (std::filesystem::temp_directory_path() / "twinpatch-bench-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) return state.SkipWithError("cannot make a folder");
  for (auto _ : state) {
    state.PauseTiming();
    const auto path = std::filesystem::path(folder) / "database.db";
    for (const char* ending : {"", "-wal", "-shm"}) std::filesystem::remove(path.string() + ending);
    make_database(path);
    state.ResumeTiming();
    ColmapWriter writer(path);
    for (const auto& [a, b] : pairs) {
      writer.add_matches(static_cast<ColmapImageId>(a), static_cast<ColmapImageId>(b), matches);
    }
    writer.flush();
  }
  std::filesystem::remove_all(folder);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(pairs.size()));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(pairs.size() * matches_each * 8));
}

BENCHMARK(write_pairs)
    ->ArgNames({"matches", "shuffled"})
    ->Args({200, 0})
    ->Args({200, 1})
    ->Args({20, 0})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
