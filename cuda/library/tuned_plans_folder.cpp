// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>

#include "library/libraries.hpp"

namespace twinpatch::cuda {

std::filesystem::path tuned_plans_folder() {
  const auto variable = [](const char* name) -> std::filesystem::path {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
  };
  if (const auto own = variable("TWINPATCH_CACHE"); !own.empty()) return own / "plans";
  if (const auto user = variable("XDG_CACHE_HOME"); !user.empty()) return user / "twinpatch" / "plans";
  if (const auto home = variable("HOME"); !home.empty()) return home / ".cache" / "twinpatch" / "plans";
  return {};
}

}  // namespace twinpatch::cuda
