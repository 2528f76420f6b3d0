// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

namespace twinpatch::net {

/// Kinds of model files, told apart by their first bytes and not by their name.
enum class FileKind { safetensors, deepcompare_bin, torch7, torch, onnx, unknown };
[[nodiscard]] FileKind file_kind(std::span<const std::byte> bytes);

}  // namespace twinpatch::net
