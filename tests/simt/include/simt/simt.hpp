// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

// A CUDA machine made of plain C++: devices with memory, streams, events and graphs, and a runtime that keeps every
// promise CUDA makes and no other. Everything asynchronous is deferred: it runs when somebody waits for it, in an order
// drawn from a seed that respects streams and events alone; so a missing synchronisation gives wrong results, most
// seeds at once. Kernels run one block after another, threads of a block as fibers in a shuffled order.
//
// Device memory is closed to the host (touching it is a segmentation fault, with a line that says why) and to kernels
// of other devices, filled with 0xFF (NaN) when allocated, never handed out twice, and closed for good when freed.

namespace simt {

enum class Eagerness {
  drawn,  ///< one of the others, by the seed
  late,   ///< nothing runs before somebody waits for it, and then only what that needs
  mixed,  ///< some of what could run does, at every call
  eager   ///< everything that could run does, at every call
};

struct MachineOptions {
  int devices = 1;
  std::int64_t memory = std::int64_t{1} << 30;  ///< bytes per device
  std::uint64_t seed = 1;                       ///< TWINPATCH_SIMT_SEED is added to it
  Eagerness eagerness = Eagerness::drawn;
  int capability_major = 9;
  int capability_minor = 0;
  bool kernel_image = true;             ///< false: the program holds no code for these devices
  cudaError_t start = cudaSuccess;      ///< what cudaGetDeviceCount answers instead, its argument left alone
  int driver_version = CUDART_VERSION;  ///< 0: no driver
};

/// Takes the place of the machine of one device that is there at start, until its end; then a fresh default machine
/// follows. One at a time, made and ended while no other thread uses CUDA.
class Machine {
 public:
  explicit Machine(const MachineOptions& options);
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  /// "2 device allocations (4096 bytes), 1 stream": what was made and not destroyed; empty if nothing.
  [[nodiscard]] std::string leaks() const;
};

/// What can be made to fail.
enum class Call { device_allocation, host_allocation, copy, launch, any };
/// The `nth` such call from now on (1: the next) is refused with `code`, as a call; it changes nothing else.
void fail_call(Call call, std::int64_t nth, cudaError_t code);
/// The `nth` such operation from now on fails while it runs: its device is lost with `code`, and every later call on it
/// answers that.
void fail_operation(Call call, std::int64_t nth, cudaError_t code);
/// `device` is lost now.
void lose_device(int device, cudaError_t code);
/// Failures asked for and not come to pass yet.
[[nodiscard]] std::int64_t pending_failures();

/// Puts `work` into a stream like a kernel: deferred, captured, replayed, counted as a launch; device memory of the
/// stream's device is open while it runs. For libraries' stand-ins. `work` may throw: the device is lost with the text.
cudaError_t enqueue(cudaStream_t stream, const char* name, std::function<void()> work);

/// Of the last kernel or operation that went wrong (out of bounds, barrier not met by all, …): what, which kernel,
/// block and thread. Empty if none did since the machine was made.
[[nodiscard]] std::string last_fault();

/// Takes the handling of bad addresses back from whoever has installed theirs since: a test framework, for example.
void explain_bad_addresses();

struct Statistics {
  std::int64_t launches = 0;         ///< kernels and enqueued work that ran, replays included
  std::int64_t copies = 0;           ///< copies and fills that ran
  std::int64_t pageable_copies = 0;  ///< asynchronous copies that were not, for want of pinned memory
  std::int64_t device_allocations = 0;
  std::int64_t host_allocations = 0;
  std::int64_t graph_launches = 0;
  std::int64_t synchronisations = 0;  ///< calls that waited: streams, events, devices, copies from pageable memory
  std::int64_t peak_memory = 0;       ///< bytes, highest over all devices
  std::int64_t bytes_to_device = 0;   ///< of copies from host memory that ran
  std::int64_t bytes_to_host = 0;     ///< likewise
};
[[nodiscard]] Statistics statistics();

struct NvtxRange {
  std::string domain;
  std::string category;
  std::string name;
  std::int64_t pairs = 0;
  std::int64_t bytes = 0;
  bool closed = false;
};
[[nodiscard]] std::vector<NvtxRange> nvtx_ranges();
/// Whether cudaProfilerStart was called and cudaProfilerStop was not.
[[nodiscard]] bool profiling();
[[nodiscard]] std::string stream_name(cudaStream_t stream);

}  // namespace simt
