// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "twinpatch/core/run_control.hpp"

namespace twinpatch {

/// A stage of long work; its end is reported even if an exception leaves it. `control` must outlive it.
class WorkStage {
 public:
  WorkStage(const RunControl& control, std::string_view name, std::int64_t total, std::string_view unit)
      : control_(control) {
    control_.begin(name, total, unit);
  }
  ~WorkStage() { control_.end(); }
  WorkStage(const WorkStage&) = delete;             // ends what it began, once
  WorkStage& operator=(const WorkStage&) = delete;  // likewise

 private:
  const RunControl& control_;
};

}  // namespace twinpatch
