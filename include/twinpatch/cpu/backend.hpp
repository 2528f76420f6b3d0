// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "twinpatch/backend/backend.hpp"

namespace twinpatch {

[[nodiscard]] std::unique_ptr<Backend> make_cpu_backend(const ExecutionOptions& options);

/// What `doctor` prints about the processor: one line.
[[nodiscard]] std::vector<std::string> describe_cpu_devices();

}  // namespace twinpatch
