// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "runtime/device_properties.hpp"

#include <cuda_runtime.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "runtime/check.hpp"
#include "runtime/probe.hpp"

namespace twinpatch::cuda {
namespace {

/// Dense multiply-adds per clock and multiprocessor.
struct Rates {
  int architecture;
  int fp32;
  int tf32;
  int fp16;
};

// CUDA C++ Programming Guide, "Arithmetic Instructions", and NVIDIA's architecture white papers (A100, GA102, AD102,
// H100, Blackwell).
constexpr Rates kRates[] = {{80, 64, 512, 1024},   {86, 128, 128, 256},    {89, 128, 256, 512},
                            {90, 128, 1024, 2048}, {100, 128, 2048, 4096}, {120, 128, 256, 512}};

int attribute(cudaDeviceAttr which, int device) {
  int value = 0;
  TWINPATCH_CUDA_CHECK(cudaDeviceGetAttribute(&value, which, device));
  return value;
}

std::string version(int number) { return fmt::format("{}.{}", number / 1000, number % 1000 / 10); }

Obstacle obstacle_of(cudaError_t code) {
  switch (code) {
    case cudaErrorNoDevice:
      return Obstacle::no_device;
    case cudaErrorStubLibrary:
    case cudaErrorInsufficientDriver: {
      // 35 is said both of a driver that is too old and of none at all: only the driver's own version tells them apart.
      int driver = 0;
      const bool present = cudaDriverGetVersion(&driver) == cudaSuccess && driver > 0;
      return present && code == cudaErrorInsufficientDriver ? Obstacle::driver_too_old : Obstacle::no_driver;
    }
    default:
      return Obstacle::other;
  }
}

std::string reason_of(Obstacle obstacle, cudaError_t code) {
  int driver = 0;
  int runtime = 0;
  (void)cudaDriverGetVersion(&driver);
  (void)cudaRuntimeGetVersion(&runtime);
  switch (obstacle) {
    case Obstacle::no_driver:
      return "no NVIDIA driver on this host (libcuda.so.1 is missing or not usable)";
    case Obstacle::driver_too_old:
      return fmt::format("the NVIDIA driver is too old: it offers CUDA {}, this program needs {}", version(driver),
                         version(runtime));
    case Obstacle::no_device:
      return "no CUDA device (none installed, or CUDA_VISIBLE_DEVICES hides them)";
    default:
      return fmt::format("CUDA cannot be started: {}", describe(code));
  }
}

}  // namespace

DeviceCount count_devices() noexcept {
  DeviceCount result;
  try {
    int devices = 0;
    cudaError_t code = cudaGetDeviceCount(&devices);
    (void)cudaGetLastError();
    if (code == cudaSuccess && devices <= 0) code = cudaErrorNoDevice;
    if (code == cudaSuccess) {
      result.devices = devices;
      return result;
    }
    result.obstacle = obstacle_of(code);
    result.reason = reason_of(result.obstacle, code);
    (void)cudaGetLastError();
  } catch (...) {  // no memory for the message: still no device
    result = {};
    result.obstacle = Obstacle::other;
  }
  return result;
}

DeviceCount count_usable_devices() noexcept {
  DeviceCount result = count_devices();
  for (int device = 0; device < result.devices; ++device) {
    try {
      require_kernel_image(device);
    } catch (const std::exception& error) {
      result.devices = device;
      if (device > 0) return result;
      result.obstacle = Obstacle::no_kernels;
      result.reason = error.what();
    }
  }
  return result;
}

DeviceProperties device_properties(int device) {
  const DeviceCount count = count_devices();
  if (device < 0 || device >= count.devices) {
    throw DeviceError(count.devices == 0 ? fmt::format("no CUDA device: {}", count.reason)
                                         : fmt::format("no CUDA device {}: there are {}", device, count.devices));
  }
  cudaDeviceProp raw = {};
  TWINPATCH_CUDA_CHECK(cudaGetDeviceProperties(&raw, device));
  DeviceProperties properties;
  properties.device = device;
  properties.name = raw.name;
  properties.major = raw.major;
  properties.minor = raw.minor;
  properties.multiprocessors = raw.multiProcessorCount;
  properties.memory = static_cast<std::int64_t>(raw.totalGlobalMem);
  properties.l2_cache = raw.l2CacheSize;
  properties.shared_per_block = static_cast<std::int64_t>(raw.sharedMemPerBlockOptin);
  const double hertz = 1e3 * attribute(cudaDevAttrClockRate, device);
  const double memory_hertz = 1e3 * attribute(cudaDevAttrMemoryClockRate, device);
  const double bus_bytes = attribute(cudaDevAttrGlobalMemoryBusWidth, device) / 8.0;
  properties.memory_gigabytes_per_s = 2.0 * memory_hertz * bus_bytes / 1e9;  // double data rate
  const auto* const rates = std::find_if(std::begin(kRates), std::end(kRates), [&](const Rates& entry) {
    return entry.architecture == properties.architecture();
  });
  const double operations = 2.0 * properties.multiprocessors * hertz / 1e12;
  properties.fp32_tflops = operations * (rates != std::end(kRates) ? rates->fp32 : 128);
  if (rates != std::end(kRates)) {
    properties.tf32_tflops = operations * rates->tf32;
    properties.fp16_tflops = operations * rates->fp16;
  }
  return properties;
}

void require_kernel_image(int device) {
  const DeviceGuard guard(device);
  const cudaError_t code = probe_kernel_image();
  if (code == cudaSuccess) return;
  (void)cudaGetLastError();
  if (code != cudaErrorNoKernelImageForDevice && code != cudaErrorInvalidDeviceFunction &&
      code != cudaErrorUnsupportedPtxVersion && code != cudaErrorInvalidPtx) {
    throw_error(code, "probe_kernel_image()", std::source_location::current());
  }
  const DeviceProperties properties = device_properties(device);
  throw DeviceError(fmt::format(
      "CUDA device {} ({}, compute capability {}.{}): this program has no kernels for it; it was built for {} ({})",
      device, properties.name, properties.major, properties.minor, built_architectures(), describe(code)));
}

std::vector<int> parse_devices(const std::string& text) {
  const DeviceCount count = count_devices();
  if (count.devices == 0) throw DeviceError(fmt::format("--device {}: {}", text, count.reason));
  if (text == "cuda") return {0};
  std::vector<int> devices;
  const char* at = text.data() + std::min<std::size_t>(text.size(), 5);  // past "cuda:"
  const char* const end = text.data() + text.size();
  bool well_formed = text.starts_with("cuda:") && at != end;
  while (well_formed && at != end) {
    int device = 0;
    const auto [after, error] = std::from_chars(at, end, device);
    well_formed = error == std::errc() && device >= 0 && (after == end || (*after == ',' && after + 1 != end));
    if (!well_formed) break;
    if (device >= count.devices) {
      throw InvalidArgument(
          fmt::format("--device {}: no CUDA device {}, the last is {}", text, device, count.devices - 1));
    }
    if (std::find(devices.begin(), devices.end(), device) != devices.end()) {
      throw InvalidArgument(fmt::format("--device {}: duplicate device {}", text, device));
    }
    devices.push_back(device);
    at = after == end ? end : after + 1;
  }
  if (!well_formed) throw InvalidArgument(fmt::format("--device {}: expected cuda, cuda:0 or cuda:0,1", text));
  return devices;
}

std::vector<std::string> describe_devices() {
  int runtime = 0;
  (void)cudaRuntimeGetVersion(&runtime);
  const DeviceCount count = count_devices();
  if (count.devices == 0) return {fmt::format("CUDA {}: {}", version(runtime), count.reason)};
  std::vector<std::string> lines;
  for (int device = 0; device < count.devices; ++device) {
    try {
      const DeviceProperties p = device_properties(device);
      require_kernel_image(device);
      lines.push_back(fmt::format(
          "CUDA device {}: {}, compute capability {}.{}, {} multiprocessors, {:.1f} GiB; at best {:.1f} TFLOP/s fp32, "
          "{:.0f} fp16, {:.0f} GB/s",
          device, p.name, p.major, p.minor, p.multiprocessors, static_cast<double>(p.memory) / (1 << 30), p.fp32_tflops,
          p.fp16_tflops, p.memory_gigabytes_per_s));
    } catch (const Error& error) {
      lines.push_back(fmt::format("CUDA device {}: not usable: {}", device, error.what()));
    }
  }
  return lines;
}

DeviceGuard::DeviceGuard(int device) {
  TWINPATCH_CUDA_CHECK(cudaGetDevice(&previous_));
  if (previous_ == device) return;
  TWINPATCH_CUDA_CHECK(cudaSetDevice(device));
  changed_ = true;
}

DeviceGuard::~DeviceGuard() {
  if (changed_) (void)cudaSetDevice(previous_);
}

}  // namespace twinpatch::cuda
