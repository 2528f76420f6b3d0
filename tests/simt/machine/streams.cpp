// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "machine.hpp"

namespace simt {
namespace {

bool may_run(const CUstream_st& stream) {
  return !stream.queue.empty() && (stream.queue.front().waits_for == nullptr || stream.queue.front().waits_for->done);
}

void run_front(State& machine, CUstream_st& stream) {
  Operation operation = std::move(stream.queue.front());
  stream.queue.pop_front();
  if (operation.kind == Operation::Kind::marker) {
    if (operation.run) operation.run();
  } else {
    run_operation(machine, operation);
  }
}

/// A step that brings `stream` forward, on whichever stream it must wait for.
bool advance(State& machine, CUstream_st& stream) {
  if (stream.queue.empty()) return false;
  const std::shared_ptr<Marker> marker = stream.queue.front().waits_for;
  if (marker != nullptr && !marker->done) return advance(machine, *marker->stream);
  run_front(machine, stream);
  return true;
}

/// One step on the way to `stream`; late machines take no other.
void step_towards(State& machine, CUstream_st& stream) {
  if (machine.eagerness == Eagerness::mixed && machine.random.one_in(2) && step(machine)) return;
  if (advance(machine, stream)) return;
  std::fputs("simt: a stream waits for an event that never comes\n", stderr);
  std::abort();
}

}  // namespace

bool is_stream(const State& machine, cudaStream_t stream) {
  return std::any_of(machine.streams.begin(), machine.streams.end(),
                     [&](const auto& known) { return known.get() == stream && !known->destroyed; });
}

void submit(State& machine, cudaStream_t stream, Operation operation) {
  if (stream->capture == nullptr) {
    stream->queue.push_back(std::move(operation));
    return;
  }
  (void)machine;
  Capture& capture = *stream->capture;
  capture.nodes.push_back({std::move(operation), stream->tail});
  stream->tail = {capture.nodes.size() - 1};
}

bool step(State& machine) {
  std::erase_if(machine.streams, [&](const auto& stream) {
    // A marker may still name its stream; only a quiet one goes, and its markers are done.
    return stream->destroyed && stream->queue.empty();
  });
  std::vector<CUstream_st*> able;
  for (const auto& stream : machine.streams) {
    if (may_run(*stream)) able.push_back(stream.get());
  }
  if (able.empty()) return false;
  run_front(machine, *able[machine.random.below(able.size())]);
  return true;
}

void settle(State& machine, CUstream_st* stream) {
  ++machine.statistics.synchronisations;
  while (!stream->queue.empty()) step_towards(machine, *stream);
}

void settle(State& machine, const std::shared_ptr<Marker>& marker) {
  ++machine.statistics.synchronisations;
  while (!marker->done) step_towards(machine, *marker->stream);
}

bool spoils_capture(State& machine) {
  bool spoilt = false;
  for (const auto& capture : machine.captures) {
    if (capture->thread != std::this_thread::get_id()) continue;
    capture->invalid = true;
    spoilt = true;
  }
  return spoilt;
}

cudaError_t enqueue(cudaStream_t stream, const char* name, std::function<void()> work) {
  return api(Call::launch, [&](State& machine) {
    if (!is_stream(machine, stream))
      return refuse(machine, cudaErrorInvalidResourceHandle, std::string(name) + ": no such stream");
    Operation operation;
    operation.kind = Operation::Kind::kernel;
    operation.name = name;
    operation.device = stream->device;
    operation.run = std::move(work);
    submit(machine, stream, std::move(operation));
    return cudaSuccess;
  });
}

std::string stream_name(cudaStream_t stream) {
  const std::lock_guard guard(state().lock);
  return is_stream(state(), stream) ? stream->name : std::string();
}

}  // namespace simt

using simt::api;
using simt::Call;
using simt::Operation;
using simt::quiet_api;
using simt::refuse;
using simt::State;

cudaError_t cudaStreamCreate(cudaStream_t* stream) { return cudaStreamCreateWithFlags(stream, cudaStreamDefault); }
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned int flags) {
  return cudaStreamCreateWithPriority(stream, flags, 0);
}

cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned int flags, int) {
  return quiet_api([&](State& machine) {
    // A stream that waits for the legacy default stream hides missing synchronisation: the project makes none.
    if (flags != cudaStreamNonBlocking)
      return refuse(machine, cudaErrorInvalidValue, "streams are made non-blocking here");
    machine.streams.push_back(std::make_unique<CUstream_st>());
    *stream = machine.streams.back().get();
    (*stream)->device = simt::current_device();
    return cudaSuccess;
  });
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  State& machine = simt::state();
  const std::lock_guard guard(machine.lock);  // also on a lost device
  if (!is_stream(machine, stream)) return simt::last_error() = cudaErrorInvalidResourceHandle;
  stream->destroyed = true;  // what it holds is still carried out
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  return api(Call::any, [&](State& machine) {
    if (!is_stream(machine, stream)) return refuse(machine, cudaErrorInvalidResourceHandle, "synchronising no stream");
    if (stream->capture != nullptr || simt::spoils_capture(machine)) {
      if (stream->capture != nullptr) stream->capture->invalid = true;
      return cudaErrorStreamCaptureUnsupported;
    }
    simt::settle(machine, stream);
    return machine.devices[static_cast<std::size_t>(stream->device)].lost;
  });
}

