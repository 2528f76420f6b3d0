// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <set>

#include "deviceless.hpp"
#include "library/convolution_ways.hpp"
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
        const auto search = cuda::find_plans(target, request, parts, 1);
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
        const auto search = cuda::find_plans(target, request, cuda::kPool, 1);
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
    const auto search = cuda::find_plans(target, second, cuda::parts_of(second), 1);
    INFO(card.name << ": " << search.last_error);
    CHECK(supported(search));
  }
}

TEST_CASE("fp32 never runs on tensor cores, and a kept plan can be read back") {
  const Descriptor properties = properties_of(absent_cards()[3]);
  const CudnnTarget target{nullptr, &properties};
  cuda::ConvolutionRequest request{.batch = kBatch, .input = {96, 10, 10}, .layer = {96, 192, {5, 5}}, .relu = true};
  const auto strict = cuda::find_plans(target, request, cuda::parts_of(request), 8);
  CHECK(strict.refused > 0);  // the library's favourites round to tf32
  REQUIRE_FALSE(strict.plans.empty());
  request.precision = Precision::tf32;
  CHECK(cuda::find_plans(target, request, cuda::parts_of(request), 8).refused == 0);
  request.precision = Precision::fp32;

  auto ways = cuda::find_ways(target, request, true);
  REQUIRE(ways.size() > 1);
  const auto kept = cuda::keep(ways.front(), 1.0);
  const auto restored = cuda::restore(target, request, kept);
  REQUIRE(restored.stages.size() == 1);
  CHECK(restored.workspace == ways.front().workspace);
  CHECK(cuda::keep(restored, 1.0) == kept);

  auto wrong = kept;
  wrong.stages[0].plan = kept.stages[0].plan.substr(0, kept.stages[0].plan.size() / 2);
  (void)message_of<DeviceError>([&] { (void)cuda::restore(target, request, wrong); });
  wrong = kept;
  wrong.stages[0].parts = cuda::kConvolve;
  (void)message_of<DeviceError>([&] { (void)cuda::restore(target, request, wrong); });
}

TEST_CASE("what the library cannot compute is refused with its reason") {
  const Descriptor properties = properties_of(absent_cards()[3]);
  const CudnnTarget target{nullptr, &properties};
  // Pooling can be compiled but not loaded here, so no way is complete.
  const cuda::ConvolutionRequest request{.batch = 4,
                                         .input = {1, 22, 22},
                                         .layer = {1, 8, {7, 7}, {3, 3}},
                                         .relu = true,
                                         .pooling = Pooling{},
                                         .precision = Precision::fp16};
  const std::string message = message_of<DeviceError>([&] { (void)cuda::find_ways(target, request, false); });
  CHECK(message.find("1x22x22 k7x7 s3x3") != std::string::npos);
  CHECK(message.find("cuLibraryLoadData") != std::string::npos);
}

}  // namespace twinpatch::test
