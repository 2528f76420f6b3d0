// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/net/patch_extent.hpp"

#include <fmt/format.h>

#include <charconv>

#include "twinpatch/core/error.hpp"

namespace twinpatch {

std::optional<float> patch_extent(const Model& model) {
  const auto found = model.metadata.find("patch_extent");
  if (found == model.metadata.end()) return std::nullopt;
  const std::string& text = found->second;
  float extent = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), extent);
  if (failure != std::errc() || end != text.data() + text.size() || !(extent > 0 && extent <= 1000)) {
    throw InvalidArgument(
        fmt::format("the model's patch_extent must be a number in (0, 1000], found \"{}\"", text.substr(0, 40)));
  }
  return extent;
}

}  // namespace twinpatch
