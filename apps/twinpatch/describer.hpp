// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "apps/frame/session.hpp"
#include "apps/twinpatch/engine_options.hpp"
#include "apps/twinpatch/patch_input.hpp"
#include "apps/twinpatch/photograph.hpp"
#include "twinpatch/core/thread_pool.hpp"
#include "twinpatch/formats/npy.hpp"

namespace twinpatch::app {

struct DescriberOptions {
  EngineOptions engine;
  PhotographOptions photographs;
  PatchReading reading;
  std::string keypoints;  ///< of the one photograph; empty: SIFT's
  std::string out;
  std::string keypoints_out;  ///< empty: not written
  Side side = Side::left;
};

/// Rows of the output and where they came from.
struct DescribedPart {
  std::string path;
  std::string part;  ///< strip of an HPatches sequence
  std::int64_t first = 0;
  std::int64_t rows = 0;
};

/// Describes inputs one after the other; rows are appended to the output as they come, so that memory holds one input
/// (an array not even that: its pages are let go once described).
class Describer {
 public:
  /// Throws InvalidArgument for a 2-channel network.
  Describer(Session& session, DescriberOptions options);
  void add(const std::string& input);
  /// The output appears now, or never.
  void finish();

  [[nodiscard]] const Engine& engine() const { return engine_; }
  [[nodiscard]] const std::vector<DescribedPart>& parts() const { return parts_; }
  [[nodiscard]] std::int64_t rows() const { return rows_; }

 private:
  void add_photograph(const std::string& input);
  void append(const std::string& path, const std::string& part, const PatchSet& patches);

  Session& session_;
  DescriberOptions options_;
  Engine engine_;
  NpyWriter writer_;
  ThreadPool pool_;
  std::set<std::filesystem::path> seen_;
  std::vector<DescribedPart> parts_;
  std::vector<float> keypoints_;  ///< [rows, 4]
  std::int64_t rows_ = 0;
};

}  // namespace twinpatch::app
