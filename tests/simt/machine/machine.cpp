// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "machine.hpp"

#include <algorithm>
#include <cstdlib>

#include "fiber.hpp"
#include "guard.hpp"

namespace simt {
namespace {

/// TWINPATCH_SIMT_SEED is added to the seed of every machine: the same tests in other orders.
std::uint64_t seed_of(const MachineOptions& options) {
  const char* const more = std::getenv("TWINPATCH_SIMT_SEED");
  return options.seed + (more != nullptr ? std::strtoull(more, nullptr, 10) : 0);
}

std::unique_ptr<State>& holder() {
  static auto* holder = new std::unique_ptr<State>(std::make_unique<State>(MachineOptions{}));
  return *holder;
}

thread_local int thread_device = 0;
thread_local cudaError_t thread_error = cudaSuccess;

/// Counts one call down; the code of a failure whose turn it is.
cudaError_t count_down(std::vector<Failure>& failures, Call call) {
  cudaError_t code = cudaSuccess;
  for (Failure& failure : failures) {
    if (failure.call != Call::any && failure.call != call) continue;
    if (--failure.left == 0) code = failure.code;
  }
  std::erase_if(failures, [](const Failure& failure) { return failure.left <= 0; });
  return code;
}

/// What may run at this moment though nobody waits for it.
void let_run(State& machine) {
  if (machine.eagerness == Eagerness::late) return;
  if (machine.eagerness == Eagerness::eager) {
    while (step(machine)) {
    }
    return;
  }
  while (machine.random.one_in(2) && step(machine)) {
  }
}

cudaError_t call_api(const std::function<cudaError_t(State&)>& body, bool counted, Call call) {
  State& machine = state();
  const std::lock_guard guard(machine.lock);
  struct Close {
    State& machine;
    ~Close() { machine.memory.close(); }
  } close{machine};
  const auto answer = [](cudaError_t code) {
    if (code != cudaSuccess && code != cudaErrorNotReady) last_error() = code;
    return code;
  };
  if (machine.options.start != cudaSuccess) return answer(machine.options.start);
  Device& device = machine.devices[static_cast<std::size_t>(current_device())];
  if (device.lost != cudaSuccess) return answer(device.lost);
  if (counted) {
    if (const cudaError_t code = count_down(machine.call_failures, call); code != cudaSuccess) return answer(code);
    let_run(machine);
  }
  const cudaError_t code = body(machine);
  if (counted && machine.eagerness == Eagerness::eager) let_run(machine);
  return answer(code);
}

std::string counted(std::size_t count, const char* what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

}  // namespace

State::State(const MachineOptions& machine_options)
    : options(machine_options),
      random(seed_of(machine_options)),
      eagerness(machine_options.eagerness),
      devices(static_cast<std::size_t>(std::max(machine_options.devices, 1))) {
  if (eagerness == Eagerness::drawn) {
    constexpr Eagerness kAll[] = {Eagerness::late, Eagerness::mixed, Eagerness::eager};
    eagerness = kAll[random.below(3)];
  }
  if (options.devices == 0 && options.start == cudaSuccess) options.start = cudaErrorNoDevice;
}

State& state() { return *holder(); }
int& current_device() { return thread_device; }
cudaError_t& last_error() { return thread_error; }

cudaError_t api(Call call, const std::function<cudaError_t(State&)>& body) { return call_api(body, true, call); }
cudaError_t quiet_api(const std::function<cudaError_t(State&)>& body) { return call_api(body, false, Call::any); }

cudaError_t refuse(State& machine, cudaError_t code, const std::string& why) {
  machine.fault = why;
  return code;
}

bool operation_fails(State& machine, const Operation& operation) {
  if (operation.kind == Operation::Kind::marker || operation.kind == Operation::Kind::memory) return false;
  const Call call = operation.kind == Operation::Kind::copy ? Call::copy : Call::launch;
  const cudaError_t code = count_down(machine.operation_failures, call);
  if (code == cudaSuccess) return false;
  machine.fault = operation.name + ": made to fail";
  machine.devices[static_cast<std::size_t>(operation.device)].lost = code;
  return true;
}

void run_operation(State& machine, Operation& operation) {
  Device& device = machine.devices[static_cast<std::size_t>(operation.device)];
  if (device.lost != cudaSuccess || operation_fails(machine, operation)) return;
  if (operation.kind == Operation::Kind::kernel) ++machine.statistics.launches;
  if (operation.kind == Operation::Kind::copy) ++machine.statistics.copies;
  machine.statistics.bytes_to_device += operation.bytes_to_device;
  machine.statistics.bytes_to_host += operation.bytes_to_host;
  // Never destroyed: a fault leaves frames on it.
  static auto* fiber = new Fiber(std::size_t{8} << 20);
  ensure_signal_stack();
  install_guard();  // Catch installs a handler of its own for each test
  machine.memory.open(operation.device, operation.other_device);
  fiber->start([&] {
    operation.run();
    machine.memory.check_borders();
  });
  if (fiber->resume() == Fiber::State::finished) return;
  const bool bad_address = take_bad_address();
  const std::string& text = fiber->fault_text();
  machine.fault = text.starts_with("kernel ") ? text : operation.name + ": " + text;
  device.lost =
      bad_address || text.find("bytes beside") != std::string::npos ? cudaErrorIllegalAddress : cudaErrorLaunchFailure;
}

Machine::Machine(const MachineOptions& options) {
  holder() = std::make_unique<State>(options);
  thread_device = 0;
  thread_error = cudaSuccess;
}

Machine::~Machine() {
  holder() = std::make_unique<State>(MachineOptions{});
  thread_device = 0;
  thread_error = cudaSuccess;
}

std::string Machine::leaks() const {
  State& machine = state();
  const std::lock_guard guard(machine.lock);
  std::size_t device_memory = 0;
  std::size_t host_memory = 0;
  std::size_t bytes = 0;
  for (const auto& [start, allocation] : machine.memory.allocations()) {
    if (allocation.released) continue;
    ++(allocation.device < 0 ? host_memory : device_memory);
    bytes += allocation.bytes;
  }
  std::size_t streams = 0;
  for (const auto& stream : machine.streams) streams += stream->destroyed ? 0 : 1;
  std::string text;
  const auto add = [&text](std::size_t count, const char* what) {
    if (count > 0) text += (text.empty() ? "" : ", ") + counted(count, what);
  };
  add(device_memory, "device allocation");
  add(host_memory, "host allocation");
  add(bytes, "byte");
  add(streams, "stream");
  add(machine.events.size(), "event");
  add(machine.graphs.size() + machine.executables.size(), "graph");
  add(machine.pools.size() - machine.default_pools.size(), "pool");
  return text;
}

void fail_call(Call call, std::int64_t nth, cudaError_t code) {
  const std::lock_guard guard(state().lock);
  state().call_failures.push_back({call, nth, code});
}

void fail_operation(Call call, std::int64_t nth, cudaError_t code) {
  const std::lock_guard guard(state().lock);
  state().operation_failures.push_back({call, nth, code});
}

void lose_device(int device, cudaError_t code) {
  const std::lock_guard guard(state().lock);
  state().devices.at(static_cast<std::size_t>(device)).lost = code;
}

std::int64_t pending_failures() {
  const std::lock_guard guard(state().lock);
  return static_cast<std::int64_t>(state().call_failures.size() + state().operation_failures.size());
}

std::string last_fault() {
  const std::lock_guard guard(state().lock);
  return state().fault;
}

Statistics statistics() {
  const std::lock_guard guard(state().lock);
  return state().statistics;
}

}  // namespace simt
