// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace twinpatch::cuda {

/// The fastest way found to run a request: what each of its plans computes, and the plan itself as the library wrote
/// it.
struct TunedPlan {
  struct Stage {
    unsigned parts = 0;
    std::string plan;
    friend bool operator==(const Stage&, const Stage&) = default;
  };
  std::vector<Stage> stages;
  double microseconds = 0.0;  ///< measured when it was chosen, for people
  friend bool operator==(const TunedPlan&, const TunedPlan&) = default;
};

/// Choices kept on disk, one file each, so that a kind of GPU is timed once. A key names all that a choice depends on:
/// card, library version, request. Files that are damaged, or of another key, are ignored with a line to the log; so is
/// a folder that cannot be written. Never throws: without its cache a run is slower to start, and right.
class TunedPlans {
 public:
  /// An empty folder name: nothing is kept. `log` may be empty.
  TunedPlans(std::filesystem::path folder, std::function<void(const std::string& line)> log);

  [[nodiscard]] std::optional<TunedPlan> load(const std::string& key) const;
  void store(const std::string& key, const TunedPlan& plan) const;
  /// Where a key's choice is kept.
  [[nodiscard]] std::filesystem::path file(const std::string& key) const;

 private:
  void report(const std::string& line) const;

  std::filesystem::path folder_;
  std::function<void(const std::string&)> log_;
};

/// A kept plan as the text of its file, and back. Reading throws FormatError: not JSON, a missing or strange member, a
/// checksum that does not fit, another key.
[[nodiscard]] std::string to_json(const std::string& key, const TunedPlan& plan);
[[nodiscard]] TunedPlan tuned_plan_from_json(const std::string& text, const std::string& key, const std::string& path);

}  // namespace twinpatch::cuda
