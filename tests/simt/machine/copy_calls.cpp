// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <cstring>
#include <memory>

#include "machine.hpp"

using simt::Allocation;
using simt::api;
using simt::Call;
using simt::Operation;
using simt::refuse;
using simt::State;

namespace {

/// A live device allocation around [pointer, pointer + bytes), or null with the reason noted.
Allocation* device_range(State& machine, const void* pointer, std::size_t bytes, const char* what) {
  Allocation* allocation = machine.memory.find(pointer);
  if (allocation == nullptr || allocation->device < 0 || allocation->released ||
      !allocation->contains(pointer, bytes)) {
    (void)refuse(machine, cudaErrorInvalidValue,
                 std::string(what) + " of " + std::to_string(bytes) + " bytes: " + machine.memory.describe(pointer));
    return nullptr;
  }
  return allocation;
}

enum class HostSide { pinned, pageable, wrong };
HostSide host_range(State& machine, const void* pointer, std::size_t bytes, const char* what) {
  if (!machine.memory.is_ours(pointer)) return HostSide::pageable;
  const Allocation* allocation = machine.memory.find(pointer);
  if (allocation != nullptr && allocation->device < 0 && !allocation->released &&
      allocation->contains(pointer, bytes)) {
    return HostSide::pinned;
  }
  (void)refuse(machine, cudaErrorInvalidValue,
               std::string(what) + " of " + std::to_string(bytes) +
                   " bytes as host memory: " + machine.memory.describe(pointer));
  return HostSide::wrong;
}

/// Rows of `width` bytes; one row for a plain copy.
struct Copy {
  char* to;
  std::size_t to_pitch;
  const char* from;
  std::size_t from_pitch;
  std::size_t width;
  std::size_t height;
  [[nodiscard]] std::size_t to_bytes() const { return height == 0 ? 0 : to_pitch * (height - 1) + width; }
  [[nodiscard]] std::size_t from_bytes() const { return height == 0 ? 0 : from_pitch * (height - 1) + width; }
  void run() const {
    for (std::size_t row = 0; row < height; ++row) std::memcpy(to + row * to_pitch, from + row * from_pitch, width);
  }
};

cudaMemcpyKind infer(State& machine, const Copy& copy) {
  const auto on_device = [&](const void* pointer) {
    const Allocation* allocation = machine.memory.find(pointer);
    return allocation != nullptr && allocation->device >= 0;
  };
  if (on_device(copy.to)) return on_device(copy.from) ? cudaMemcpyDeviceToDevice : cudaMemcpyHostToDevice;
  return on_device(copy.from) ? cudaMemcpyDeviceToHost : cudaMemcpyHostToHost;
}

/// Makes the operation of a copy. `pageable`: the host side is not pinned.
cudaError_t plan_copy(State& machine, const Copy& copy, cudaMemcpyKind kind, Operation& operation, bool& pageable) {
  if (kind == cudaMemcpyDefault) kind = infer(machine, copy);
  operation.kind = Operation::Kind::copy;
  operation.name = "copy";
  operation.run = [copy] { copy.run(); };
  const Allocation* to = nullptr;
  const Allocation* from = nullptr;
  HostSide host = HostSide::pinned;
  if (kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice) {
    to = device_range(machine, copy.to, copy.to_bytes(), "copy to the device");
    if (to == nullptr) return cudaErrorInvalidValue;
  } else {
    host = host_range(machine, copy.to, copy.to_bytes(), "copy to the host");
  }
  if (kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice) {
    from = device_range(machine, copy.from, copy.from_bytes(), "copy from the device");
    if (from == nullptr) return cudaErrorInvalidValue;
  } else {
    const HostSide side = host_range(machine, copy.from, copy.from_bytes(), "copy from the host");
    if (side != HostSide::pinned) host = side;
  }
  if (host == HostSide::wrong) return cudaErrorInvalidValue;
  pageable = host == HostSide::pageable;
  operation.device = to != nullptr ? to->device : from != nullptr ? from->device : simt::current_device();
  operation.other_device = from != nullptr ? from->device : -1;
  const auto bytes = static_cast<std::int64_t>(copy.width * copy.height);
  if (kind == cudaMemcpyHostToDevice) operation.bytes_to_device = bytes;
  if (kind == cudaMemcpyDeviceToHost) operation.bytes_to_host = bytes;
  return cudaSuccess;
}

cudaError_t copy_async(const Copy& copy, cudaMemcpyKind kind, cudaStream_t stream) {
  return api(Call::copy, [&](State& machine) -> cudaError_t {
    if (!is_stream(machine, stream)) return refuse(machine, cudaErrorInvalidResourceHandle, "a copy without a stream");
    if (copy.width == 0 || copy.height == 0) return cudaSuccess;
    Operation operation;
    bool pageable = false;
    if (const cudaError_t code = plan_copy(machine, copy, kind, operation, pageable); code != cudaSuccess) return code;
    if (!pageable) {
      simt::submit(machine, stream, std::move(operation));
      return cudaSuccess;
    }
    if (stream->capture != nullptr) {
      stream->capture->invalid = true;
      return refuse(machine, cudaErrorStreamCaptureUnsupported, "a copy from or to pageable memory is captured");
    }
    ++machine.statistics.pageable_copies;
    const bool to_device = machine.memory.is_ours(copy.to);
    if (to_device) {
      // The runtime stages the host's data before it returns; the device's part is late all the same.
      auto staged = std::make_shared<std::vector<char>>(copy.from, copy.from + copy.from_bytes());
      Copy from_staged = copy;
      from_staged.from = staged->data();
      operation.run = [from_staged, staged] { from_staged.run(); };
      simt::submit(machine, stream, std::move(operation));
      return cudaSuccess;
    }
    simt::settle(machine, stream);
    simt::run_operation(machine, operation);
    return machine.devices[static_cast<std::size_t>(operation.device)].lost;
  });
}

}  // namespace

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  return copy_async({static_cast<char*>(to), bytes, static_cast<const char*>(from), bytes, bytes, 1}, kind, stream);
}

