// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/engine/engine.hpp"

#include <algorithm>
#include <utility>

#include "engine_state.hpp"

namespace twinpatch {
namespace {

GridOptions grid_options(const MatchRules& rules) {
  GridOptions options{rules.needed_top_k(), rules.mutual, rules.threshold};
  // The ratio needs the second best even where it lies below the threshold.
  if (rules.ratio) options.threshold = -std::numeric_limits<float>::infinity();
  return options;
}

}  // namespace

Engine::Engine(Model model, const ExecutionOptions& options) {
  std::string why;
  auto backend = select_backend(options, why);
  state_ = std::make_unique<State>(std::move(model), std::move(backend), std::move(why));
}

Engine::Engine(Model model, std::unique_ptr<Backend> backend, const ExecutionOptions& options) {
  options.validate();
  if (backend == nullptr) throw InvalidArgument("an engine needs a backend");
  std::string why = backend->description();
  state_ = std::make_unique<State>(std::move(model), std::move(backend), std::move(why));
}

Engine::~Engine() = default;
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;

const Model& Engine::model() const { return *state_->model; }
const std::string& Engine::device() const { return state_->device; }
std::int64_t Engine::descriptor_size() const { return state_->branch->descriptor_size(); }
std::vector<RunSummary> Engine::summaries() const { return state_->backend->summaries(); }

Matrix Engine::describe(PatchView patches, Side side, const RunControl& control) {
  return describe(std::span(&patches, 1), side, control);
}

Matrix Engine::describe(std::span<const PatchView> groups, Side side, const RunControl& control) {
  if (state_->two_channel()) {
    throw InvalidArgument("network " + spec().name + " sees both patches of a pair at once: it has no descriptors");
  }
  std::int64_t total = 0;
  for (const PatchView& group : groups) {
    state_->check_patches(group, "described");
    total = checked_add(total, group.count);
  }
  const WorkStage stage(control, "describe", total, "patches");
  Matrix result(total, descriptor_size());
  std::int64_t row = 0;
  const std::int64_t most = state_->backend->patches_at_once();
  for (const PatchView& group : groups) {
    for (std::int64_t begin = 0; begin < group.count; begin += most) {
      control.check();
      const std::int64_t count = std::min(most, group.count - begin);
      const Matrix block = state_->describe_block(group.slice(begin, count), side, row, control);
      std::copy_n(block.data(), block.size(), result.row(row).data());
      row += count;
      control.advance(count);
    }
  }
  return result;
}

std::vector<float> Engine::score(PatchView patches, std::span<const IndexPair> pairs, const RunControl& control) {
  return state_->score(patches, patches, true, pairs, control);
}

std::vector<float> Engine::score(PatchView left, PatchView right, std::span<const IndexPair> pairs,
                                 const RunControl& control) {
  return state_->score(left, right, false, pairs, control);
}

Selected Engine::grid(const GridSide& left, const GridSide& right, const GridOptions& options,
                      const RunControl& control) {
  const SelectionRequest request{left.size(), right.size(), options.top_k, options.column_best, options.threshold};
  const auto selection = state_->backend->make_selection(request);
  if (left.size() > 0 && right.size() > 0) {
    auto sources = state_->sources(left, right, control);
    const WorkStage stage(control, "grid", checked_multiply(left.size(), right.size()), "pairs");
    walk_grid(sources.left, sources.right, sources.tile, sources.cache_bytes, state_->scorer(), *selection, control);
  }
  return selection->read();
}

void Engine::grid(const GridSide& left, const GridSide& right, const TileSink& sink, const RunControl& control) {
  if (left.size() == 0 || right.size() == 0) return;
  auto sources = state_->sources(left, right, control);
  const WorkStage stage(control, "grid", checked_multiply(left.size(), right.size()), "pairs");
  walk_grid(sources.left, sources.right, sources.tile, sources.cache_bytes, state_->scorer(), sink, control);
}

RowChunks Engine::rows(const GridSide& side, Side which, const RunControl& control) {
  state_->check_side(side, which == Side::left ? "left" : "right");
  const RowSource source = state_->patch_source(side, which, control);
  const auto tile = state_->backend->tile_size(*state_->model, side.patches_.height, side.patches_.width);
  const std::int64_t most = std::max<std::int64_t>(1, which == Side::left ? tile.rows : tile.columns);
  RowChunks result;
  result.size = side.size();
  for (std::int64_t begin = 0; begin < side.size(); begin += most) {
    control.check();
    result.chunks.push_back(source.make(begin, std::min(most, side.size() - begin)));
    result.bytes += result.chunks.back()->bytes();
  }
  return result;
}

Selected Engine::grid(const RowChunks& left, const RowChunks& right, const GridOptions& options,
                      const RunControl& control) {
  const SelectionRequest request{left.size, right.size, options.top_k, options.column_best, options.threshold};
  const auto selection = state_->backend->make_selection(request);
  std::int64_t row = 0;
  for (const auto& left_rows : left.chunks) {
    std::int64_t column = 0;
    for (const auto& right_rows : right.chunks) {
      control.check();
      state_->scorer().score_tile({left_rows.get(), row}, {right_rows.get(), column}, *selection,
                                  {control.stop, nullptr});
      control.advance(left_rows->size() * right_rows->size());
      column += right_rows->size();
    }
    row += left_rows->size();
  }
  return selection->read();
}

std::vector<Match> Engine::match(const RowChunks& left, const RowChunks& right, const MatchRules& rules,
                                 const RunControl& control) {
  check(rules, spec());
  return matches(grid(left, right, grid_options(rules), control), rules);
}

std::int64_t Engine::row_bytes(int height, int width) const { return state_->branch->row_bytes(height, width); }
std::int64_t Engine::memory() const { return state_->backend->memory(); }

std::vector<Match> Engine::match(const GridSide& left, const GridSide& right, const MatchRules& rules,
                                 const RunControl& control) {
  check(rules, spec());
  return matches(grid(left, right, grid_options(rules), control), rules);
}

}  // namespace twinpatch
