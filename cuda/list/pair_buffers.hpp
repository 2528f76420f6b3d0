// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>

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

/// What carries lists up and scores down, kept from call to call.
struct ListTransfer {
  explicit ListTransfer(const std::shared_ptr<Device>& device) : staging(device), delivery(device) {}
  Staging staging;
  Delivery delivery;
};

/// Takes a list of pairs through the device part by part: pairs up, scores down. score(pairs, count, scores) enqueues
/// one part on the compute stream: pairs [count, 2] and scores [count] on the device. Waits for the end.
template <class Score>
void score_parts(const std::shared_ptr<Device>& device, ListTransfer& transfer, std::span<const IndexPair> pairs,
                 std::span<float> scores, std::int64_t part, const RunControl& control, const Score& score) {
  const std::int64_t total = std::ssize(pairs);
  part = std::min(part, total);
  HeldBuffer<std::int32_t> on_device(device, 2 * part);
  HeldBuffer<float> results(device, part);
  auto& [staging, delivery] = transfer;
  delivery.start();
  for (std::int64_t begin = 0; begin < total; begin += part) {
    control.check();
    const std::int64_t count = std::min(part, total - begin);
    staging.reclaim();
    staging.copy(pairs.data() + begin, count * static_cast<std::int64_t>(sizeof(IndexPair)), on_device.data());
    staging.publish();
    score(on_device.data(), count, results.data());
    delivery.take(results.data(), count * static_cast<std::int64_t>(sizeof(float)), scores.data() + begin);
  }
  delivery.finish();
  device->finish();
  staging.report();
}

}  // namespace twinpatch::cuda
