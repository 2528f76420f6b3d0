// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "engine_state.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

namespace twinpatch {
namespace {

/// Lets one caller at a time into a scorer, so that an engine can be shared by threads whatever the backend.
class TurnTaking final : public PairScorer {
 public:
  explicit TurnTaking(std::unique_ptr<PairScorer> scorer) : scorer_(std::move(scorer)) {}
  void score_list(const Rows& left, const Rows& right, std::span<const IndexPair> pairs, std::span<float> scores,
                  const RunControl& control) override {
    const std::scoped_lock turn(mutex_);
    scorer_->score_list(left, right, pairs, scores, control);
  }
  void score_tile(PlacedRows left, std::span<const PlacedRows> right, Selection& selection,
                  const RunControl& control) override {
    const std::scoped_lock turn(mutex_);
    scorer_->score_tile(left, right, selection, control);
  }
  void score_block(const Rows& left, const Rows& right, float* scores, std::int64_t stride,
                   const RunControl& control) override {
    const std::scoped_lock turn(mutex_);
    scorer_->score_block(left, right, scores, stride, control);
  }

 private:
  std::mutex mutex_;
  std::unique_ptr<PairScorer> scorer_;
};

std::string size_text(int height, int width) { return fmt::format("{}×{}", height, width); }

}  // namespace

Engine::State::State(Model given, std::unique_ptr<Backend> on, std::string why)
    : model(std::make_shared<const Model>(std::move(given))), backend(std::move(on)), device(std::move(why)) {
  check(*model);
  branch = backend->make_branch(model);
}

PairScorer& Engine::State::scorer() {
  const std::scoped_lock lock(mutex_);
  if (scorer_ == nullptr) scorer_ = std::make_unique<TurnTaking>(backend->make_scorer(model));
  return *scorer_;
}

void Engine::State::check_patches(PatchView patches, const char* which) const {
  if (patches.count == 0) return;
  if (spec().input && (patches.height != spec().input->height || patches.width != spec().input->width)) {
    throw ShapeError(fmt::format("network {} sees patches of {}, the {} ones are {}", spec().name,
                                 size_text(spec().input->height, spec().input->width), which,
                                 size_text(patches.height, patches.width)));
  }
  if (patches.height < spec().minimum_input.height || patches.width < spec().minimum_input.width) {
    throw ShapeError(fmt::format("network {} needs patches of at least {}, the {} ones are {}", spec().name,
                                 size_text(spec().minimum_input.height, spec().minimum_input.width), which,
                                 size_text(patches.height, patches.width)));
  }
}

void Engine::State::check_pair_of_sets(PatchView left, PatchView right) const {
  check_patches(left, "left");
  check_patches(right, "right");
  if (left.count == 0 || right.count == 0 || !two_channel()) return;
  if (left.height != right.height || left.width != right.width) {
    throw ShapeError(fmt::format("network {} stacks the two patches of a pair: they must have one size, not {} and {}",
                                 spec().name, size_text(left.height, left.width),
                                 size_text(right.height, right.width)));
  }
  if (left.type != right.type) {
    throw InvalidArgument("left and right patches must both be grey levels or both be raw floats");
  }
}

void Engine::State::check_side(const GridSide& side, const char* which) const {
  if (side.descriptors_.data == nullptr) return check_patches(side.patches_, which);
  if (two_channel()) {
    throw InvalidArgument(fmt::format(
        "network {} sees both patches of a pair at once: the {} side cannot be descriptors", spec().name, which));
  }
  if (side.descriptors_.columns != branch->descriptor_size()) {
    throw ShapeError(fmt::format("descriptors of network {} have {} values, the {} ones have {}", spec().name,
                                 branch->descriptor_size(), which, side.descriptors_.columns));
  }
}

void Engine::State::check_sides(const GridSide& left, const GridSide& right) const {
  check_side(left, "left");
  check_side(right, "right");
  if (two_channel()) check_pair_of_sets(left.patches_, right.patches_);
}

Matrix Engine::State::describe_block(PatchView patches, Side side, std::int64_t first, const RunControl& control) {
  return naming_patch(spec(), first, [&] {
    Matrix result = branch->descriptors(patches, side, {control.stop, nullptr});
    for (std::int64_t i = 0; i < result.rows(); ++i) {
      const auto row = std::as_const(result).row(i);
      if (!std::all_of(row.begin(), row.end(), [](float value) { return std::isfinite(value); })) {
        throw_not_finite(spec(), first + i);
      }
    }
    return result;
  });
}

void Engine::State::describe_set(PatchView patches, const PatchSet* set, Side side, DescriptorStore& store,
                                 const RunControl& control) {
  const WorkStage stage(control, "describe", patches.count, "patches");
  const std::int64_t most = backend->patches_at_once();
  for (std::int64_t begin = 0; begin < patches.count; begin += most) {
    control.check();
    const std::int64_t count = std::min(most, patches.count - begin);
    store.write(begin, describe_block(patches.slice(begin, count), side, begin, control).view());
    if (set != nullptr) set->release(begin, begin + count);
    control.advance(count);
  }
}

std::shared_ptr<DescriptorStore> Engine::State::describe_side(const GridSide& side, Side which,
                                                              const RunControl& control) {
  auto store = std::make_shared<DescriptorStore>(side.size(), branch->descriptor_size(), backend->memory() / 4);
  describe_set(side.patches_, side.set_, which, *store, control);
  return store;
}

RowSource Engine::State::patch_source(const GridSide& side, Side which, const RunControl& control) {
  if (side.descriptors_.data != nullptr) {
    return {side.size(), [this, which, view = side.descriptors_](std::int64_t begin, std::int64_t count) {
              return naming_patch(spec(), begin, [&] { return branch->rows(view.slice(begin, count), which); });
            }};
  }
  return {side.size(), [this, which, view = side.patches_, set = side.set_, stop = control.stop](std::int64_t begin,
                                                                                                 std::int64_t count) {
            auto rows = naming_patch(spec(), begin, [&] {
              return branch->rows(view.slice(begin, count), which, {stop, nullptr});
            });
            if (set != nullptr) set->release(begin, begin + count);
            return rows;
          }};
}

RowSource Engine::State::store_source(std::shared_ptr<const DescriptorStore> store, Side which) {
  const std::int64_t size = store->size();
  return {size, [this, which, store = std::move(store)](std::int64_t begin, std::int64_t count) {
            const Matrix block = store->read(begin, count);
            return naming_patch(spec(), begin, [&] { return branch->rows(block.view(), which); });
          }};
}

Engine::State::Sources Engine::State::sources(const GridSide& left, const GridSide& right, const RunControl& control) {
  check_sides(left, right);
  (void)scorer();  // a model without one says so before any patch is described
  const PatchView sized = left.descriptors_.data == nullptr ? left.patches_ : right.patches_;
  Sources result;
  result.tile = backend->tile_size(*model, sized.height, sized.width);
  result.cache_bytes = backend->memory() / 2;

  const bool towers = !two_channel();
  const bool same = towers && shared_branch() && left.descriptors_.data == nullptr &&
                    right.descriptors_.data == nullptr && left.patches_.pixels == right.patches_.pixels &&
                    left.size() == right.size() && left.patches_.patch_bytes() == right.patches_.patch_bytes();
  if (same) {  // one run through the tower for both sides
    const auto store = describe_side(left, Side::left, control);
    result.left = store_source(store, Side::left);
    result.right = store_source(store, Side::right);
    return result;
  }
  result.left = patch_source(left, Side::left, control);  // every left block is made once
  const std::int64_t right_bytes =
      checked_multiply(right.size(), branch->row_bytes(right.patches_.height, right.patches_.width));
  const bool made_once = right_bytes <= result.cache_bytes || left.size() <= result.tile.rows;
  if (towers && right.descriptors_.data == nullptr && !made_once) {
    result.right = store_source(describe_side(right, Side::right, control), Side::right);
  } else {
    result.right = patch_source(right, Side::right, control);
  }
  return result;
}

GatheredPatches gather_patches(PatchView patches, std::span<const std::int32_t> indices) {
  const std::int64_t bytes = patches.patch_bytes();
  const auto count = static_cast<std::int64_t>(indices.size());
  GatheredPatches result{Buffer<std::byte>(checked_multiply(count, bytes)), patches};
  for (std::int64_t i = 0; i < count; ++i) {
    std::memcpy(result.pixels.data() + i * bytes,
                static_cast<const std::byte*>(patches.pixels) + indices[static_cast<std::size_t>(i)] * bytes,
                static_cast<std::size_t>(bytes));
  }
  result.view.pixels = result.pixels.data();
  result.view.count = count;
  return result;
}

void throw_not_finite(const NetworkSpec& spec, std::int64_t index) {
  throw NotFinite(fmt::format("network {}: the descriptor of patch {} is not finite", spec.name, index), index);
}

}  // namespace twinpatch
