// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace twinpatch {

/// Of the OpenCV that is loaded: "4.6.0".
[[nodiscard]] std::string opencv_version();

}  // namespace twinpatch
