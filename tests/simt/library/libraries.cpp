// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "library/libraries.hpp"

namespace twinpatch::cuda {

struct Libraries::State {
  LibraryOptions options;
};

Libraries::Libraries(int, LibraryOptions options) : state_(std::make_unique<State>(State{std::move(options)})) {}
Libraries::~Libraries() = default;

std::string Libraries::description() const { return "reference code in place of cuDNN and cuBLASLt"; }

}  // namespace twinpatch::cuda
