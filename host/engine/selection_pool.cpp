// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "selection_pool.hpp"

#include <utility>

#include "twinpatch/core/checked.hpp"

namespace twinpatch {

std::int64_t selection_bytes(const SelectionRequest& request) {
  constexpr std::int64_t kEntry = sizeof(float) + sizeof(std::int32_t);
  const std::int64_t entries = checked_multiply(checked_multiply(request.rows, request.top_k), request.segment_count());
  return checked_multiply(checked_add(entries, request.column_best ? request.columns : 0), kEntry);
}

std::unique_ptr<Selection> SelectionPool::take_waiting() {
  const std::scoped_lock lock(mutex_);
  if (waiting_.empty()) return nullptr;
  auto selection = std::move(waiting_.back());
  waiting_.pop_back();
  return selection;
}

std::unique_ptr<Selection> SelectionPool::take(const SelectionRequest& request) {
  auto selection = take_waiting();
  if (selection == nullptr) return backend_.make_selection(request);
  selection->begin(request);
  return selection;
}

void SelectionPool::give_back(std::unique_ptr<Selection> selection) {
  if (selection_bytes(selection->request()) > largest_) return;
  const std::scoped_lock lock(mutex_);
  waiting_.push_back(std::move(selection));
}

}  // namespace twinpatch
