// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/twinpatch/grid_output.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "twinpatch/backend/empty_selection.hpp"
#include "twinpatch/core/units.hpp"

namespace twinpatch::app {
namespace {

constexpr std::int64_t kBandScores = std::int64_t{1} << 25;  // 128 MiB of a full matrix in memory at a time

/// Takes one whole row of scores into the selection. Rows come in ascending order, so that ties keep the lower index.
void select_row(Selected& selected, const GridOptions& options, std::int64_t row, std::span<const float> scores) {
  std::int32_t* indices = selected.indices.data() + row * options.top_k;
  float* best = selected.scores.data() + row * options.top_k;
  for (std::size_t j = 0; j < scores.size(); ++j) {
    const float score = scores[j];
    if (options.column_best && score > selected.column_scores.data()[j]) {
      selected.column_scores.data()[j] = score;
      selected.column_indices.data()[j] = static_cast<std::int32_t>(row);
    }
    if (score < options.threshold || !(score > best[options.top_k - 1])) continue;
    int place = options.top_k - 1;
    for (; place > 0 && score > best[place - 1]; --place) {
      best[place] = best[place - 1];
      indices[place] = indices[place - 1];
    }
    best[place] = score;
    indices[place] = static_cast<std::int32_t>(j);
  }
}

/// A side that can be cut into bands cheaply: descriptors where the network has them, else its patches.
class BandSource {
 public:
  BandSource(Engine& engine, const GridInput& input, Side side, const RunControl& control) : input_(input) {
    if (input.descriptors || !has_descriptors(engine.spec())) return;
    made_ = engine.describe(input.patches.view(), side, control);
  }
  [[nodiscard]] GridSide band(std::int64_t begin, std::int64_t count) const {
    if (input_.descriptors) return input_.matrix().slice(begin, count);
    if (made_.columns() > 0) return made_.view().slice(begin, count);
    return input_.patches.view().slice(begin, count);
  }

 private:
  const GridInput& input_;
  Matrix made_;
};

}  // namespace

std::int64_t GridInput::size() const { return descriptors ? descriptors->shape()[0] : patches.size(); }

MatrixView GridInput::matrix() const {
  return {descriptors->values<float>().data(), descriptors->shape()[0], descriptors->shape()[1]};
}

GridSide GridInput::side() const { return descriptors ? GridSide(matrix()) : GridSide(patches); }

GridInput read_grid_input(Session& session, const std::filesystem::path& path, const Engine& engine,
                          const PatchReading& reading) {
  GridInput input{path.string(), {}, std::nullopt};
  if (input_kind(path) == InputKind::npy) input.descriptors = read_descriptors(path);
  if (!input.descriptors) {
    input.patches = read_one_patch_set(session, path, engine.spec(), reading);
  } else if (!has_descriptors(engine.spec())) {
    throw InvalidArgument(fmt::format("{}: found descriptors, but {} is a 2-channel network, which compares patches",
                                      input.path, engine.spec().name));
  } else if (input.descriptors->shape()[1] != engine.descriptor_size()) {
    throw ShapeError(fmt::format("{}: descriptors have {} columns, but those of {} have {}", input.path,
                                 input.descriptors->shape()[1], engine.spec().name, engine.descriptor_size()));
  }
  if (input.size() == 0) session.warn("{}: empty", input.path);
  return input;
}

GridFiles::GridFiles(const std::string& prefix) {
  if (prefix.empty()) return;
  indices = prefix + ".indices.npy";
  scores = prefix + ".scores.npy";
  pairs = prefix + ".pairs.npy";
  pair_scores = prefix + ".pair_scores.npy";
}

void drop_below(Selected& selected, float threshold) {
  for (std::int64_t i = 0; i < selected.scores.size(); ++i) {
    if (selected.scores[i] >= threshold) continue;
    selected.scores[i] = -std::numeric_limits<float>::infinity();
    selected.indices[i] = -1;
  }
}

void write_selected(const GridFiles& files, const Selected& selected) {
  const std::vector<std::int64_t> shape{selected.rows, selected.top_k};
  write_npy<std::int32_t>(files.indices, selected.indices.span(), shape);
  write_npy<float>(files.scores, selected.scores.span(), shape);
}

void write_pairs(const GridFiles& files, const std::vector<Match>& pairs) {
  const auto count = static_cast<std::int64_t>(pairs.size());
  std::vector<std::int32_t> indices;
  std::vector<float> scores;
  for (const auto& pair : pairs) {
    indices.insert(indices.end(), {pair.left, pair.right});
    scores.push_back(pair.score);
  }
  write_npy<std::int32_t>(files.pairs, indices, {count, 2});
  write_npy<float>(files.pair_scores, scores, {count});
}

Selected write_full_grid(Session& session, Engine& engine, const GridInputs& inputs, const GridOptions& options,
                         const std::filesystem::path& path) {
  const auto& [left, right] = inputs;
  const std::int64_t rows = left.size();
  const std::int64_t columns = right.size();
  NpyWriter writer(path, NpyType::f32, {rows, columns});
  session.info("{}: {} scores, {}", path.string(), format_count(static_cast<double>(checked_multiply(rows, columns))),
               format_bytes(checked_multiply(rows * 4, columns)));
  const BandSource lefts(engine, left, Side::left, session.control());
  const BandSource rights(engine, right, Side::right, session.control());
  Selected selected = empty_selection({rows, columns, options.top_k, options.column_best, options.threshold});

  AdvanceOnly advance(session.control().progress);
  const RunControl inner{session.control().stop, &advance};
  session.control().begin("grid", rows * columns, "pairs");
  const std::int64_t height = std::clamp<std::int64_t>(kBandScores / std::max<std::int64_t>(columns, 1), 1, 4096);
  for (std::int64_t begin = 0; begin < rows && columns > 0; begin += height) {
    const std::int64_t count = std::min(height, rows - begin);
    Matrix band(count, columns);
    const TileSink sink = [&](std::int64_t first_row, std::int64_t first_column, MatrixView scores) {
      for (std::int64_t i = 0; i < scores.rows; ++i) {
        std::ranges::copy(scores.row(i), band.row(first_row + i).begin() + first_column);
      }
    };
    engine.grid(lefts.band(begin, count), rights.band(0, columns), sink, inner);
    for (std::int64_t i = 0; i < count; ++i) select_row(selected, options, begin + i, band.row(i));
    writer.append<float>(band.span());
  }
  session.control().end();
  writer.finish();
  return selected;
}

}  // namespace twinpatch::app
