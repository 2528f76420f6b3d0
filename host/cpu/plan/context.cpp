// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "plan/context.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "plan/layer_numbers.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch::cpu {
namespace {

/// Rows of one tile and work space, unless the options say otherwise.
constexpr std::int64_t kDefaultMemory = std::int64_t{512} << 20;

/// Throws DeviceError for a screen that this processor does not have.
const ScreenKernels* choose_screen(const std::string& name) {
  if (name == "off") return nullptr;
  const ScreenKernels* const screen = screen_kernels(name.c_str());
  if (screen != nullptr || name == "auto") return screen;
  std::string here = "auto, off";
  for (const char* const other : screen_kernel_names()) {
    if (screen_kernels(other) != nullptr) here += fmt::format(", {}", other);
  }
  throw DeviceError(fmt::format("this processor cannot screen with {}; it has: {}", name, here));
}

void check_precision(Precision wanted) {
  const std::vector<Precision> here = processor_precisions();
  if (std::find(here.begin(), here.end(), wanted) != here.end()) return;
  throw DeviceError(
      fmt::format("the CPU engine has no {} on this processor; it has: {}", to_string(wanted), names_of(here)));
}

}  // namespace

CpuContext::CpuContext(const ExecutionOptions& given)
    : options(given),
      memory(given.memory > 0 ? given.memory : kDefaultMemory),
      exact_convolutions(given.exact_convolutions),
      screen(choose_screen(parse_screening(given.screening))),
      pool(given.threads) {
  options.validate();
  check_precision(given.precision);
  if (given.kernels == Kernels::fused) throw DeviceError("fused kernels require CUDA");
}

}  // namespace twinpatch::cpu
