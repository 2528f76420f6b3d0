// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "patch_changes.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace twinpatch::train {

double window_share(const WindowRange& windows, std::optional<float> extent, Random& random) {
  if (!windows.chosen() || !extent) return 1;
  const double most = std::min<double>(windows.most, *extent);
  const double least = std::min(windows.least, most);
  return least * std::pow(most / least, random.uniform()) / *extent;
}

SquareSymmetry draw_symmetry(const Augmentation& augmentation, Random& random) {
  if (!augmentation.turns) return {};
  const auto turns = static_cast<int>(random.below(4));
  return {turns, random.coin()};
}

PatchChange draw_change(const Augmentation& augmentation, SquareSymmetry symmetry, double share, int width,
                        Random& random) {
  PatchChange change;
  change.symmetry = symmetry;
  const double pixel = share * width / 64;  // the options' pixels are those of a 64×64 patch
  change.shift_x = augmentation.shift * pixel * random.normal();
  change.shift_y = augmentation.shift * pixel * random.normal();
  change.angle = augmentation.angle * std::numbers::pi / 180 * random.normal();
  change.scale = std::exp(augmentation.scale * random.normal());
  change.blur = random.uniform() < augmentation.blur;
  change.gain = std::exp(augmentation.contrast * random.normal());
  change.offset = 100 * augmentation.contrast * random.normal();
  change.scale *= share;
  return change;
}

}  // namespace twinpatch::train
