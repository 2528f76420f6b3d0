// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "twinpatch/backend/backend.hpp"

namespace twinpatch {

/// Bytes that a selection takes on its device.
[[nodiscard]] std::int64_t selection_bytes(const SelectionRequest& request);

/// Selections that wait for their next use: many small grids, one after the other, then make none. Safe to use from
/// several threads.
class SelectionPool {
 public:
  /// `backend` must outlive it. Selections of more than `largest` bytes are not kept.
  SelectionPool(Backend& backend, std::int64_t largest) : backend_(backend), largest_(largest) {}

  /// A selection begun with the request. Throws as Selection::begin() does.
  [[nodiscard]] std::unique_ptr<Selection> take(const SelectionRequest& request);
  void give_back(std::unique_ptr<Selection> selection);
  [[nodiscard]] std::int64_t largest() const { return largest_; }

 private:
  [[nodiscard]] std::unique_ptr<Selection> take_waiting();

  Backend& backend_;
  std::int64_t largest_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Selection>> waiting_;
};

}  // namespace twinpatch
