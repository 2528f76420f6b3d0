// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <utility>

#include "engine_state.hpp"

namespace twinpatch {
namespace {

bool all_finite(std::span<const float> values) {
  return std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); });
}

}  // namespace

void Engine::State::describe(const PatchBlocks& patches, Side side, const RunControl& control) {
  const std::int64_t most = backend->patches_at_once();
  for (std::int64_t begin = 0; begin < patches.count; begin += most) {
    control.check();
    const std::int64_t count = std::min(most, patches.count - begin);
    const Matrix descriptors = naming_patch(
        spec(), begin, [&] { return branch->descriptors(patches.view(begin, count), side, control.quiet()); });
    for (std::int64_t i = 0; i < count; ++i) {
      if (!all_finite(descriptors.row(i))) throw NotFinite::of_descriptor(spec().name, begin + i);
    }
    patches.take(begin, descriptors.view());
    control.advance(count);
  }
}

Matrix Engine::State::describe(const PhotographView& photograph, Side side, const RunControl& control) {
  Matrix descriptors = resident->descriptors(photograph, side, control.quiet());
  for (std::int64_t i = 0; i < descriptors.rows(); ++i) {
    if (!all_finite(descriptors.row(i))) throw NotFinite::of_descriptor(spec().name, i);
  }
  control.advance(descriptors.rows());
  return descriptors;
}

RowChunks Engine::State::describe_parts(RowChunks of, const DescribePart& make, Matrix* descriptors,
                                        const RunControl& control) {
  const WorkStage stage(control, "describe", of.size, "patches");
  return in_parts(
      std::move(of),
      [&](std::int64_t begin, std::int64_t count) {
        float* const to = descriptors != nullptr ? descriptors->row(begin).data() : nullptr;
        auto rows = naming_patch(spec(), begin, [&] { return make(begin, count, to); });
        control.advance(count);
        return rows;
      },
      control);
}

RowChunks Engine::State::described_rows(PatchView patches, Side which, Matrix* descriptors, const RunControl& control) {
  RowChunks of{.chunks = {}, .side = which, .size = patches.count, .height = patches.height, .width = patches.width};
  return describe_parts(
      std::move(of),
      [&](std::int64_t begin, std::int64_t count, float* to) {
        return resident->described_rows(patches.slice(begin, count), which, to, control.quiet());
      },
      descriptors, control);
}

RowChunks Engine::State::described_rows(const PhotographView& photograph, Side which, Matrix* descriptors,
                                        const RunControl& control) {
  RowChunks of{.chunks = {},
               .side = which,
               .size = std::ssize(photograph.windows),
               .height = photograph.side,
               .width = photograph.side};
  return describe_parts(
      std::move(of),
      [&](std::int64_t begin, std::int64_t count, float* to) {
        PhotographView part = photograph;
        part.windows = part.windows.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(count));
        return resident->described_rows(part, which, to, control.quiet());
      },
      descriptors, control);
}

std::shared_ptr<const DescriptorStore> Engine::State::describe_side(const GridSide& side, Side which,
                                                                    const RunControl& control) {
  auto store = std::make_shared<DescriptorStore>(side.size(), branch->descriptor_size(), backend->memory() / 4);
  const PatchView patches = *side.patches();
  const WorkStage stage(control, "describe", patches.count, "patches");
  describe({patches.count, [&](std::int64_t begin, std::int64_t count) { return patches.slice(begin, count); },
            [&](std::int64_t begin, MatrixView descriptors) {
              store->write(begin, descriptors);
              if (side.set() != nullptr) side.set()->release(begin, begin + descriptors.rows);
            }},
           which, control);
  return store;
}

}  // namespace twinpatch
