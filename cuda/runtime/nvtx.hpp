// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

// Names for Nsight Systems and Nsight Compute, in the domain "twinpatch". Without a tool every call returns at once.

namespace twinpatch::cuda {

/// One category and colour each.
enum class Stage { read, copy, compute, select, write };
[[nodiscard]] const char* to_string(Stage stage) noexcept;

/// A range's name, registered once. Make it static where it is used:
///
///     static const RangeName kName(Stage::compute, "score_tile");
///     const Range range(kName, {.pairs = rows * columns, .bytes = bytes_read + bytes_written});
class RangeName {
 public:
  RangeName(Stage stage, const char* name) noexcept;

 private:
  friend class Range;
  Stage stage_;
  void* registered_;
};

/// What a range handled: pairs (patches where there are no pairs yet) and bytes moved.
struct Amount {
  std::int64_t pairs = 0;
  std::int64_t bytes = 0;
};

/// A named span of the calling thread's time. Neither copied nor moved: ranges of a thread nest.
class Range {
 public:
  Range(const RangeName& name, const Amount& amount) noexcept;
  ~Range();
  Range(const Range&) = delete;
  Range& operator=(const Range&) = delete;
};

void name_stream(cudaStream_t stream, const char* name) noexcept;
/// Also what top and gdb show (cut to 15 characters).
void name_this_thread(const char* name) noexcept;

/// The part of a run that `--profile-range warm` shows to a profiler started with --capture-range=cudaProfilerApi: from
/// the third batch on, when plans have been tuned and graphs captured, to the end of this object. Neither copied nor
/// moved: start and stop belong to one run.
class WarmProfile {
 public:
  explicit WarmProfile(bool enabled) noexcept : enabled_(enabled) {}
  ~WarmProfile();
  WarmProfile(const WarmProfile&) = delete;
  WarmProfile& operator=(const WarmProfile&) = delete;

  /// Before the work of each batch or tile. Not thread-safe.
  void next_batch() noexcept;

 private:
  static constexpr int kWarmBatch = 3;
  bool enabled_;
  bool started_ = false;
  int batches_ = 0;
};

}  // namespace twinpatch::cuda
