// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace twinpatch::test {

/// How the program is started; default: nothing special.
struct ProcessOptions {
  std::vector<std::string> environment{};  ///< "NAME=value", added to ours
  std::string folder{};                    ///< working directory
  long largest_file = -1;                  ///< bytes; writing more fails as on a full disk
  std::string output{};                    ///< standard output goes to this file instead of being read
  bool append = false;                     ///< …at its end
  std::string interrupt_after{};           ///< a signal once this text was seen on standard error
  int signal = 2;                          ///< SIGINT
  int ignored = 0;                         ///< this signal is ignored when the program starts, as under nohup
  int interrupts = 1;                      ///< so many, one after the other
};

struct ProcessResult {
  int code = -1;  ///< exit code; 128 + signal if one ended it
  std::string out;
  std::string err;
  [[nodiscard]] nlohmann::json json() const { return nlohmann::json::parse(out); }
};

[[nodiscard]] std::vector<std::string> lines_of(const std::string& text);

/// Runs the program under test (twinpatch) and waits for it, two minutes at most.
[[nodiscard]] ProcessResult run_twinpatch(const std::vector<std::string>& arguments,
                                          const ProcessOptions& options = {});

}  // namespace twinpatch::test
