// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "transfer.hpp"
#include "twinpatch/patches/photograph.hpp"

namespace twinpatch::cuda {

/// A photograph to the device, and patches cut from it there, batch by batch. Used by one thread within a turn.
class PhotographFeed {
 public:
  explicit PhotographFeed(std::shared_ptr<Device> device) : device_(std::move(device)), staging_(device_) {}

  /// As PatchFeed::run(): calls `consume` for every `batch` patches, and waits for nothing.
  void run(const PhotographView& photograph, std::int64_t batch, const RunControl& control,
           const PatchFeed::Consume& consume);
  /// As PatchFeed::report().
  void report();

 private:
  std::shared_ptr<Device> device_;
  HeldBuffer<std::byte> image_, windows_;  ///< copied to: before staging_, which waits for its copies before they go
  Staging staging_;
  SpanTimer work_;
};

}  // namespace twinpatch::cuda
