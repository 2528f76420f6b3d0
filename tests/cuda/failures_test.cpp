// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <optional>

#include "engine_support.hpp"
#include "simt/simt.hpp"
#include "support/small_networks.hpp"
#include "twinpatch/cuda/backend.hpp"

// What fails, fails cleanly: on the stand-in every allocation, copy and launch of a run can be made to.

using namespace twinpatch;
using namespace twinpatch::test;

namespace {

const GridOptions kOptions{.top_k = 2, .column_best = true};

struct Run {
  explicit Run(const NetworkSpec& spec) : model(random_model(spec, 1)) {}

  /// A grid, a list and, where there are some, descriptors, on an engine of its own.
  Selected operator()(const std::string& device = "cuda:0") const {
    Engine engine = cuda_engine(model, device);
    Selected kept = engine.grid(left.view, right.view, kOptions);
    (void)engine.score(left.view, right.view, all_pairs(3, 2));
    if (has_descriptors(model.spec)) (void)engine.describe(left.view);
    return kept;
  }

  Model model;
  Patches left{19, kTinyPatch, 2};
  Patches right{21, kTinyPatch, 3};
};

}  // namespace

TEST_CASE("results do not depend on the order in which a device does what it may do in any order") {
  for (const NetworkSpec& spec : tiny_networks()) {
    const Run run(spec);
    std::optional<Selected> first;
    for (const auto eagerness : {simt::Eagerness::late, simt::Eagerness::mixed, simt::Eagerness::eager}) {
      for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        INFO("network " << spec.name << ", seed " << seed << ", eagerness " << static_cast<int>(eagerness));
        const simt::Machine machine({.devices = 2, .seed = seed, .eagerness = eagerness});
        Selected kept = run();
        if (!first)
          first = std::move(kept);
        else
          expect_same(kept, *first);
        expect_same(run("cuda:0,1"), *first);
        CHECK(simt::last_fault() == "");
        CHECK(machine.leaks() == "");
      }
    }
  }
}

TEST_CASE("when the n-th allocation is refused the run shrinks, or ends with OutOfMemory, and leaks nothing") {
  for (const NetworkSpec& spec : tiny_networks()) {
    const Run run(spec);
    const Selected expected = run();
    int shrunk = 0;
    int refused = 0;
    bool reached = true;
    for (std::int64_t n = 1; reached; ++n) {
      INFO("network " << spec.name << ", allocation " << n);
      const simt::Machine machine({});
      simt::fail_call(simt::Call::device_allocation, n, cudaErrorMemoryAllocation);
      try {
        expect_same(run(), expected);
        ++shrunk;
      } catch (const OutOfMemory&) {
        ++refused;
      }
      reached = simt::pending_failures() == 0;
      CHECK(machine.leaks() == "");
    }
    CHECK(shrunk > 5);   // plans and tiles
    CHECK(refused > 0);  // weights
  }
}

TEST_CASE("when the n-th copy or launch is refused the run ends with DeviceError and leaks nothing") {
  const auto call = GENERATE(simt::Call::copy, simt::Call::launch, simt::Call::host_allocation);
  for (const NetworkSpec& spec : tiny_networks()) {
    const Run run(spec);
    const Selected expected = run();
    std::int64_t failed = 0;
    bool reached = true;
    for (std::int64_t n = 1; reached; n += 1 + n / 8) {
      INFO("network " << spec.name << ", call " << n << " of kind " << static_cast<int>(call));
      const simt::Machine machine({});
      const bool host = call == simt::Call::host_allocation;
      simt::fail_call(call, n, host ? cudaErrorMemoryAllocation : cudaErrorInvalidValue);
      try {
        expect_same(run(), expected);
      } catch (const DeviceError&) {
        ++failed;
      }
      reached = simt::pending_failures() == 0;
      CHECK(machine.leaks() == "");
    }
    // Pinned memory that is refused is asked for again with smaller tiles.
    if (call != simt::Call::host_allocation) CHECK(failed > 0);
  }
}

TEST_CASE("executors whose call has failed serve the next one as if nothing had been") {
  const auto call = GENERATE(simt::Call::copy, simt::Call::launch);
  for (const NetworkSpec& spec : tiny_networks()) {
    const simt::Machine machine({});
    ExecutionOptions options = cuda_options();
    options.batch = 4;
    const Rig rig = cuda_rig(shared_model(spec, 1), options);
    const Patches left(9, kTinyPatch, 4);
    const Patches right(7, kTinyPatch, 5);
    const auto all = [&] {
      auto result = rig.list(left.view, right.view);
      const auto block = rig.block(left.view, right.view);
      result.insert(result.end(), block.begin(), block.end());
      if (!has_descriptors(spec)) return result;
      const Matrix descriptors = rig.branch->descriptors(left.view, Side::left);
      result.insert(result.end(), descriptors.span().begin(), descriptors.span().end());
      return result;
    };
    const auto expected = all();
    int failed = 0;
    for (std::int64_t n = 1; simt::pending_failures() == 0; n += 1 + n / 2) {
      INFO("network " << spec.name << ", call " << n << " of kind " << static_cast<int>(call));
      simt::fail_call(call, n, cudaErrorInvalidValue);
      try {
        (void)all();
      } catch (const DeviceError&) {
        ++failed;
        CHECK(all() == expected);
      }
    }
    CHECK(failed > 3);
    CHECK(simt::last_fault() == "");
  }
}

TEST_CASE(
    "when a device is lost in the middle the run ends with DeviceError, and the next one on a sound device works") {
  const bool several = GENERATE(false, true);
  for (const NetworkSpec& spec : tiny_networks()) {
    const Run run(spec);
    std::int64_t lost = 0;
    bool reached = true;
    for (std::int64_t n = 1; reached; n += 1 + n / 4) {
      INFO("network " << spec.name << ", operation " << n);
      const simt::Machine machine({.devices = 2});
      simt::fail_operation(simt::Call::any, n, cudaErrorECCUncorrectable);
      try {
        (void)run(several ? "cuda:0,1" : "cuda:0");
      } catch (const DeviceError&) {
        ++lost;
      }
      reached = simt::pending_failures() == 0;
    }
    CHECK(lost > 0);
    (void)run();
  }
}

TEST_CASE("without a driver, a device or a kernel for it one line says what is missing") {
  const Model model = random_model(tiny_two_channel(), 1);
  const auto message = [&] {
    std::string text;
    try {
      (void)cuda_engine(model);
    } catch (const DeviceError& error) {
      text = error.what();
    }
    CHECK_FALSE(text.empty());
    CHECK(text.find('\n') == std::string::npos);
    return text;
  };
  {
    const simt::Machine machine({.start = cudaErrorInsufficientDriver, .driver_version = 0});
    CHECK(count_cuda_devices() == 0);
    CHECK_THAT(message(), Catch::Contains("driver"));
    CHECK_FALSE(describe_cuda_devices().empty());
  }
  {
    const simt::Machine machine({.devices = 0, .start = cudaErrorNoDevice});
    CHECK(count_cuda_devices() == 0);
    (void)message();
  }
  {
    const simt::Machine machine({.kernel_image = false});
    (void)message();
  }
  CHECK(count_cuda_devices() == 1);
}
