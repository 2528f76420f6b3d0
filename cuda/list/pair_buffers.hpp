// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "plan/device_pairs.hpp"
#include "transfer.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/patches/pair_list.hpp"

namespace twinpatch::cuda {

/// Calls attempt(size), after release() with half the size each time memory runs out, down to 1. Attempts must bear
/// being repeated.
template <class Attempt, class Release>
void with_less_memory(std::int64_t size, const Attempt& attempt, const Release& release) {
  for (;; size /= 2) {
    try {
      return attempt(size);
    } catch (const OutOfMemory&) {
      release();
      if (size <= 1) throw;
    }
  }
}

/// Pairs of a list between two looks at a stop token.
inline constexpr std::int64_t kListPart = std::int64_t{1} << 20;

/// A list on the host, and where its scores go.
struct ScoredList {
  std::span<const IndexPair> pairs;
  std::span<float> scores;
};

/// What carries lists up and scores down, kept from call to call.
struct ListTransfer {
  explicit ListTransfer(std::shared_ptr<Device> on) : device(std::move(on)), staging(device), delivery(device) {}

  /// Takes a list through the device, `part` pairs at a time: score_part(DevicePairs) enqueues one part on the compute
  /// stream. Waits for the end.
  template <class ScorePart>
  void score(const ScoredList& list, std::int64_t part, const RunControl& control, const ScorePart& score_part);

  std::shared_ptr<Device> device;
  Staging staging;
  Delivery delivery;
};

template <class ScorePart>
void ListTransfer::score(const ScoredList& list, std::int64_t part, const RunControl& control,
                         const ScorePart& score_part) {
  const std::int64_t total = std::ssize(list.pairs);
  part = std::min(part, total);
  HeldBuffer<std::int32_t> on_device(device, 2 * part);
  HeldBuffer<float> results(device, part);
  delivery.start();
  for (std::int64_t begin = 0; begin < total; begin += part) {
    control.check();
    const std::int64_t count = std::min(part, total - begin);
    staging.reclaim();
    staging.copy(list.pairs.data() + begin, count * static_cast<std::int64_t>(sizeof(IndexPair)), on_device.data());
    staging.publish();
    score_part(DevicePairs{on_device.data(), count, results.data()});
    delivery.take(results.data(), count * static_cast<std::int64_t>(sizeof(float)), list.scores.data() + begin);
  }
  delivery.finish();
  device->finish();
  staging.report();
}

}  // namespace twinpatch::cuda
