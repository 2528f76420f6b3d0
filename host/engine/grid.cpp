// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "engine_state.hpp"
#include "twinpatch/core/checked.hpp"

// A grid from two sides: how their rows are made, and how often.

namespace twinpatch {
namespace {

/// Size of the patches of a grid; 0×0 where all sides are descriptors.
Extent patch_size(const GridSide& left, std::span<const GridSide> rights) {
  const auto size_of = [](const GridSide& side) {
    if (const PatchView* patches = side.patches()) return Extent{patches->height, patches->width};
    return side.rows() == nullptr ? Extent{0, 0} : Extent{side.rows()->height, side.rows()->width};
  };
  Extent size = size_of(left);
  for (const GridSide& right : rights) {
    if (size.height == 0) size = size_of(right);
  }
  return size;
}

/// The score of a pair whose column is counted over all right sets, said of its own set.
[[noreturn]] void throw_of_its_set(const std::string& network, std::span<const GridSide> rights,
                                   const NotFinite& error) {
  std::int64_t column = error.pair().right;
  std::int64_t set = 0;
  for (; column >= rights[static_cast<std::size_t>(set)].size(); ++set) {
    column -= rights[static_cast<std::size_t>(set)].size();
  }
  throw NotFinite::of_score(network, {error.pair().left, static_cast<std::int32_t>(column)}, error.score(), set);
}

}  // namespace

SelectionRequest selection_request(const GridSide& left, std::span<const GridSide> rights, const GridOptions& options) {
  if (rights.empty()) throw InvalidArgument("a grid needs a right set");
  SelectionRequest request{left.size(), 0, options.top_k, options.column_best, options.threshold, {}};
  for (const GridSide& right : rights) {
    if (rights.size() > 1) request.segments.push_back(request.columns);
    request.columns = checked_add(request.columns, right.size());
  }
  return request;
}

RowChunks Engine::State::in_parts(
    RowChunks of, const std::function<std::shared_ptr<const Rows>(std::int64_t begin, std::int64_t count)>& make,
    const RunControl& control) {
  const auto tile = backend->tile_size(*runnable, of.height, of.width);
  const std::int64_t most = std::max<std::int64_t>(1, of.side == Side::left ? tile.rows : tile.columns);
  for (std::int64_t begin = 0; begin < of.size; begin += most) {
    control.check();
    of.chunks.push_back(make(begin, std::min(most, of.size - begin)));
    of.bytes += of.chunks.back()->bytes();
  }
  return of;
}

std::vector<RowSource> Engine::State::sources(const GridSide& side, Side which, const RunControl& control) {
  if (const RowChunks* rows = side.rows()) {
    std::vector<RowSource> result;
    for (const auto& chunk : rows->chunks) {
      result.push_back(
          {chunk->size(), [chunk](std::int64_t /*begin*/, std::int64_t /*count*/) { return chunk; }, false});
    }
    return result;
  }
  if (const MatrixView* descriptors = side.descriptors()) {
    return {{side.size(), [this, which, view = *descriptors](std::int64_t begin, std::int64_t count) {
               return naming_patch(spec(), begin, [&] { return branch->rows(view.slice(begin, count), which); });
             }}};
  }
  return {{side.size(), [this, which, view = *side.patches(), set = side.set(), quiet = control.quiet()](
                            std::int64_t begin, std::int64_t count) {
             auto rows =
                 naming_patch(spec(), begin, [&] { return branch->rows(view.slice(begin, count), which, quiet); });
             if (set != nullptr) set->release(begin, begin + count);
             return rows;
           }}};
}

RowSource Engine::State::store_source(std::shared_ptr<const DescriptorStore> store, Side which) {
  const std::int64_t size = store->size();
  return {size, [this, which, store = std::move(store)](std::int64_t begin, std::int64_t count) {
            const Matrix block = store->read(begin, count);
            return naming_patch(spec(), begin, [&] { return branch->rows(block.view(), which); });
          }};
}

/// One run through the tower does for both sides.
bool Engine::State::same_patches(const GridSide& left, const GridSide& right) const {
  const PatchView* const a = left.patches();
  const PatchView* const b = right.patches();
  return shared_branch() && a != nullptr && b != nullptr && a->pixels == b->pixels && a->count == b->count &&
         a->patch_bytes() == b->patch_bytes();
}

/// Rows of the right sides stay in the cache, or there is one left part to score them with.
bool Engine::State::rights_are_made_once(const GridSide& left, std::span<const GridSide> rights,
                                         const GridWalk& walk) const {
  if (left.size() <= walk.tile.rows) return true;
  std::int64_t bytes = 0;
  for (const GridSide& right : rights) {
    if (const PatchView* patches = right.patches()) {
      bytes = checked_add(bytes, checked_multiply(right.size(), branch->row_bytes(patches->height, patches->width)));
    }
  }
  return bytes <= walk.cache_bytes;
}

GridWalk Engine::State::plan_walk(const GridSide& left, std::span<const GridSide> rights, const RunControl& control) {
  for (const GridSide& right : rights) check_sides(left, right);
  (void)scorer();  // a model without one says so before any patch is described
  const Extent size = patch_size(left, rights);
  GridWalk walk;
  walk.tile = backend->tile_size(*runnable, size.height, size.width);
  walk.cache_bytes = backend->memory() / 2;
  if (rights.size() == 1 && same_patches(left, rights.front())) {
    const auto store = describe_side(left, Side::left, control);
    walk.left = {store_source(store, Side::left)};
    walk.right = {store_source(store, Side::right)};
    return walk;
  }
  walk.left = sources(left, Side::left, control);  // every left part is made once
  const bool made_once = two_channel() || rights_are_made_once(left, rights, walk);
  for (const GridSide& right : rights) {
    if (right.patches() != nullptr && right.size() > 0 && !made_once) {
      walk.right.push_back(store_source(describe_side(right, Side::right, control), Side::right));
      continue;
    }
    for (RowSource& source : sources(right, Side::right, control)) walk.right.push_back(std::move(source));
  }
  return walk;
}

Selected Engine::State::select(const GridSide& left, std::span<const GridSide> rights, Selection& selection,
                               const RunControl& control) {
  const std::int64_t columns = selection.request().columns;
  if (left.size() == 0 || columns == 0) return selection.read();
  const GridWalk walk = plan_walk(left, rights, control);
  const WorkStage stage(control, "grid", checked_multiply(left.size(), columns), "pairs");
  try {
    walk_grid(walk, scorer(), selection, control);
    return selection.read();
  } catch (const NotFinite& error) {
    if (error.pair().left < 0) throw;
    throw_of_its_set(spec().name, rights, error);
  }
}

Selected Engine::State::select(const GridSide& left, const GridSide& right, const GridMask& mask,
                               const GridOptions& options, const RunControl& control) {
  const std::span<const GridSide> rights(&right, 1);
  const GridWalk walk = plan_walk(left, rights, control);
  MaskedTiles tiles(scorer(), mask, selection_request(left, rights, options));
  const WorkStage stage(control, "grid", checked_multiply(left.size(), right.size()), "pairs");
  try {
    walk_grid(walk, tiles, control);
    return tiles.take();
  } catch (const NotFinite& error) {
    if (error.pair().left < 0) throw;
    throw_of_its_set(spec().name, rights, error);
  }
}

}  // namespace twinpatch
