// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "device.hpp"

#include <fmt/format.h>

#include "runtime/check.hpp"
#include "runtime/device_properties.hpp"

namespace twinpatch::cuda {
namespace {

/// The options of one device: its lines say whose they are.
ExecutionOptions options_of(int number, const ExecutionOptions& given) {
  ExecutionOptions options = given;
  if (given.log) {
    options.log = [number, log = given.log](const std::string& line) { log(fmt::format("cuda:{}: {}", number, line)); };
  }
  return options;
}

/// Handles belong to the device that is current when they are made.
Libraries open_libraries(int number, const ExecutionOptions& options) {
  const DeviceGuard guard(number);
  return Libraries(number, {.tuned_plans = tuned_plans_folder(), .log = options.log});
}

}  // namespace

Device::Device(int number, const ExecutionOptions& given, int host_threads)
    : context(number, given.memory),
      options(options_of(number, given)),
      libraries(open_libraries(number, options)),
      type(storage_of(given.precision)),
      profile(given.profile_warm),
      threads(host_threads,
              [number](int worker) { name_this_thread(fmt::format("cuda:{} stage {}", number, worker).c_str()); }) {}

void Device::finish() {
  TWINPATCH_CUDA_CHECK(cudaStreamSynchronize(stream()));
  statistics.add(Stage::compute, computing.collect());
  statistics.add(Stage::select, selecting.collect());
}

void Device::collect_finished() {
  statistics.add(Stage::compute, computing.collect_finished());
  statistics.add(Stage::select, selecting.collect_finished());
}

void Device::report(const std::string& line) const {
  if (options.log) options.log(line);
}

}  // namespace twinpatch::cuda
