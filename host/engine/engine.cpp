// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/engine/engine.hpp"

#include <algorithm>
#include <utility>

#include "engine_state.hpp"
#include "twinpatch/core/checked.hpp"
#include "twinpatch/net/activation_bounds.hpp"
#include "twinpatch/patches/usable_pixels.hpp"

namespace twinpatch {
namespace {

GridOptions grid_options(const MatchRules& rules) {
  GridOptions options{rules.needed_top_k(), rules.mutual, rules.threshold};
  // The ratio needs the second best even where it lies below the threshold.
  if (rules.ratio) options.threshold = -std::numeric_limits<float>::infinity();
  return options;
}

/// As many of the first right sets as one selection of at most `bytes` holds; at least one.
std::size_t sets_that_fit(const GridSide& left, std::span<const GridSide> rights, const GridOptions& options,
                          std::int64_t bytes) {
  std::size_t count = 0;
  for (std::int64_t used = 0; count < rights.size(); ++count) {
    used += selection_bytes(selection_request(left, rights.subspan(count, 1), options));
    if (used > bytes && count > 0) break;
  }
  return count;
}

/// A selection begun for the first right sets, fewer where there is no room for one of all.
struct GroupSelection {
  std::size_t sets = 0;
  std::unique_ptr<Selection> selection;
};

GroupSelection begin_group(SelectionPool& pool, const GridSide& left, std::span<const GridSide> rights,
                           const GridOptions& options) {
  for (std::size_t sets = sets_that_fit(left, rights, options, pool.largest());; sets = (sets + 1) / 2) {
    try {
      return {sets, pool.take(selection_request(left, rights.first(sets), options))};
    } catch (const OutOfMemory&) {
      if (sets == 1) throw;
    }
  }
}

std::shared_ptr<const Model> folded_and_checked(const std::shared_ptr<const Model>& model) {
  auto folded = fold_batch_normalisation(model);
  check_activation_bounds(*folded, kLargestPixel);
  return folded;
}

}  // namespace

Engine::State::State(Model given, SelectedBackend on)
    : model(std::make_shared<const Model>(std::move(given))),
      runnable(folded_and_checked(model)),
      backend(std::move(on.backend)),
      device(std::move(on.why)),
      precision(std::move(on.precision)),
      branch(backend->make_branch(runnable)),
      resident(dynamic_cast<DeviceBranch*>(branch.get())),
      selections(*backend, backend->memory() / 8) {}

PairScorer& Engine::State::scorer() {
  const std::scoped_lock lock(mutex_);
  if (scorer_ == nullptr) scorer_ = backend->make_scorer(runnable);
  return *scorer_;
}

Engine::Engine(Model model, const ExecutionOptions& options) {
  SelectedBackend selected = select_backend(options, model);
  state_ = std::make_unique<State>(std::move(model), std::move(selected));
}

Engine::Engine(Model model, std::unique_ptr<Backend> backend, const ExecutionOptions& options) {
  options.validate();
  if (backend == nullptr) throw InvalidArgument("an engine needs a backend");
  if (options.precision == Precision::automatic) throw InvalidArgument("a given backend has its precision already");
  std::string why = backend->description();
  state_ = std::make_unique<State>(
      std::move(model), SelectedBackend{std::move(backend), std::move(why), {options.precision, "as requested"}});
}

Engine::~Engine() = default;
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;

const Model& Engine::model() const { return *state_->model; }
const std::string& Engine::device() const { return state_->device; }
const ChosenPrecision& Engine::precision() const { return state_->precision; }
std::int64_t Engine::descriptor_size() const { return state_->branch->descriptor_size(); }
std::vector<RunSummary> Engine::summaries() const { return state_->backend->summaries(); }
std::int64_t Engine::row_bytes(int height, int width) const { return state_->branch->row_bytes(height, width); }
std::int64_t Engine::memory() const { return state_->backend->memory(); }

Matrix Engine::describe(PatchView patches, Side side, const RunControl& control) {
  return describe(std::span(&patches, 1), side, control);
}

Matrix Engine::describe(std::span<const PatchView> groups, Side side, const RunControl& control) {
  check_has_descriptors(spec());
  std::int64_t total = 0;
  for (const PatchView& group : groups) {
    state_->check_patches(group, "described");
    total = checked_add(total, group.count);
  }
  const WorkStage stage(control, "describe", total, "patches");
  Matrix result(total, descriptor_size());
  std::int64_t first = 0;
  for (const PatchView& group : groups) {
    naming_patch(spec(), first, [&] {
      state_->describe({group.count, [&](std::int64_t begin, std::int64_t count) { return group.slice(begin, count); },
                        [&](std::int64_t begin, MatrixView made) {
                          std::copy_n(made.data, made.rows * made.columns, result.row(first + begin).data());
                        }},
                       side, control);
    });
    first += group.count;
  }
  return result;
}

bool Engine::cuts_patches() const { return state_->resident != nullptr && state_->resident->cuts(); }

Matrix Engine::describe(const PhotographView& photograph, Side side, const RunControl& control) {
  state_->check_windows(photograph);
  const WorkStage stage(control, "describe", std::ssize(photograph.windows), "patches");
  return state_->describe(photograph, side, control);
}

std::vector<float> Engine::score(PatchView patches, std::span<const IndexPair> pairs, const RunControl& control) {
  return state_->score({patches, patches, true, pairs}, control);
}

std::vector<float> Engine::score(PatchView left, PatchView right, std::span<const IndexPair> pairs,
                                 const RunControl& control) {
  return state_->score({left, right, false, pairs}, control);
}

Selected Engine::grid(const GridSide& left, const GridSide& right, const GridOptions& options,
                      const RunControl& control) {
  return grid(left, std::span(&right, 1), options, control);
}

Selected Engine::grid(const GridSide& left, std::span<const GridSide> rights, const GridOptions& options,
                      const RunControl& control) {
  auto selection = state_->selections.take(selection_request(left, rights, options));
  Selected selected = state_->select(left, rights, *selection, control);
  state_->selections.give_back(std::move(selection));
  return selected;
}

Selected Engine::grid(const GridSide& left, const GridSide& right, const GridMask& mask, const GridOptions& options,
                      const RunControl& control) {
  return state_->select(left, right, mask, options, control);
}

void Engine::grid(const GridSide& left, const GridSide& right, const TileSink& sink, const RunControl& control) {
  if (left.size() == 0 || right.size() == 0) return;
  const GridWalk walk = state_->plan_walk(left, std::span(&right, 1), control);
  const WorkStage stage(control, "grid", checked_multiply(left.size(), right.size()), "pairs");
  walk_grid(walk, state_->scorer(), sink, control);
}

std::vector<Match> Engine::match(const GridSide& left, const GridSide& right, const MatchRules& rules,
                                 const RunControl& control) {
  return std::move(match(left, std::span(&right, 1), rules, control).front());
}

std::vector<Match> Engine::match(const GridSide& left, const GridSide& right, const GridMask& mask,
                                 const MatchRules& rules, const RunControl& control) {
  check(rules, spec());
  return matches(state_->select(left, right, mask, grid_options(rules), control), rules);
}

std::vector<std::vector<Match>> Engine::match(const GridSide& left, std::span<const GridSide> rights,
                                              const MatchRules& rules, const RunControl& control) {
  check(rules, spec());
  const GridOptions options = grid_options(rules);
  std::vector<std::vector<Match>> result;
  GridSide left_side = left;
  Matrix described;
  for (auto rest = rights; !rest.empty();) {
    auto [sets, selection] = begin_group(state_->selections, left, rest, options);
    const bool again = sets < rest.size() && left_side.patches() != nullptr;
    if (again && !state_->two_channel()) {  // each patch through the tower once, however many groups there are
      described = describe(*left.patches(), Side::left, control);
      left_side = described.view();
    }
    const Selected selected = state_->select(left_side, rest.first(sets), *selection, control);
    for (std::size_t s = 0; s < sets; ++s) {
      result.push_back(matches(selected.segment(static_cast<std::int64_t>(s)), rules));
    }
    state_->selections.give_back(std::move(selection));
    rest = rest.subspan(sets);
  }
  return result;
}

RowChunks Engine::rows(const GridSide& side, Side which, const RunControl& control) {
  state_->check_side(side, which);
  if (side.rows() != nullptr) return *side.rows();
  RowChunks result;
  result.side = which;
  result.size = side.size();
  if (side.patches() != nullptr) {
    result.height = side.patches()->height;
    result.width = side.patches()->width;
  }
  const std::vector<RowSource> sources = state_->sources(side, which, control);
  return state_->in_parts(std::move(result), sources.front().make, control);
}

RowChunks Engine::rows(const PhotographView& photograph, Side which, const RunControl& control) {
  state_->check_windows(photograph);
  return state_->described_rows(photograph, which, nullptr, control);
}

DescribedRows Engine::describe_rows(PatchView patches, Side which, const RunControl& control) {
  check_has_descriptors(spec());
  state_->check_patches(patches, "described");
  DescribedRows result;
  if (state_->resident == nullptr) {
    result.descriptors = describe(patches, which, control);
    result.rows = rows(result.descriptors.view(), which, control);
    return result;
  }
  result.descriptors = Matrix(patches.count, descriptor_size());
  result.rows = state_->described_rows(patches, which, &result.descriptors, control);
  return result;
}

DescribedRows Engine::describe_rows(const PhotographView& photograph, Side which, const RunControl& control) {
  state_->check_windows(photograph);
  DescribedRows result;
  result.descriptors = Matrix(std::ssize(photograph.windows), descriptor_size());
  result.rows = state_->described_rows(photograph, which, &result.descriptors, control);
  return result;
}

}  // namespace twinpatch
