// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "deviceless.hpp"
#include "library/convolution_algorithms.hpp"
#include "network_requests.hpp"
#include "support/message.hpp"

// Plans are made for cards that are not there: ready-made kernels completely, those compiled at run time up to the
// loading of what was compiled, which the driver's stub refuses. So support and code generation are tested here,
// running and speed are not.

namespace twinpatch::test {
namespace {

using cuda::CudnnTarget;
using cuda::Descriptor;
using cuda::Parts;

constexpr std::int64_t kBatch = 1024;
constexpr auto kPrecisions = {Precision::fp32, Precision::tf32, Precision::fp16, Precision::bf16};

bool supported(const cuda::PlanSearch& search) { return !search.plans.empty() || search.compiled_unloaded > 0; }

}  // namespace

TEST_CASE("every convolution of the catalogue has a ready-made kernel on every architecture") {
  for (const AbsentCard& card : absent_cards()) {
    const Descriptor properties = properties_of(card);
    const CudnnTarget target{nullptr, &properties};
    for (const Precision precision : kPrecisions) {
      const auto requests = network_requests(precision, kBatch);
      REQUIRE(requests.size() > 10);
      for (const auto& [text, request] : requests) {
        const Parts parts = cuda::parts_of(request) & ~static_cast<Parts>(cuda::kPool);
        const auto search = cuda::find_plans(target, request, parts, {.ready_made = 1, .compiled = 0});
        INFO(card.name << ": " << text << ", " << cuda::to_text(parts) << ": " << search.last_error);
        CHECK(search.plans.size() == 1);
      }
    }
  }
}

TEST_CASE("every max pooling of the catalogue is compiled for every architecture") {
  for (const AbsentCard& card : absent_cards()) {
    const Descriptor properties = properties_of(card);
    const CudnnTarget target{nullptr, &properties};
    for (const Precision precision : {Precision::fp32, Precision::fp16, Precision::bf16}) {
      if (precision == Precision::bf16 && card.version != 900) continue;  // seconds each
      std::set<std::string> seen;
      for (const auto& [text, request] : network_requests(precision, kBatch)) {
        if (!request.pooling) continue;
        const Shape from = request.convolved();
        if (!seen.insert(std::to_string(from.channels) + "x" + std::to_string(from.height)).second) continue;
        const auto search = cuda::find_plans(target, request, cuda::kPool, {.ready_made = 0, .compiled = 1});
        INFO(card.name << ": " << text << ", pool: " << search.last_error);
        CHECK(supported(search));
      }
    }
  }
}

TEST_CASE("convolution, bias, ReLU and pooling in one graph are compiled in half precision") {
  for (const AbsentCard& card : absent_cards()) {
    if (card.version == 860) continue;  // as 890; seconds each
    const Descriptor properties = properties_of(card);
    const CudnnTarget target{nullptr, &properties};
    const cuda::ConvolutionRequest second{.batch = kBatch,
                                          .input = {96, 10, 10},
                                          .layer = {96, 192, {5, 5}},
                                          .relu = true,
                                          .pooling = Pooling{},
                                          .precision = Precision::fp16};
    const auto search = cuda::find_plans(target, second, cuda::parts_of(second), {0, 1});
    INFO(card.name << ": " << search.last_error);
    CHECK(supported(search));
  }
}

TEST_CASE("fp32 never runs on tensor cores, and a kept plan can be read back") {
  const Descriptor properties = properties_of(absent_cards()[3]);
  const CudnnTarget target{nullptr, &properties};
  cuda::ConvolutionRequest request{.batch = kBatch, .input = {96, 10, 10}, .layer = {96, 192, {5, 5}}, .relu = true};
  const auto strict = cuda::find_plans(target, request, cuda::parts_of(request), {8, 0});
  CHECK(strict.refused > 0);  // the library's favourites round to tf32
  REQUIRE_FALSE(strict.plans.empty());
  request.precision = Precision::tf32;
  CHECK(cuda::find_plans(target, request, cuda::parts_of(request), {8, 0}).refused == 0);
  request.precision = Precision::fp32;

  auto algorithms = cuda::find_algorithms(target, request, true);
  REQUIRE(algorithms.size() > 1);
  const auto kept = cuda::keep(algorithms.front(), 1.0);
  const auto restored = cuda::restore(target, request, kept);
  REQUIRE(restored.stages.size() == 1);
  CHECK(restored.workspace == algorithms.front().workspace);
  CHECK(cuda::keep(restored, 1.0) == kept);
  CHECK(restored.stages.front() != algorithms.front().stages.front());

  auto wrong = kept;
  wrong.stages[0].plan = kept.stages[0].plan.substr(0, kept.stages[0].plan.size() / 2);
  (void)message_of<DeviceError>([&] { (void)cuda::restore(target, request, wrong); });
  wrong = kept;
  wrong.stages[0].parts = cuda::kConvolve;
  (void)message_of<DeviceError>([&] { (void)cuda::restore(target, request, wrong); });
}

TEST_CASE("pooling is our own where the library would have to compile it") {
  const Descriptor properties = properties_of(absent_cards()[3]);
  const CudnnTarget target{nullptr, &properties};
  const cuda::ConvolutionRequest request{.batch = 4,
                                         .input = {1, 22, 22},
                                         .layer = {1, 8, {7, 7}, {3, 3}},
                                         .relu = true,
                                         .pooling = Pooling{},
                                         .precision = Precision::fp16};
  // Compiled, but not loaded without a device.
  const auto pool = cuda::find_plans(target, request, cuda::kPool, {.ready_made = 0, .compiled = 1});
  CHECK(pool.last_error.find("cuLibraryLoadData") != std::string::npos);
  const auto algorithms = cuda::find_algorithms(target, request, false);
  REQUIRE(algorithms.size() == 1);
  CHECK(algorithms.front().own_pool);
  const auto kept = cuda::keep(algorithms.front(), 1.0);
  CHECK(cuda::restore(target, request, kept).own_pool);
  CHECK(cuda::keep(cuda::restore(target, request, kept), 1.0) == kept);
}

TEST_CASE("what the library compiles is compiled once and shared by the candidates") {
  const cuda::ConvolutionRequest request{.batch = kBatch,
                                         .input = {96, 10, 10},
                                         .layer = {96, 192, {5, 5}},
                                         .relu = true,
                                         .pooling = Pooling{},
                                         .precision = Precision::fp16};
  const bool fuses = GENERATE(true, false);  // convolution, bias and ReLU in one plan
  const bool several = GENERATE(true, false);
  INFO("fuses " << fuses << ", several " << several);
  std::vector<Parts> compiled;
  const cuda::PlanFinder find = [&](Parts parts, cuda::PlanLimits limits) {
    cuda::PlanSearch search;
    const bool convolves = (parts & cuda::kConvolve) != 0;
    if (convolves && (parts == cuda::kConvolve) == fuses) return search;
    const int ready_made = convolves ? std::min(limits.ready_made, 5) : 0;  // there is no ready-made pooling
    for (int i = 0; i < ready_made + limits.compiled; ++i) search.plans.emplace_back().parts = parts;
    compiled.insert(compiled.end(), static_cast<std::size_t>(limits.compiled), parts);
    return search;
  };
  const auto algorithms = cuda::find_algorithms(find, request, several);
  CHECK(algorithms.size() > (several ? 4U : 0U));
  std::set<const cuda::ExecutionPlan*> pools;
  for (const cuda::Algorithm& algorithm : algorithms) {
    for (const auto& stage : algorithm.stages) {
      if ((stage->parts & cuda::kConvolve) == 0) pools.insert(stage.get());
    }
  }
  CHECK(pools.size() <= 1);
  const auto pool_parts = [](Parts parts) { return (parts & cuda::kConvolve) == 0; };
  CHECK(std::ranges::count_if(compiled, pool_parts) <= 1);
  CHECK(std::ssize(compiled) <= (several ? 3 : 2));
}

}  // namespace twinpatch::test
