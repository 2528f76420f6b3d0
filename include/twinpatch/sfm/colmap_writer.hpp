// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <vector>

#include "twinpatch/patches/pair_list.hpp"
#include "twinpatch/sfm/colmap_ids.hpp"
#include "twinpatch/vision/keypoint.hpp"

namespace twinpatch {

/// `config` of COLMAP's two_view_geometries. `undefined` is never written: the global mapper skips such pairs.
enum class ColmapConfig : int {
  degenerate = 1,
  calibrated = 2,
  uncalibrated = 3,
  planar_or_panoramic = 6,
  watermark = 7
};

/// A verified pair. Matrices are row-major, on COLMAP's pixel coordinates (the image's corner is (0,0)), from the image
/// with the smaller id to the other one; unknown ones stay NULL in the database.
struct ColmapGeometry {
  ColmapConfig config = ColmapConfig::degenerate;
  std::vector<IndexPair> inliers;  ///< (index in the image with the smaller id, index in the other)
  std::optional<std::array<double, 9>> fundamental{};
  std::optional<std::array<double, 9>> essential{};  ///< on normalised coordinates
  std::optional<std::array<double, 9>> homography{};
  int fundamental_inliers = 0;  ///< matches that agree with this matrix; not stored in databases
  int essential_inliers = 0;    ///< likewise
};

struct ColmapWriteOptions {
  /// Existing rows of a pair are replaced, with the pair's geometry; otherwise kept.
  bool replace = false;
  int rows_per_transaction = 10'000;
  std::int64_t bytes_per_transaction = std::int64_t{64} << 20;
  /// How long to wait for another writer before giving up. (COLMAP itself does not wait: it fails while we hold the
  /// lock, so our transactions are short.)
  std::chrono::milliseconds patience{30'000};
  /// Ends a statement that runs, which throws Interrupted; its transaction leaves nothing behind.
  std::stop_token stop{};
};

struct ColmapWriteCounts {
  std::int64_t pairs = 0;       ///< rows written into `matches`
  std::int64_t matches = 0;     ///< in those rows
  std::int64_t geometries = 0;  ///< rows written into `two_view_geometries`
  std::int64_t unchanged = 0;   ///< pairs that already held the same matches
  std::int64_t kept = 0;        ///< pairs with other rows, which were kept
  std::int64_t kept_empty = 0;  ///< of those: pairs whose row holds no match at all
  std::int64_t removed = 0;     ///< pairs without a match whose old rows were deleted (replace)
  std::int64_t keypoints = 0;   ///< images that got keypoints
  std::int64_t transactions = 0;
};

/// Writes into a COLMAP database that exists. Rows are gathered and written in order of pair_id, some thousands in one
/// short transaction; a transaction that fails leaves nothing behind. Tables are never created or altered; columns are
/// found by name, unknown ones keep their default.
class ColmapWriter {
 public:
  /// Checks that the file is writable, without changing it. Throws IoError (missing, read-only, in a read-only folder,
  /// locked, or in WAL mode on a network file system, where SQLite corrupts), FormatError (not a COLMAP database, a
  /// missing column, an unknown column that needs a value).
  explicit ColmapWriter(const std::filesystem::path& path, const ColmapWriteOptions& options = {});
  ~ColmapWriter();  ///< drops what was not flushed
  ColmapWriter(ColmapWriter&&) noexcept;
  ColmapWriter& operator=(ColmapWriter&&) noexcept;

  /// Keypoints of an image that has none (six columns, as COLMAP ≥ 3 writes them). Throws InvalidArgument for an image
  /// that is not in the database or already has keypoints.
  void add_keypoints(ColmapImageId image, std::span<const Keypoint> keypoints);

  /// Matches of a pair: (index into a's keypoints, index into b's), with the pair's geometry if it was verified. The
  /// columns are swapped if a > b. A pair without a match gets no row: COLMAP would skip it as done. Throws
  /// InvalidArgument for an unknown image and for an index that is not in [0, keypoints): COLMAP crashes on those.
  void add_matches(ColmapImageId a, ColmapImageId b, std::span<const IndexPair> matches,
                   std::optional<ColmapGeometry> geometry = {});

  /// Whether the pair has been verified, by a row that is in the database.
  [[nodiscard]] bool has_geometry(ColmapImageId a, ColmapImageId b) const;

  /// Writes the gathered rows. Throws IoError (locked, disk full): then these rows are not in the database, all earlier
  /// ones are. Afterwards the file alone holds everything, unless another program is reading it: a copy needs no -wal.
  void flush();

  [[nodiscard]] const ColmapWriteCounts& counts() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace twinpatch
