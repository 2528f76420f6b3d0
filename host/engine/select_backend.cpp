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

/// The options with the device that "auto" stands for.
ExecutionOptions on_device(const ExecutionOptions& options, std::string& reason) {
  options.validate();
  ExecutionOptions chosen = options;
  reason = "as requested";
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
  return chosen;
}

ChosenPrecision choose_precision(const ExecutionOptions& options, const Model& model) {
  if (options.precision != Precision::automatic) return {options.precision, "as requested"};
  if (options.device == "cpu") return cpu_precision_for(model);
  return {Precision::fp32, "no model was judged on a CUDA device yet"};
}

std::unique_ptr<Backend> make_backend(const ExecutionOptions& options, const std::string& reason, std::string& why) {
  auto backend = options.device == "cpu" ? make_cpu_backend(options) : make_cuda_backend(options);
  why = fmt::format("{}: {}", backend->description(), reason);
  return backend;
}

}  // namespace

std::unique_ptr<Backend> select_backend(const ExecutionOptions& options, std::string& why) {
  std::string reason;
  const ExecutionOptions chosen = on_device(options, reason);
  return make_backend(chosen, reason, why);
}

SelectedBackend select_backend(const ExecutionOptions& options, const Model& model) {
  std::string reason;
  ExecutionOptions chosen = on_device(options, reason);
  SelectedBackend result;
  result.precision = choose_precision(chosen, model);
  chosen.precision = result.precision.precision;
  result.backend = make_backend(chosen, reason, result.why);
  return result;
}

std::optional<int> Engine::cuda_device() const { return twinpatch::cuda_device(*state_->backend); }

}  // namespace twinpatch
