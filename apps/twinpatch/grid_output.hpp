// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "apps/frame/session.hpp"
#include "apps/twinpatch/patch_input.hpp"
#include "twinpatch/engine/engine.hpp"

namespace twinpatch::app {

class Options;

/// One side of a grid as given on the command line: patches, or descriptors made earlier.
struct GridInput {
  std::string path;
  PatchSet patches;
  std::optional<NpyArray> descriptors;

  [[nodiscard]] std::int64_t size() const;
  [[nodiscard]] MatrixView matrix() const;
  [[nodiscard]] GridSide side() const;
};
[[nodiscard]] GridInput read_grid_input(Session& session, const std::filesystem::path& path, const Engine& engine,
                                        const PatchReading& reading);

/// Where the results of a grid go: "best" → best.indices.npy, best.scores.npy and, with pairs, best.pairs.npy and
/// best.pair_scores.npy. All empty for an empty prefix.
struct GridFiles {
  std::filesystem::path indices, scores, pairs, pair_scores;
  explicit GridFiles(const std::string& prefix);
};
/// Entries with a lower score become "none": index -1, score -infinity.
void drop_below(Selected& selected, float threshold);
void write_selected(const GridFiles& files, const Selected& selected);
void write_pairs(const GridFiles& files, const std::vector<Match>& pairs);

struct GridInputs {
  const GridInput& left;
  const GridInput& right;
};
/// Scores every pair, writes all of them to `path` (.npy float32 [N,M]) band by band, and selects from them what
/// `options` ask for. Memory: one band of rows, and descriptors of both sides where the network has them.
[[nodiscard]] Selected write_full_grid(Session& session, Engine& engine, const GridInputs& inputs,
                                       const GridOptions& options, const std::filesystem::path& path);

}  // namespace twinpatch::app
