// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "engine/fake_backend.hpp"
#include "support/random.hpp"
#include "twinpatch/engine/engine.hpp"

// An engine on the backend that counts, tiny patches for it, and what it should make of them.

namespace twinpatch::test {

/// A network whose branch gives kFakeLength values (2-channel: that its branch sees pairs is all that matters).
inline Model small_model(Coupling coupling, bool metric = true) {
  NetworkSpec spec;
  spec.name = "tiny";
  spec.input = Extent{2, 2};
  spec.coupling = coupling;
  const bool pairs = coupling == Coupling::two_channel;
  spec.streams = {Stream{{}, {Linear{pairs ? 8 : 4, static_cast<int>(kFakeLength)}}}};
  if (pairs) {
    spec.decision = DecisionLayers{{Linear{static_cast<int>(kFakeLength), 1}}};
  } else if (metric) {
    spec.decision = DecisionMetric{DecisionMetric::Kind::l2, false};
  } else {
    spec.decision = DecisionLayers{{Linear{2 * static_cast<int>(kFakeLength), 1}}};
  }
  return random_model(spec, 1);
}

inline PatchSet small_patches(std::int64_t count, std::uint64_t seed) {
  Random random(seed);
  PatchSet result(count, 2, 2);
  for (std::int64_t i = 0; i < count; ++i) {
    for (int k = 0; k < 4; ++k) result.mutable_patch(i)[k] = static_cast<std::uint8_t>(random.below(60));
  }
  return result;
}

inline std::span<const float> fake_descriptor(const PatchSet& patches, std::int64_t i, std::vector<float>& into) {
  const auto* pixels = static_cast<const std::uint8_t*>(patches.view().slice(i, 1).pixels);
  into.assign(pixels, pixels + kFakeLength);
  return into;
}

inline float pair_score(const PatchSet& left, std::int64_t i, const PatchSet& right, std::int64_t j) {
  std::vector<float> a;
  std::vector<float> b;
  return fake_score(fake_descriptor(left, i, a), fake_descriptor(right, j, b));
}

struct Rig {
  Rig(Model model, std::int64_t memory, std::int64_t tile)
      : counts(std::make_shared<Counts>()),
        engine(std::move(model), std::make_unique<FakeBackend>(memory, tile, counts), ExecutionOptions{}) {}
  std::shared_ptr<Counts> counts;
  Engine engine;
};

inline void expect_grid(const Selected& got, const PatchSet& left, const PatchSet& right) {
  Matrix scores(left.size(), right.size());
  for (std::int64_t i = 0; i < left.size(); ++i) {
    for (std::int64_t j = 0; j < right.size(); ++j) {
      scores.row(i)[static_cast<std::size_t>(j)] = pair_score(left, i, right, j);
    }
  }
  const Selected expected =
      reference::select(scores.view(), {.rows = left.size(), .columns = right.size(), .top_k = got.top_k});
  CHECK(std::equal(got.indices.span().begin(), got.indices.span().end(), expected.indices.data()));
  CHECK(std::equal(got.scores.span().begin(), got.scores.span().end(), expected.scores.data()));
}

struct Recorder final : Progress {
  void begin(std::string_view stage, std::int64_t total, std::string_view unit) override {
    text += std::string(stage) + " " + std::to_string(total) + " " + std::string(unit) + ": ";
    left = total;
  }
  void advance(std::int64_t units) override { left -= units; }
  void end() override { text += std::to_string(left) + " left. "; }
  std::string text;
  std::int64_t left = 0;
};

}  // namespace twinpatch::test
