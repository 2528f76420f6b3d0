// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <vector>

#include "runtime/device_properties.hpp"
#include "runtime/handle.hpp"
#include "runtime/nvtx.hpp"
#include "twinpatch/backend/options.hpp"
#include "twinpatch/backend/run_summary.hpp"

namespace twinpatch::cuda {

/// What a device did so far, stage by stage. Not thread-safe: filled within turns.
class RunStatistics {
 public:
  void add(Stage stage, double seconds, std::int64_t bytes = 0) {
    auto& entry = entries_[static_cast<std::size_t>(stage)];
    entry.seconds += seconds;
    entry.bytes += bytes;
  }
  void add_patches(std::int64_t count, double operations) {
    patches_ += count;
    operations_ += operations;
  }
  void add_pairs(std::int64_t count, double operations) {
    pairs_ += count;
    operations_ += operations;
  }
  [[nodiscard]] RunSummary summary(const DeviceProperties& device, Precision precision) const;

 private:
  struct Entry {
    double seconds = 0;
    std::int64_t bytes = 0;
  };
  std::array<Entry, 5> entries_;
  std::int64_t patches_ = 0;
  std::int64_t pairs_ = 0;
  double operations_ = 0;
};

/// Host time from its making on.
class HostClock {
 public:
  [[nodiscard]] double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

/// Device time of spans of a stream, by pairs of events. Events are made once and used again.
class SpanTimer {
 public:
  /// A span of `stream`: begin() and end() around what is enqueued. Never within a capture.
  void begin(cudaStream_t stream);
  void end(cudaStream_t stream);
  /// Total of the spans since the last call, in seconds; their streams must be idle. Forgets them.
  [[nodiscard]] double collect();
  /// The same for those of the first spans that are over; the others stay.
  [[nodiscard]] double collect_finished();
  /// Forgets the spans without looking: after an error.
  void forget() noexcept { used_ = 0; }

 private:
  struct Span {
    Event begin, end;
  };
  [[nodiscard]] double collect_first(std::size_t spans);

  std::vector<Span> spans_;
  std::size_t used_ = 0;  ///< spans begun and ended
};

}  // namespace twinpatch::cuda
