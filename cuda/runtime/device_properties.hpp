// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace twinpatch::cuda {

/// What one device is and what it can reach at best, from its attributes: figures to hold measurements against.
struct DeviceProperties {
  int device = 0;
  std::string name;
  int major = 0;  ///< compute capability
  int minor = 0;
  int multiprocessors = 0;
  std::int64_t memory = 0;              ///< bytes
  std::int64_t l2_cache = 0;            ///< bytes
  std::int64_t shared_per_block = 0;    ///< bytes a block may ask for at most (opt-in)
  double fp32_tflops = 0.0;             ///< multiply and add count as two; CUDA cores at the boost clock
  double tf32_tflops = 0.0;             ///< dense tensor cores; 0 where the architecture is not known here
  double fp16_tflops = 0.0;             ///< also bf16; fp32 accumulation
  double memory_gigabytes_per_s = 0.0;  ///< reads and writes together

  [[nodiscard]] int architecture() const { return 10 * major + minor; }
};

/// What stands in the way of CUDA on this host; `none` if nothing does.
enum class Obstacle { none, no_driver, driver_too_old, no_device, no_kernels, other };

struct DeviceCount {
  int devices = 0;
  Obstacle obstacle = Obstacle::none;
  std::string reason;  ///< one line for the user; empty where there are devices
};

/// Never throws. Without a driver cudaGetDeviceCount answers 35 and leaves its argument as it was; 34, 100 and 999 are
/// other algorithms of saying that there is no GPU.
[[nodiscard]] DeviceCount count_devices() noexcept;

/// How many of the first devices run this program's kernels: those that a run may take unasked. Never throws.
[[nodiscard]] DeviceCount count_usable_devices() noexcept;

/// Throws DeviceError unless `device` is a number below count_devices().devices.
[[nodiscard]] DeviceProperties device_properties(int device);

/// Throws DeviceError naming card and capability where this program holds no kernels that run on `device`.
void require_kernel_image(int device);

/// "cuda" → {0}, "cuda:1" → {1}, "cuda:0,1" → {0, 1}. Throws DeviceError saying what is missing where there is no
/// device, InvalidArgument for a number that does not exist or is named twice.
[[nodiscard]] std::vector<int> parse_devices(const std::string& text);

/// One line per device for `doctor`, or one line that says what is missing. Never throws for lack of a device.
[[nodiscard]] std::vector<std::string> describe_devices();

/// Makes `device` the calling thread's device until the end of its scope. Neither copied nor moved: what it restores
/// belongs to one scope.
class DeviceGuard {
 public:
  explicit DeviceGuard(int device);
  ~DeviceGuard();
  DeviceGuard(const DeviceGuard&) = delete;
  DeviceGuard& operator=(const DeviceGuard&) = delete;
  DeviceGuard(DeviceGuard&&) = delete;
  DeviceGuard& operator=(DeviceGuard&&) = delete;

 private:
  int previous_ = 0;
  bool changed_ = false;
};

}  // namespace twinpatch::cuda
