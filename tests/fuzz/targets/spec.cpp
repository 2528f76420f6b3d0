// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/net/spec.hpp"

#include "fuzz/fuzz.hpp"
#include "twinpatch/engine/engine.hpp"
#include "twinpatch/net/model.hpp"

namespace twinpatch::fuzz {
namespace {

constexpr std::int64_t kMostParameters = 100'000;
constexpr std::int64_t kMostMultiplications = 2'000'000;

/// A network that a file may ask for, small enough to run many times a second: from random weights to scores.
void run_network(const NetworkSpec& spec) {
  const Cost price = cost(spec);
  if (price.parameters > kMostParameters || price.macs_per_pair > kMostMultiplications) return;
  const Extent size = spec.input
                          ? *spec.input
                          : Extent{std::max(64, spec.minimum_input.height), std::max(64, spec.minimum_input.width)};
  if (std::int64_t{size.height} * size.width > 20'000) return;
  Engine engine(random_model(spec, 1), {.threads = 1, .memory = 64 << 20});
  PatchSet patches(3, size.height, size.width);
  for (std::int64_t i = 0; i < 3; ++i) {
    for (int pixel = 0; pixel < size.height * size.width; ++pixel) {
      patches.mutable_patch(i)[pixel] = static_cast<std::uint8_t>(pixel * 37 + i * 11);
    }
  }
  const IndexPair pairs[] = {{0, 1}, {2, 0}};
  (void)engine.score(patches.view(), patches.view(), pairs);
}

}  // namespace

void run_target(Bytes input) {
  NetworkSpec spec;
  if (refused([&] { spec = spec_from_json(as_text(input), "x"); })) return;
  const std::string json = to_json(spec);
  require(to_json(spec_from_json(json, "y")) == json, "a specification that does not come back");
  refused([&] { run_network(spec); });
}

}  // namespace twinpatch::fuzz