cudaError_t cudaStreamQuery(cudaStream_t stream) {
  return api(Call::any, [&](State& machine) {
    if (!is_stream(machine, stream)) return refuse(machine, cudaErrorInvalidResourceHandle, "asking no stream");
    if (stream->capture != nullptr) return cudaErrorStreamCaptureUnsupported;
    if (machine.random.one_in(2)) (void)simt::step(machine);  // whoever polls gets there in the end
    const cudaError_t lost = machine.devices[static_cast<std::size_t>(stream->device)].lost;
    if (lost != cudaSuccess) return lost;
    return stream->queue.empty() ? cudaSuccess : cudaErrorNotReady;
  });
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned int) {
  return api(Call::any, [&](State& machine) -> cudaError_t {
    if (!is_stream(machine, stream) || !machine.events.contains(event)) {
      return refuse(machine, cudaErrorInvalidResourceHandle, "a wait without stream or event");
    }
    if (const auto capture = event->capture.lock(); capture != nullptr) {
      if (stream->capture == nullptr) stream->capture = capture;  // it joins
      if (stream->capture != capture) return cudaErrorStreamCaptureMerge;
      for (const std::size_t node : event->tail) {
        if (std::find(stream->tail.begin(), stream->tail.end(), node) == stream->tail.end())
          stream->tail.push_back(node);
      }
      return cudaSuccess;
    }
    if (stream->capture != nullptr) {
      stream->capture->invalid = true;
      return refuse(machine, cudaErrorStreamCaptureIsolation, "a captured stream waits for an event from outside");
    }
    if (event->marker == nullptr) return cudaSuccess;  // never recorded: nothing to wait for
    Operation wait;
    wait.name = "wait for an event";
    wait.device = stream->device;
    wait.waits_for = event->marker;
    stream->queue.push_back(std::move(wait));
    return cudaSuccess;
  });
}

cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void* argument) {
  return api(Call::any, [&](State& machine) {
    if (!is_stream(machine, stream))
      return refuse(machine, cudaErrorInvalidResourceHandle, "a host function without a stream");
    Operation operation;
    operation.name = "host function";
    operation.device = stream->device;
    operation.run = [function, argument] { function(argument); };
    simt::submit(machine, stream, std::move(operation));
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceSynchronize() {
  return api(Call::any, [&](State& machine) {
    if (simt::spoils_capture(machine)) return cudaErrorStreamCaptureUnsupported;
    const auto busy = [&](const auto& stream) {
      return stream->device == simt::current_device() && !stream->queue.empty();
    };
    for (;;) {
      const auto found = std::find_if(machine.streams.begin(), machine.streams.end(), busy);
      if (found == machine.streams.end()) break;
      simt::settle(machine, found->get());
    }
    return machine.devices[static_cast<std::size_t>(simt::current_device())].lost;
  });
}

// ---- events

cudaError_t cudaEventCreate(cudaEvent_t* event) { return cudaEventCreateWithFlags(event, cudaEventDefault); }

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned int flags) {
  return quiet_api([&](State& machine) {
    *event = new CUevent_st{simt::current_device(), (flags & cudaEventDisableTiming) == 0, nullptr, {}, {}};
    machine.events.insert(*event);
    return cudaSuccess;
  });
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  State& machine = simt::state();
  const std::lock_guard guard(machine.lock);
  if (machine.events.erase(event) == 0) return simt::last_error() = cudaErrorInvalidResourceHandle;
  delete event;
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return api(Call::any, [&](State& machine) {
    if (!is_stream(machine, stream) || !machine.events.contains(event) || event->device != stream->device) {
      return refuse(machine, cudaErrorInvalidResourceHandle,
                    "a recording without stream or event, or of another device");
    }
    if (stream->capture != nullptr) {
      event->capture = stream->capture;
      event->tail = stream->tail;
      return cudaSuccess;
    }
    event->capture.reset();
    auto marker = std::make_shared<simt::Marker>();
    marker->stream = stream;
    event->marker = marker;
    Operation record;
    record.name = "record an event";
    record.device = stream->device;
    record.run = [marker] {
      marker->done = true;
      marker->time = std::chrono::steady_clock::now();
    };
    stream->queue.push_back(std::move(record));
    return cudaSuccess;
  });
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  return api(Call::any, [&](State& machine) {
    if (!machine.events.contains(event)) return refuse(machine, cudaErrorInvalidResourceHandle, "waiting for no event");
    if (!event->capture.expired()) {
      (void)simt::spoils_capture(machine);
      return cudaErrorCapturedEvent;
    }
    if (event->marker != nullptr) simt::settle(machine, event->marker);
    return machine.devices[static_cast<std::size_t>(event->device)].lost;
  });
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  return api(Call::any, [&](State& machine) {
    if (!machine.events.contains(event)) return refuse(machine, cudaErrorInvalidResourceHandle, "asking no event");
    if (!event->capture.expired()) return cudaErrorCapturedEvent;
    if (machine.random.one_in(2)) (void)simt::step(machine);
    const cudaError_t lost = machine.devices[static_cast<std::size_t>(event->device)].lost;
    if (lost != cudaSuccess) return lost;
    return event->marker == nullptr || event->marker->done ? cudaSuccess : cudaErrorNotReady;
  });
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t stop) {
  return api(Call::any, [&](State& machine) {
    if (!machine.events.contains(start) || !machine.events.contains(stop) || !start->timed || !stop->timed ||
        start->marker == nullptr || stop->marker == nullptr) {
      return refuse(machine, cudaErrorInvalidResourceHandle, "time between events without a time stamp");
    }
    if (!start->marker->done || !stop->marker->done) return cudaErrorNotReady;
    *milliseconds = std::chrono::duration<float, std::milli>(stop->marker->time - start->marker->time).count();
    return cudaSuccess;
  });
}
