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
  Matrix descriptors = cutter->descriptors(photograph, side, control.quiet());
  for (std::int64_t i = 0; i < descriptors.rows(); ++i) {
    if (!all_finite(descriptors.row(i))) throw NotFinite::of_descriptor(spec().name, i);
  }
  control.advance(descriptors.rows());
  return descriptors;
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
