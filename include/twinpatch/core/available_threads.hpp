// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace twinpatch {

/// Threads that this process can keep busy: its CPU affinity, or less where a control group (version 1 or 2, as
/// containers and Slurm make them) allows less time; a part of a processor counts as one. ≥ 1. `root` is where /proc
/// and /sys lie.
[[nodiscard]] int available_threads(const std::filesystem::path& root = "/");

}  // namespace twinpatch
