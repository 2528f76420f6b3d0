// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/core/error.hpp"
#include "twinpatch/sfm/colmap_database.hpp"
#include "twinpatch/sfm/colmap_writer.hpp"
#include "twinpatch/sfm/library_versions.hpp"

// Stands in for the database files where SQLite was not found.

namespace twinpatch {
namespace {

[[noreturn]] void refuse(const std::filesystem::path& path) {
  throw Error(path.string() +
              ": COLMAP databases are SQLite files, and this program was built without SQLite (Debian: install "
              "libsqlite3-dev and build again)");
}

}  // namespace

std::string sqlite_version() { return {}; }

struct ColmapDatabase::State {};
ColmapDatabase::ColmapDatabase(const std::filesystem::path& path, std::stop_token /*stop*/) { refuse(path); }
ColmapDatabase::~ColmapDatabase() = default;
ColmapDatabase::ColmapDatabase(ColmapDatabase&&) noexcept = default;
ColmapDatabase& ColmapDatabase::operator=(ColmapDatabase&&) noexcept = default;
// No object of the class can exist, so nothing below is ever reached.
const std::filesystem::path& ColmapDatabase::path() const noexcept { std::terminate(); }
ColmapSchema ColmapDatabase::schema() const noexcept { return {}; }
std::vector<ColmapImageRow> ColmapDatabase::images() const { return {}; }
std::map<std::uint32_t, ColmapCameraRow> ColmapDatabase::cameras() const { return {}; }
std::vector<Keypoint> ColmapDatabase::keypoints(ColmapImageId /*image*/, std::optional<float> /*sigma*/) const {
  return {};
}
bool ColmapDatabase::has_scales(ColmapImageId /*image*/) const { return false; }
std::optional<std::vector<IndexPair>> ColmapDatabase::matches(ColmapImageId /*a*/, ColmapImageId /*b*/) const {
  return {};
}
std::vector<ColmapPosition> ColmapDatabase::positions() const { return {}; }
std::map<ColmapImageId, std::int64_t> ColmapDatabase::frames() const { return {}; }
std::vector<ColmapRigCamera> ColmapDatabase::uncalibrated_cameras() const { return {}; }
std::vector<ColmapPair> ColmapDatabase::verified_pairs(std::int64_t /*min_inliers*/) const { return {}; }
std::map<ColmapPair, ColmapGeometry> ColmapDatabase::geometries() const { return {}; }

struct ColmapWriter::State {
  ColmapWriteCounts counts;
};
ColmapWriter::ColmapWriter(const std::filesystem::path& path, const ColmapWriteOptions& /*options*/) { refuse(path); }
ColmapWriter::~ColmapWriter() = default;
ColmapWriter::ColmapWriter(ColmapWriter&&) noexcept = default;
ColmapWriter& ColmapWriter::operator=(ColmapWriter&&) noexcept = default;
void ColmapWriter::add_keypoints(ColmapImageId /*image*/, std::span<const Keypoint> /*keypoints*/) {}
void ColmapWriter::add_matches(ColmapImageId /*a*/, ColmapImageId /*b*/, std::span<const IndexPair> /*matches*/,
                               std::optional<ColmapGeometry> /*geometry*/) {}
bool ColmapWriter::has_geometry(ColmapImageId /*a*/, ColmapImageId /*b*/) const { return false; }
void ColmapWriter::flush() {}
const ColmapWriteCounts& ColmapWriter::counts() const noexcept { return state_->counts; }

}  // namespace twinpatch
