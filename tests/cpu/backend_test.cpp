// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "support/backend_rig.hpp"
#include "support/small_networks.hpp"
#include "support/tolerances.hpp"
#include "twinpatch/core/error.hpp"

// What only the CPU's backend has; tests/backend has what every backend has.

namespace twinpatch::test {
TEST_CASE("a small memory bound cuts a grid of a 2-channel network into blocks and changes nothing else") {
  const auto model = shared_model(network("2ch"));
  const Patches left(5, {64, 64}, 41);
  const Patches right(7, {64, 64}, 42);
  ExecutionOptions options = cpu_options();
  const auto expected = widened(cpu_rig(model, options).list(left.view, right.view));
  options.memory = 3'000'000;
  const Rig tight = cpu_rig(model, options);
  const auto tile = tight.backend->tile_size(*model, 64, 64);
  CHECK(tile.rows * tile.columns < 35);
  expect_close(tight.block(left.view, right.view), expected, tolerance::kScoreFp32);
}

TEST_CASE("precisions and kernels that the CPU lacks are refused") {
  ExecutionOptions options = cpu_options();
  for (const Precision precision : {Precision::tf32, Precision::fp16}) {
    options.precision = precision;
    CHECK_THROWS_WITH(make_cpu_backend(options),
                      Catch::StartsWith(fmt::format("the CPU engine has no {} on this processor; it has: fp32",
                                                    to_string(precision))));
  }
  options.precision = Precision::fp32;
  options.kernels = Kernels::fused;
  CHECK_THROWS_WITH(make_cpu_backend(options), "fused kernels require CUDA");
}

TEST_CASE("networks whose batch normalisations nobody folded are refused") {
  NetworkSpec spec = small_spec(8, DecisionMetric{});
  spec.streams[0].layers.push_back(BatchNormalisation{.channels = 8});
  const auto backend = make_cpu_backend(cpu_options());
  CHECK_THROWS_WITH(backend->make_branch(shared_model(spec)), Catch::Contains("must be folded"));
  CHECK_NOTHROW(backend->make_branch(fold_batch_normalisation(shared_model(spec))));
}

TEST_CASE("the CPU's backend says what it is") {
  const std::string text = make_cpu_backend(cpu_options(1))->description();
  CHECK(text.find("CPU, 1 thread, ") == 0);
  CHECK(text.find("oneDNN") != std::string::npos);
  CHECK(describe_cpu_devices().size() == 1);
}

}  // namespace twinpatch::test
