// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "engine_state.hpp"
#include "twinpatch/cpu/backend.hpp"
#include "twinpatch/cuda/backend.hpp"
#include "twinpatch/engine/engine.hpp"

namespace twinpatch {
namespace {

/// "cuda", "cuda:0", "cuda:0,1": the numbers are checked by the backend, the form here.
bool is_cuda(const std::string& device) {
  if (device == "cuda") return true;
  if (!device.starts_with("cuda:")) return false;
  bool after_digit = false;
  for (const char c : device.substr(5)) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit && !(c == ',' && after_digit)) return false;
    after_digit = digit;
  }
  return after_digit;
}

}  // namespace

std::unique_ptr<Backend> select_backend(const ExecutionOptions& options, std::string& why) {
  options.validate();
  ExecutionOptions chosen = options;
  std::string reason = "as requested";
  if (options.device == "auto") {
    const int devices = count_cuda_devices();
    chosen.device = devices > 0 ? "cuda:0" : "cpu";
    reason = devices > 0 ? fmt::format("{} CUDA device{} found", devices, devices == 1 ? "" : "s")
                         : fmt::format("no usable CUDA device ({})", describe_cuda_devices().at(0));
  } else if (options.device != "cpu" && !is_cuda(options.device)) {
    throw InvalidArgument(
        fmt::format("unknown device \"{}\"; known: auto, cpu, cuda, cuda:0, cuda:0,1", options.device));
  }
  if (options.profile_warm && chosen.device == "cpu") {
    throw InvalidArgument(fmt::format("--profile-range is for CUDA devices; this run is on the CPU: {}", reason));
  }
  auto backend = chosen.device == "cpu" ? make_cpu_backend(chosen) : make_cuda_backend(chosen);
  why = fmt::format("{}: {}", backend->description(), reason);
  return backend;
}

std::optional<int> Engine::cuda_device() const { return twinpatch::cuda_device(*state_->backend); }

}  // namespace twinpatch
