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
    {"62a544e27903586e", "AVX-512 BF16", Precision::bf16},  // hard128
    {"9162385c04d34193", "AVX-512 BF16", Precision::bf16},  // hard128, calibrated
    {"7ab596e72186ab64", "AVX-512 BF16", Precision::bf16},  // 2ch
    {"480e193212ead05e", "AVX-512 BF16", Precision::bf16},  // 2ch, calibrated
    {"9cc63fad3ad01df0", "AVX-512 BF16", Precision::bf16},  // 2ch-2stream
    {"146170b12f0aa7db", "AVX-512 BF16", Precision::bf16},  // 2ch-2stream, calibrated
    {"e05e64823849ea3f", "AVX-512 BF16", Precision::bf16},  // 2ch-deep
    {"ded57ad542a738e8", "AVX-512 BF16", Precision::bf16},  // 2ch-deep, calibrated
    {"ed966fa0a87c5f86", "AVX-512 BF16", Precision::bf16},  // 2ch-spp
    {"a16e4530d7b76fe2", "AVX-512 BF16", Precision::bf16},  // 2ch-spp, calibrated
    {"a16e4530d7b76fe2", "AVX-512 BF16", Precision::int8},  // 2ch-spp, calibrated
    {"5ba460904d62047b", "AVX-512 BF16", Precision::bf16},  // hard64
    {"4642a5fda3b2ccdd", "AVX-512 BF16", Precision::bf16},  // hard64, calibrated
    {"4732f030d6705c4b", "AVX-512 BF16", Precision::bf16},  // pseudo-siam
    {"0a00fcbad869d517", "AVX-512 BF16", Precision::bf16},  // pseudo-siam, calibrated
    {"3b3254fa88e7123b", "AVX-512 BF16", Precision::bf16},  // siam
    {"03a02aaefef9b3c7", "AVX-512 BF16", Precision::bf16},  // siam, calibrated
    {"1550fbb01005ef07", "AVX-512 BF16", Precision::bf16},  // siam-2stream
    {"08231ade04e4de3b", "AVX-512 BF16", Precision::bf16},  // siam-2stream, calibrated
    {"38bc4994fa952345", "AVX-512 BF16", Precision::bf16},  // siam-2stream-l2
    {"23e8963bc07f1567", "AVX-512 BF16", Precision::bf16},  // siam-2stream-l2, calibrated
    {"b6819cd30e1c8a83", "AVX-512 BF16", Precision::bf16},  // siam-l2
    {"1692beb8d95090d8", "AVX-512 BF16", Precision::bf16},  // siam-l2, calibrated
    {"fcfc3b5dd64a6737", "AVX-512 BF16", Precision::bf16},  // siam-spp-l2
    {"7f5af4c0312a7dae", "AVX-512 BF16", Precision::bf16},  // siam-spp-l2, calibrated
    {"7f5af4c0312a7dae", "AVX-512 BF16", Precision::int8},  // siam-spp-l2, calibrated
    {"61d8a218329052b3", "AVX-512 BF16", Precision::bf16},  // tfeat-liberty
    {"c8533e221d1023fe", "AVX-512 BF16", Precision::bf16},  // tfeat-liberty, calibrated
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
