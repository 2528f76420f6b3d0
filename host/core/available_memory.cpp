// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/core/available_memory.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

namespace twinpatch {
namespace {

constexpr std::int64_t kUnknown = std::numeric_limits<std::int64_t>::max();

/// Of a line "NAME: N kB".
std::int64_t bytes_of(const std::filesystem::path& file, const std::string& name) {
  std::ifstream lines(file);
  for (std::string word; lines >> word;) {
    std::int64_t kilobytes = 0;
    if (word == name && lines >> kilobytes) return kilobytes * 1024;
  }
  return kUnknown;
}

}  // namespace

std::int64_t available_memory(const std::filesystem::path& root) {
  const std::int64_t available = bytes_of(root / "proc/meminfo", "MemAvailable:");
  rlimit limit{};
  if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return available;
  const std::int64_t taken = bytes_of(root / "proc/self/status", "VmSize:");
  const auto allowed = static_cast<std::int64_t>(std::min<rlim_t>(limit.rlim_cur, kUnknown));
  return std::min(available, taken == kUnknown ? allowed : std::max<std::int64_t>(0, allowed - taken));
}

}  // namespace twinpatch
