// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "machine.hpp"

using simt::api;
using simt::Call;
using simt::Capture;
using simt::GraphNode;
using simt::Operation;
using simt::quiet_api;
using simt::refuse;
using simt::State;

namespace {

/// Whether every node is one that `tail` comes after: streams that joined the capture have been joined back.
bool is_joined(const Capture& capture, const std::vector<std::size_t>& tail) {
  std::vector<bool> reached(capture.nodes.size(), false);
  std::vector<std::size_t> open = tail;
  while (!open.empty()) {
    const std::size_t node = open.back();
    open.pop_back();
    if (reached[node]) continue;
    reached[node] = true;
    open.insert(open.end(), capture.nodes[node].after.begin(), capture.nodes[node].after.end());
  }
  return std::all_of(reached.begin(), reached.end(), [](bool yes) { return yes; });
}

/// Runs the nodes in an order drawn at random among those that their dependencies allow.
void replay(State& machine, std::vector<GraphNode>& nodes) {
  std::vector<bool> done(nodes.size(), false);
  for (std::size_t count = 0; count < nodes.size(); ++count) {
    std::vector<std::size_t> able;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      const auto is_done = [&](std::size_t before) { return done[before]; };
      if (!done[i] && std::all_of(nodes[i].after.begin(), nodes[i].after.end(), is_done)) able.push_back(i);
    }
    const std::size_t node = able[machine.random.below(able.size())];
    Operation& operation = nodes[node].operation;
    if (operation.kind == Operation::Kind::marker) {
      if (operation.run) operation.run();
    } else {
      simt::run_operation(machine, operation);
    }
    done[node] = true;
  }
}

}  // namespace

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  return api(Call::any, [&](State& machine) {
    if (!is_stream(machine, stream)) return refuse(machine, cudaErrorInvalidResourceHandle, "capturing no stream");
    if (stream->capture != nullptr) return cudaErrorIllegalState;
    auto capture = std::make_shared<Capture>();
    capture->origin = stream;
    capture->thread = std::this_thread::get_id();
    stream->capture = capture;
    stream->tail.clear();
    machine.captures.push_back(capture);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  return api(Call::any, [&](State& machine) {
    *graph = nullptr;
    if (!is_stream(machine, stream))
      return refuse(machine, cudaErrorInvalidResourceHandle, "ending the capture of no stream");
    const std::shared_ptr<Capture> capture = stream->capture;
    if (capture == nullptr || capture->origin != stream) return cudaErrorStreamCaptureUnmatched;
    if (capture->thread != std::this_thread::get_id()) return cudaErrorStreamCaptureWrongThread;
    const bool joined = is_joined(*capture, stream->tail);
    for (const auto& other : machine.streams) {
      if (other->capture != capture) continue;
      other->capture.reset();
      other->tail.clear();
    }
    std::erase(machine.captures, capture);
    if (capture->invalid) return cudaErrorStreamCaptureInvalidated;
    if (!joined)
      return refuse(machine, cudaErrorStreamCaptureUnjoined, "a stream was not joined back into the capture");
    *graph = new CUgraph_st{std::move(capture->nodes)};
    machine.graphs.insert(*graph);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  return quiet_api([&](State& machine) {
    if (!is_stream(machine, stream)) return cudaErrorInvalidResourceHandle;
    *status = stream->capture == nullptr ? cudaStreamCaptureStatusNone
              : stream->capture->invalid ? cudaStreamCaptureStatusInvalidated
                                         : cudaStreamCaptureStatusActive;
    return cudaSuccess;
  });
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  State& machine = simt::state();
  const std::lock_guard guard(machine.lock);
  if (machine.graphs.erase(graph) == 0) return simt::last_error() = cudaErrorInvalidValue;
  delete graph;
  return cudaSuccess;
}

cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t* nodes, std::size_t* count) {
  return quiet_api([&](State& machine) {
    if (!machine.graphs.contains(graph) || nodes != nullptr) return cudaErrorInvalidValue;
    *count = graph->nodes.size();
    return cudaSuccess;
  });
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
  return quiet_api([&](State& machine) {
    if (!machine.graphs.contains(graph)) return cudaErrorInvalidValue;
    *executable = new CUgraphExec_st{simt::current_device(), graph->nodes};
    machine.executables.insert(*executable);
    return cudaSuccess;
  });
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  State& machine = simt::state();
  const std::lock_guard guard(machine.lock);
  if (machine.executables.erase(executable) == 0) return simt::last_error() = cudaErrorInvalidValue;
  delete executable;
  return cudaSuccess;
}

cudaError_t cudaGraphUpload(cudaGraphExec_t executable, cudaStream_t) {
  return quiet_api(
      [&](State& machine) { return machine.executables.contains(executable) ? cudaSuccess : cudaErrorInvalidValue; });
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  return api(Call::launch, [&](State& machine) {
    if (!is_stream(machine, stream) || !machine.executables.contains(executable)) {
      return refuse(machine, cudaErrorInvalidResourceHandle, "replaying without stream or graph");
    }
    ++machine.statistics.graph_launches;
    // A copy: the executable may be destroyed while its last replay is still to come.
    auto nodes = std::make_shared<std::vector<GraphNode>>(executable->nodes);
    Operation operation;
    operation.name = "graph";
    operation.device = stream->device;
    operation.run = [&machine, nodes] { replay(machine, *nodes); };
    simt::submit(machine, stream, std::move(operation));
    return cudaSuccess;
  });
}
