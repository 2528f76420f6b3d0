// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "memory.hpp"
#include "random.hpp"
#include "simt/simt.hpp"

namespace simt {

struct Marker;

/// One piece of asynchronous work.
struct Operation {
  enum class Kind { kernel, copy, memory, marker };
  Kind kind = Kind::marker;
  std::string name;
  int device = 0;
  int other_device = -1;                                ///< for copies between devices
  std::int64_t bytes_to_device = 0, bytes_to_host = 0;  ///< of a copy
  std::function<void()> run;
  std::shared_ptr<Marker> waits_for;  ///< not before this is done; null: nothing
};

/// One recording of an event.
struct Marker {
  CUstream_st* stream = nullptr;
  bool done = false;
  std::chrono::steady_clock::time_point time;
};

struct GraphNode {
  Operation operation;
  std::vector<std::size_t> after;
};

struct Capture {
  CUstream_st* origin = nullptr;
  std::thread::id thread;
  std::vector<GraphNode> nodes;
  bool invalid = false;
};

}  // namespace simt

struct CUstream_st {
  int device = 0;
  std::string name;
  std::deque<simt::Operation> queue;
  bool destroyed = false;
  std::shared_ptr<simt::Capture> capture;
  std::vector<std::size_t> tail;  ///< while capturing: the nodes that the next one comes after
};

struct CUevent_st {
  int device = 0;
  bool timed = true;
  std::shared_ptr<simt::Marker> marker;  ///< of the last recording; null: never
  std::weak_ptr<simt::Capture> capture;  ///< where that was captured
  std::vector<std::size_t> tail;
};

struct CUgraph_st {
  std::vector<simt::GraphNode> nodes;
};
struct CUgraphExec_st {
  int device = 0;
  std::vector<simt::GraphNode> nodes;
};
struct CUmemPoolHandle_st {
  int device = 0;
  std::uint64_t id = 0;
  std::uint64_t threshold = 0;
  std::int64_t used = 0;
  std::int64_t high = 0;
};

namespace simt {

struct Device {
  std::int64_t used = 0;  ///< bytes, as the host sees it
  cudaError_t lost = cudaSuccess;
};

struct Failure {
  Call call;
  std::int64_t left;
  cudaError_t code;
};

/// Everything there is. All of it is guarded by `lock`; operations and kernels run under it.
struct State {
  explicit State(const MachineOptions& machine_options);

  std::recursive_mutex lock;
  MachineOptions options;
  Random random;
  Eagerness eagerness;
  Memory memory;
  std::vector<Device> devices;
  std::vector<std::unique_ptr<CUstream_st>> streams;
  std::set<cudaEvent_t> events;
  std::set<cudaGraph_t> graphs;
  std::set<cudaGraphExec_t> executables;
  std::set<cudaMemPool_t> pools;
  std::map<int, std::unique_ptr<CUmemPoolHandle_st>> default_pools;
  std::map<const void*, std::int64_t> shared_limits;
  std::vector<Failure> call_failures;
  std::vector<Failure> operation_failures;
  std::vector<std::shared_ptr<Capture>> captures;
  Statistics statistics;
  std::string fault;
  std::vector<NvtxRange> ranges;
  bool profiling = false;
  std::uint64_t next_pool = 1;
};

[[nodiscard]] State& state();
/// The device and the last error of the calling thread.
[[nodiscard]] int& current_device();
[[nodiscard]] cudaError_t& last_error();

/// Carries out one call of the API: takes the lock, answers for a machine that does not start or a lost device, makes
/// it fail if that was asked for, lets pending work run by the machine's eagerness, keeps the error.
cudaError_t api(Call call, const std::function<cudaError_t(State&)>& body);
/// The same without the work that may run before, for calls that create, destroy and ask.
cudaError_t quiet_api(const std::function<cudaError_t(State&)>& body);

/// Notes what is wrong with a call, for last_fault(), and answers `code`.
cudaError_t refuse(State& machine, cudaError_t code, const std::string& why);

// streams.cpp
[[nodiscard]] bool is_stream(const State& machine, cudaStream_t stream);
/// Into the stream's queue, or into its capture.
void submit(State& machine, cudaStream_t stream, Operation operation);
/// Runs one operation that may run now, drawn at random; false if there is none.
bool step(State& machine);
/// Runs what must have run before `stream` is idle, or `marker` done; and perhaps more.
void settle(State& machine, CUstream_st* stream);
void settle(State& machine, const std::shared_ptr<Marker>& marker);
/// Whether the calling thread is capturing and must not call what waits or allocates; the capture is spoilt then.
[[nodiscard]] bool spoils_capture(State& machine);
/// Runs one operation with memory open; a fault loses its device.
void run_operation(State& machine, Operation& operation);
/// Counts an operation and loses its device if that was asked for.
[[nodiscard]] bool operation_fails(State& machine, const Operation& operation);

}  // namespace simt
