// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <string_view>

#include "plan/layer_numbers.hpp"
#include "twinpatch/cpu/backend.hpp"

// What `--precision auto` knows. Another processor rounds other layers, another model other numbers: neither inherits.

namespace twinpatch {
namespace {

struct Judged {
  std::string_view model;     ///< model_hash()
  std::string_view products;  ///< cpu::product_kind() of the processor that it was judged on
  Precision precision;
};

// The fastest last.
constexpr Judged kJudged[] = {
    // clang-format off
    // judged: bench/models/tables.py
    {"e05e64823849ea3f", "AVX-512 BF16", Precision::bf16},  // 2ch-deep
    {"ed966fa0a87c5f86", "AVX-512 BF16", Precision::bf16},  // 2ch-spp
    {"4732f030d6705c4b", "AVX-512 BF16", Precision::bf16},  // pseudo-siam
    {"1550fbb01005ef07", "AVX-512 BF16", Precision::bf16},  // siam-2stream
    {"b6819cd30e1c8a83", "AVX-512 BF16", Precision::bf16},  // siam-l2
    {"fcfc3b5dd64a6737", "AVX-512 BF16", Precision::bf16},  // siam-spp-l2
    // end of judged
    // clang-format on
};

}  // namespace

ChosenPrecision cpu_precision_for(const Model& model) {
  const std::string hash = model_hash(model);
  const std::string kind = cpu::product_kind();
  ChosenPrecision chosen;
  for (const Judged& row : kJudged) {
    if (row.model == hash && row.products == kind) chosen.precision = row.precision;
  }
  chosen.why = chosen.precision == Precision::fp32
                   ? fmt::format("no lower one was shown to be accurate for this model on {}", kind)
                   : fmt::format("the fastest that was shown to be accurate for this model on {}", kind);
  return chosen;
}

}  // namespace twinpatch