cudaError_t cudaMemcpy2DAsync(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch,
                              std::size_t width, std::size_t height, cudaMemcpyKind kind, cudaStream_t stream) {
  if (width > to_pitch || width > from_pitch) return simt::last_error() = cudaErrorInvalidValue;
  return copy_async({static_cast<char*>(to), to_pitch, static_cast<const char*>(from), from_pitch, width, height}, kind,
                    stream);
}

cudaError_t cudaMemcpyPeerAsync(void* to, int, const void* from, int, std::size_t bytes, cudaStream_t stream) {
  return cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream);
}

/// On the legacy default stream, which non-blocking streams do not wait for: at once, whatever they hold.
cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  return api(Call::copy, [&](State& machine) -> cudaError_t {
    if (simt::spoils_capture(machine)) return cudaErrorStreamCaptureImplicit;
    if (bytes == 0) return cudaSuccess;
    Operation operation;
    bool pageable = false;
    const Copy copy{static_cast<char*>(to), bytes, static_cast<const char*>(from), bytes, bytes, 1};
    if (const cudaError_t code = plan_copy(machine, copy, kind, operation, pageable); code != cudaSuccess) return code;
    ++machine.statistics.synchronisations;
    simt::run_operation(machine, operation);
    return machine.devices[static_cast<std::size_t>(operation.device)].lost;
  });
}

cudaError_t cudaMemsetAsync(void* pointer, int value, std::size_t bytes, cudaStream_t stream) {
  return api(Call::copy, [&](State& machine) -> cudaError_t {
    if (!is_stream(machine, stream)) return refuse(machine, cudaErrorInvalidResourceHandle, "a fill without a stream");
    if (bytes == 0) return cudaSuccess;
    const Allocation* allocation = device_range(machine, pointer, bytes, "fill");
    if (allocation == nullptr) return cudaErrorInvalidValue;
    Operation operation;
    operation.kind = Operation::Kind::copy;
    operation.name = "fill";
    operation.device = allocation->device;
    operation.run = [=] { std::memset(pointer, value, bytes); };
    simt::submit(machine, stream, std::move(operation));
    return cudaSuccess;
  });
}

cudaError_t cudaMemset(void* pointer, int value, std::size_t bytes) {
  return api(Call::copy, [&](State& machine) -> cudaError_t {
    if (bytes == 0) return cudaSuccess;
    const Allocation* allocation = device_range(machine, pointer, bytes, "fill");
    if (allocation == nullptr) return cudaErrorInvalidValue;
    Operation operation;
    operation.kind = Operation::Kind::copy;
    operation.name = "fill";
    operation.device = allocation->device;
    operation.run = [=] { std::memset(pointer, value, bytes); };
    simt::run_operation(machine, operation);
    return machine.devices[static_cast<std::size_t>(operation.device)].lost;
  });
}
