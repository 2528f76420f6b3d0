// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "support/random.hpp"
#include "support/temporary_folder.hpp"
#include "twinpatch/formats/npy.hpp"
#include "twinpatch/net/spec.hpp"
#include "twinpatch/train/trainer.hpp"

namespace twinpatch::test {

/// A network for patches of 16×16 that learns in seconds.
inline NetworkSpec tiny_spec(Coupling coupling, Decision decision) {
  NetworkSpec spec;
  spec.name = "tiny";
  spec.summary = "for tests";
  spec.input = Extent{16, 16};
  spec.coupling = coupling;
  const int in = coupling == Coupling::two_channel ? 2 : 1;
  const auto last = std::holds_alternative<DecisionMetric>(decision) ? Activation::Kind::tanh : Activation::Kind::relu;
  spec.streams = {{StreamView{},
                   {Convolution{in, 8, {5, 5}, {1, 1}}, Activation{}, Pooling{}, Convolution{8, 16, {3, 3}, {1, 1}},
                    Activation{}, Pooling{}, Linear{64, 16}, Activation{last}}}};
  spec.decision = std::move(decision);
  return spec;
}

inline Decision tiny_layers(int in) { return DecisionLayers{{Linear{in, 24}, Activation{}, Linear{24, 1}}}; }

/// A scene of patches.npy and info.txt: `points` waves of their own, each seen `views` times with noise; and the list.
inline std::filesystem::path write_scene(const TemporaryFolder& folder, const std::string& name, int points, int views,
                                         std::uint64_t seed) {
  const auto path = folder / name;
  std::filesystem::create_directories(path);
  Random random(seed);
  std::vector<std::uint8_t> pixels;
  std::string info, list;
  for (int point = 0; point < points; ++point) {
    const auto pattern = structured_patches(1, 16, 16, seed + 1000 + static_cast<std::uint64_t>(point));
    for (int view = 0; view < views; ++view) {
      for (const auto value : pattern)
        pixels.push_back(static_cast<std::uint8_t>(std::clamp(std::lround(value + 6 * random.normal()), 0L, 255L)));
      info += std::to_string(point) + " 0\n";
    }
    const int first = point * views;
    const int other = ((point + 1) % points) * views;
    if (views > 1) {
      list += std::to_string(first) + " " + std::to_string(point) + " 0 " + std::to_string(first + 1) + " " +
              std::to_string(point) + " 0\n";
      list += std::to_string(first) + " " + std::to_string(point) + " 0 " + std::to_string(other + 1) + " " +
              std::to_string((point + 1) % points) + " 0\n";
    }
  }
  write_npy<std::uint8_t>(path / "patches.npy", pixels, {points * views, 16, 16});
  folder.file(name + "/info.txt", info);
  folder.file(name + "/m50_" + std::to_string(points) + "_" + std::to_string(points) + "_0.txt", list);
  return path;
}

/// A run of `steps` on one small scene, validated on another, that anyone can change.
inline TrainOptions tiny_options(const TemporaryFolder& folder, const NetworkSpec& spec, int steps) {
  TrainOptions options;
  options.network = folder.file("tiny.json", to_json(spec)).string();
  options.datasets = {write_scene(folder, "waves", 60, 3, 1)};
  options.validation = {write_scene(folder, "ripples", 40, 2, 2)};
  options.steps = steps;
  options.batch = 32;
  options.warm_up = 5;
  options.validation_pairs = 40;
  options.cache = folder / "cache";
  options.threads = 1;
  options.device = "cpu";
  options.augmentation.shift = 0.5;
  return options;
}

}  // namespace twinpatch::test
