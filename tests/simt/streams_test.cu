// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <cuda_runtime.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <thread>
#include <vector>

#include "runtime/context.hpp"
#include "runtime/device_buffer.hpp"
#include "runtime/graph.hpp"
#include "runtime/launch.cuh"
#include "runtime/pinned.hpp"
#include "simt/simt.hpp"

// Streams, events and graphs of the stand-in: what is not synchronised shows.

using namespace twinpatch;
using namespace twinpatch::cuda;

namespace {

constexpr int kSeeds = 24;

__global__ void increment(int* x, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) ++x[i];
}

void submit_increment(cudaStream_t stream, DeviceBuffer<int>& x) {
  launch(stream, {.grid = {blocks_for(x.size(), 32)}, .block = dim3(32)}, "increment", &increment, x.data(),
         static_cast<int>(x.size()));
}

/// Copy in on one stream, compute on another, copy out on a third; events in between or not.
std::vector<int> pipeline(bool events, std::uint64_t seed) {
  const simt::Machine machine({.seed = seed});
  Context context(0);
  PinnedBuffer<int> in(50);
  PinnedBuffer<int> out(50);
  for (int i = 0; i < 50; ++i) in.view()[static_cast<std::size_t>(i)] = i;
  DeviceBuffer<int> x(context.pool(), 50, context.compute());
  const Event made = make_event();
  const Event copied = make_event();
  const Event computed = make_event();
  order(context.compute(), made.get(), context.copy_in());
  copy_to_device<int>(in.view(), x.view(), context.copy_in());
  if (events) order(context.copy_in(), copied.get(), context.compute());
  submit_increment(context.compute(), x);
  if (events) order(context.compute(), computed.get(), context.copy_out());
  copy_to_host<int>(x.view(), out.view(), context.copy_out());
  TWINPATCH_CUDA_CHECK(cudaStreamSynchronize(context.copy_out()));
  const std::vector<int> result(out.view().begin(), out.view().end());
  (void)cudaDeviceSynchronize();
  return result;
}

}  // namespace

TEST_CASE("a missing event wait gives wrong data or a fault, the right pipeline never does") {
  std::vector<int> expected(50);
  for (int i = 0; i < 50; ++i) expected[static_cast<std::size_t>(i)] = i + 1;
  int exposed = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    REQUIRE(pipeline(true, seed) == expected);
    try {
      if (pipeline(false, seed) != expected) ++exposed;
    } catch (const DeviceError&) {
      ++exposed;
    }
  }
  CHECK(exposed >= kSeeds / 2);
}

TEST_CASE("an asynchronous copy reads pinned memory late, and pageable memory at once") {
  int late = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const simt::Machine machine({.seed = seed});
    Context context(0);
    PinnedBuffer<int> pinned(1);
    std::vector<int> pageable(1, 1);
    DeviceBuffer<int> x(context.pool(), 2, context.compute());
    pinned.view()[0] = 1;
    copy_to_device<int>(pinned.view(), x.view().first(1), context.compute());
    copy_to_device<int>(pageable, x.view().last(1), context.compute());
    pinned.view()[0] = pageable[0] = 2;  // too early
    std::vector<int> y(2);
    copy_to_host<int>(x.view(), y, context.compute());
    context.synchronize();
    if (y[0] == 2) ++late;
    CHECK(y[1] == 1);
    CHECK(simt::statistics().pageable_copies == 2);
  }
  CHECK(late >= kSeeds / 4);
}

TEST_CASE("memory used on another stream after its end is a fault for some order of events") {
  int exposed = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const simt::Machine machine({.seed = seed});
    Context context(0);
    try {
      DeviceBuffer<int> x(context.pool(), 64, context.compute());
      const Event made = make_event();
      order(context.compute(), made.get(), context.copy_out());
      submit_increment(context.copy_out(), x);
      x.reset();  // in the order of compute, which does not wait for copy_out
      context.synchronize();
    } catch (const DeviceError&) {
      CHECK_THAT(simt::last_fault(), Catch::Contains("increment") && Catch::Contains("freed"));
      ++exposed;
    }
  }
  CHECK(exposed >= 3);
  CHECK(exposed < kSeeds);
}

