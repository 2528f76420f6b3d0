// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/core/available_threads.hpp"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <string>
#include <thread>

namespace twinpatch {
namespace {

namespace fs = std::filesystem;

constexpr double kNoQuota = std::numeric_limits<double>::infinity();

int allowed_processors() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof(allowed), &allowed) == 0) return std::max(1, CPU_COUNT(&allowed));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

/// Processors' worth of time that one group allows: "QUOTA PERIOD" in version 2 ("max" for no quota), two files in
/// version 1 (-1 for no quota).
double quota_of(const fs::path& group) {
  double quota = -1;
  double period = 0;
  if (std::ifstream both(group / "cpu.max"); both) {
    if (!(both >> quota >> period)) return kNoQuota;
  } else {
    std::ifstream(group / "cpu.cfs_quota_us") >> quota;
    std::ifstream(group / "cpu.cfs_period_us") >> period;
  }
  return quota > 0 && period > 0 ? quota / period : kNoQuota;
}

/// The least of a group and of those it is in. A container often sees its group's whole path but only its own files,
/// at the root of the mount; so groups that are not there are passed by.
double least_quota(const fs::path& mount, const fs::path& group) {
  double least = quota_of(mount);
  fs::path here = mount;
  for (const auto& part : group.relative_path()) {
    here /= part;
    least = std::min(least, quota_of(here));
  }
  return least;
}

bool lists(std::string_view controllers, std::string_view wanted) {
  return ("," + std::string(controllers) + ",").find("," + std::string(wanted) + ",") != std::string::npos;
}

/// Lines "NUMBER:CONTROLLERS:GROUP" of /proc/self/cgroup; version 2 has one with no controllers.
double quota(const fs::path& root) {
  const fs::path mounts = root / "sys/fs/cgroup";
  std::ifstream lines(root / "proc/self/cgroup");
  double least = kNoQuota;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string group = line.substr(second + 1);
    if (controllers.empty()) {
      least = std::min({least, least_quota(mounts, group), least_quota(mounts / "unified", group)});
    } else if (lists(controllers, "cpu")) {
      least = std::min({least, least_quota(mounts / controllers, group), least_quota(mounts / "cpu", group)});
    }
  }
  return least;
}

}  // namespace

int available_threads(const fs::path& root) {
  const int processors = allowed_processors();
  const double allowed = quota(root);
  if (allowed >= processors) return processors;
  return std::max(1, static_cast<int>(std::ceil(allowed)));
}

}  // namespace twinpatch
