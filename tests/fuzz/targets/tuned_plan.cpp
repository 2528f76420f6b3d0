// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "fuzz/fuzz.hpp"
#include "library/tuned_plans.hpp"

namespace twinpatch::fuzz {

// A convolution's plan as it is kept between runs.
void run_target(Bytes input) {
  refused([&] {
    const std::string text(as_text(input));
    const auto plan = cuda::tuned_plan_from_json(text, "key", "x");
    const auto again = cuda::tuned_plan_from_json(cuda::to_json("key", plan), "key", "y");
    require(again.stages.size() == plan.stages.size(), "stages that do not come back");
  });
}

}  // namespace twinpatch::fuzz