TEST_CASE("copies refuse pointers of the wrong side, and ranges that end too late") {
  const simt::Machine machine({});
  Context context(0);
  DeviceBuffer<int> x(context.pool(), 10, context.compute());
  std::vector<int> host(20);
  const auto copy = [&](void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
    const cudaError_t code = cudaMemcpyAsync(to, from, bytes, kind, context.compute());
    (void)cudaGetLastError();
    return code;
  };
  CHECK(copy(host.data(), host.data() + 5, 4, cudaMemcpyHostToDevice) == cudaErrorInvalidValue);
  CHECK(copy(x.data(), x.data() + 5, 4, cudaMemcpyDeviceToHost) == cudaErrorInvalidValue);
  CHECK(copy(x.data(), host.data(), 44, cudaMemcpyHostToDevice) == cudaErrorInvalidValue);
  CHECK(copy(x.data() + 9, host.data(), 8, cudaMemcpyHostToDevice) == cudaErrorInvalidValue);
  CHECK(copy(x.data(), host.data(), 40, cudaMemcpyHostToDevice) == cudaSuccess);
  CHECK(copy(host.data(), x.data(), 40, cudaMemcpyDefault) == cudaSuccess);
  CHECK(cudaMemcpyAsync(x.data(), host.data(), 4, cudaMemcpyHostToDevice, nullptr) == cudaErrorInvalidResourceHandle);
}

TEST_CASE("host code that touches device memory ends the program, with a line that says why") {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  if (child == 0) {
    (void)dup2(ends[1], 2);
    // Catch's handler would report a failed test from here.
    for (const int signal : {SIGSEGV, SIGABRT}) (void)std::signal(signal, SIG_DFL);
    const simt::Machine machine({});
    void* x = nullptr;
    if (cudaMalloc(&x, 64) != cudaSuccess) _exit(1);
    simt::explain_bad_addresses();
    static_cast<volatile char*>(x)[3] = 1;
    _exit(0);
  }
  (void)close(ends[1]);
  std::string said;
  char buffer[256];
  for (ssize_t n = 0; (n = read(ends[0], buffer, sizeof buffer)) > 0;) said.append(buffer, static_cast<std::size_t>(n));
  (void)close(ends[0]);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK_FALSE((WIFEXITED(status) && WEXITSTATUS(status) == 0));
  CHECK_THAT(said,
             Catch::Contains("host code touches device memory") && Catch::Contains("byte 3 of memory of device 0"));
}

TEST_CASE("a graph replays what was captured, each time anew, over joined streams") {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    const simt::Machine machine({.seed = seed});
    Context context(0);
    PinnedBuffer<int> in(10);
    PinnedBuffer<int> out(10);
    DeviceBuffer<int> x(context.pool(), 10, context.compute());
    const Event fork_event = make_event();
    const Event join_event = make_event();
    const Graph graph = Graph::capture(context.compute(), [&] {
      copy_to_device<int>(in.view(), x.view(), context.compute());
      order(context.compute(), fork_event.get(), context.copy_out());
      submit_increment(context.copy_out(), x);
      order(context.copy_out(), join_event.get(), context.compute());
      submit_increment(context.compute(), x);
      copy_to_host<int>(x.view(), out.view(), context.compute());
    });
    CHECK(graph.nodes() == 4);
    CHECK(simt::statistics().launches == 0);  // nothing has run yet
    for (int round = 0; round < 3; ++round) {
      for (int& value : in.view()) value = 10 * round;
      graph.launch(context.compute());
      context.synchronize();
      for (const int value : out.view()) CHECK(value == 10 * round + 2);
    }
    CHECK(simt::statistics().launches == 6);
  }
}

