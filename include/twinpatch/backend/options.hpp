// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace twinpatch {

/// `automatic`: the fastest that the model was shown to be accurate in on the device at hand; Engine decides which.
enum class Precision { fp32, tf32, fp16, bf16, int8, automatic };
[[nodiscard]] const char* to_string(Precision precision);
/// Throws InvalidArgument listing the names.
[[nodiscard]] Precision parse_precision(const std::string& name);

/// What networks of a run compute in, and why, in words.
struct ChosenPrecision {
  Precision precision = Precision::fp32;
  std::string why;
};

/// Which kernels score and convolve on a CUDA device: those of the vendor's libraries with simple ones of our own
/// around them, or ours that fuse whole stages.
enum class Kernels { automatic, library, fused };
[[nodiscard]] const char* to_string(Kernels kernels);
/// "auto", "library" or "fused". Throws InvalidArgument listing the names.
[[nodiscard]] Kernels parse_kernels(const std::string& name);

/// What grids of the CPU are searched with before full precision decides: "auto" (the best that the processor has),
/// "off", or an instruction set: "amx-int8", "avx512-vnni", "avx512", "avx-vnni", "avx2". Returns the name. Throws
/// InvalidArgument listing them for any other.
[[nodiscard]] std::string parse_screening(const std::string& name);

/// How a run uses its device; the same for every command.
struct ExecutionOptions {
  std::string device = "auto";  ///< auto, cpu, cuda, cuda:0, cuda:0,1
  Precision precision = Precision::fp32;
  int threads = 0;          ///< host threads; 0: all available
  std::int64_t memory = 0;  ///< bound in bytes on what the run takes on the device; 0: chosen by the backend
  std::int64_t batch = 0;   ///< patches or pairs per pass through the network; 0: chosen by the backend
  /// Only direct convolutions, no Winograd: about 3e-6 closer to the reference, several times slower.
  bool exact_convolutions = false;
  /// CPU: what l2, cosine and two-layer grids are searched with in 8 bits (parse_screening). The result is the same,
  /// bit for bit. The backend throws DeviceError for an instruction set that the processor lacks.
  std::string screening = "auto";
  Kernels kernels = Kernels::automatic;  ///< fused: throws DeviceError if the device has none
  /// CUDA: profile only the steady state (cudaProfilerStart once plans are tuned and graphs captured). Throws
  /// InvalidArgument on other devices.
  bool profile_warm = false;
  /// Receives lines about the device's choices (the kernels of a plan and their times, a stored plan that was ignored),
  /// from any thread, one at a time. Must not throw. Empty: they are discarded.
  std::function<void(const std::string& line)> log = {};

  /// Throws InvalidArgument for negative numbers and a screening that there is not.
  void validate() const;
};

}  // namespace twinpatch
