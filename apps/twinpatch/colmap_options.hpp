// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>

#include "apps/frame/command.hpp"
#include "apps/twinpatch/collection_run.hpp"
#include "twinpatch/sfm/colmap_verify.hpp"
#include "twinpatch/sfm/colmap_writer.hpp"

namespace twinpatch::app {

class Options;

struct ColmapOptions {
  CollectionOptions collection;
  std::string database;
  std::string images;
  std::string pair_list;            ///< written; empty: in the run's folder
  std::optional<float> patch_size;  ///< pixels, for keypoints of two columns
  bool extract = false;
  bool replace = false;
  bool verify = false;
  bool skip_same_frame = false;
  std::vector<std::string> skip_sensors;  ///< "A:B": cameras whose images are never matched
  std::string poses;                      ///< folder of a model, for --pairs overlap:S
  ColmapVerifyOptions verification;
  double lock_wait = 30;  ///< seconds

  /// Throws UsageError, IoError.
  void validate() const;
  [[nodiscard]] RunPlaces places() const { return collection.places(database + ".twinpatch"); }
  /// Where the pairs that got matches are written.
  [[nodiscard]] std::filesystem::path pair_list_path() const;
  [[nodiscard]] ColmapWriteOptions write_options(std::stop_token stop) const;
};

void add_colmap_options(Options& app, ColmapOptions& options);

/// The command itself; also what `twinpatch plan` does with --dry-run.
[[nodiscard]] ExitCode run_colmap(Session& session, const ColmapOptions& options);

}  // namespace twinpatch::app
