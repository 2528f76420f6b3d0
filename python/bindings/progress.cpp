// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "progress.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <optional>

namespace twinpatch::python {

void Mailbox::begin(std::string_view stage, std::int64_t total, std::string_view unit) {
  const std::lock_guard lock(mutex_);
  stages_.push_back({std::string(stage), std::string(unit), 0, total});
  has_news_ = true;
}

void Mailbox::advance(std::int64_t units) {
  const std::lock_guard lock(mutex_);
  if (stages_.empty()) return;
  stages_.back().done += units;
  has_news_ = true;
}

void Mailbox::deliver(const nanobind::object& callback) {
  if (callback.is_none()) return;
  std::vector<Stage> news;
  {
    const std::lock_guard lock(mutex_);
    if (!has_news_) return;
    news = stages_;
    stages_.erase(stages_.begin(), stages_.end() - 1);
    has_news_ = false;
  }
  for (const Stage& stage : news) {
    callback(stage.name, stage.done, stage.total > 0 ? std::optional(stage.total) : std::nullopt, stage.unit);
  }
}

}  // namespace twinpatch::python