TEST_CASE("what cannot be captured is refused, and the stream works afterwards") {
  const simt::Machine machine({});
  Context context(0);
  DeviceBuffer<int> x(context.pool(), 10, context.compute());
  const auto captured = [&](const std::function<void()>& work) {
    CHECK_THROWS_AS(Graph::capture(context.compute(), work), DeviceError);
    submit_increment(context.compute(), x);
    context.synchronize();
  };
  captured([&] { context.synchronize(); });
  captured([&] { DeviceBuffer<int> y(context.pool(), 10, context.compute()); });
  captured([&] { PinnedBuffer<int> y(10); });
  captured([&] {
    const std::vector<int> pageable(10);
    copy_to_device<int>(pageable, x.view(), context.compute());
  });
  const Event event = make_event();
  captured([&] {
    order(context.compute(), event.get(), context.copy_out());
    submit_increment(context.copy_out(), x);  // never joined back
  });
  CHECK_THROWS_AS(Graph::capture(context.compute(), [] { throw InvalidArgument("of its own"); }), InvalidArgument);
  context.synchronize();
}

TEST_CASE("graphs by batch size: direct first, captured then, replayed ever after") {
  const simt::Machine machine({});
  Context context(0);
  DeviceBuffer<int> x(context.pool(), 8, context.compute());
  TWINPATCH_CUDA_CHECK(cudaMemsetAsync(x.data(), 0, 32, context.compute()));
  BatchGraphs graphs;
  for (int round = 0; round < 5; ++round) {
    for (const std::int64_t batch : {8, 3}) {
      graphs.run(batch, context.compute(), [&] {
        launch(context.compute(), {.grid = {1}, .block = dim3(32)}, "increment", &increment, x.data(),
               static_cast<int>(batch));
      });
    }
  }
  std::vector<int> y(8);
  copy_to_host<int>(x.view(), y, context.compute());
  context.synchronize();
  CHECK(y == std::vector<int>{10, 10, 10, 5, 5, 5, 5, 5});
  CHECK(graphs.captured() == 2);
  CHECK(graphs.replayed() == 8);
  CHECK(graphs.fallback().empty());

  // Work that allocates is carried out all the same, and the reason is said once.
  std::vector<std::string> lines;
  BatchGraphs wrong([&](const std::string& line) { lines.push_back(line); });
  for (int round = 0; round < 3; ++round) {
    wrong.run(8, context.compute(), [&] {
      const DeviceBuffer<int> scratch(context.pool(), 8, context.compute());
      submit_increment(context.compute(), x);
    });
  }
  copy_to_host<int>(x.view(), y, context.compute());
  context.synchronize();
  CHECK(y[0] == 13);
  CHECK_THAT(wrong.fallback(), Catch::Contains("cannot allocate"));
  CHECK(wrong.replayed() == 0);
  CHECK(lines == std::vector<std::string>{"batches run without a graph: " + wrong.fallback()});
}

TEST_CASE("devices do not see each other's memory, and each has its own lot") {
  const simt::Machine machine({.devices = 3, .seed = 5});
  std::vector<std::thread> threads;
  std::vector<std::vector<int>> results(3);
  for (int device = 0; device < 3; ++device) {
    threads.emplace_back([device, &results] {
      Context context(device);
      const DeviceGuard guard = context.activate();
      std::vector<int> host(100, device);
      auto x = upload<int>(context.pool(), host, context.compute());
      for (int i = 0; i < 10; ++i) submit_increment(context.compute(), x);
      copy_to_host<int>(x.view(), host, context.compute());
      context.synchronize();
      results[static_cast<std::size_t>(device)] = host;
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int device = 0; device < 3; ++device) {
    CHECK(results[static_cast<std::size_t>(device)] == std::vector<int>(100, device + 10));
  }

  Context first(0);
  Context second(1);
  DeviceBuffer<int> x(first.pool(), 10, first.compute());
  first.synchronize();
  {
    const DeviceGuard guard = second.activate();
    CHECK_THROWS_AS(submit_increment(first.compute(), x), DeviceError);               // another device's stream
    CHECK_THROWS_WITH((submit_increment(second.compute(), x), second.synchronize()),  // another device's memory
                      Catch::Contains("cudaErrorIllegalAddress"));
  }
  submit_increment(first.compute(), x);
  first.synchronize();  // is well
}
