// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace twinpatch::cuda {

struct LibraryOptions {
  /// Folder where plans that were timed on this kind of GPU are kept; empty: none are read or written.
  std::filesystem::path tuned_plans;
  /// Where a line goes that a user may want to read: a cache file that was ignored, a choice that was made.
  std::function<void(const std::string& line)> log;
  /// Plans offer several algorithms to be timed (ConvolutionPlan::tune); otherwise the library's first choice is taken.
  bool tune = true;
};

/// cuDNN and cuBLASLt opened for one device, which plans are made with. Make it with that device current, after a
/// device was found; one per device and context. Plans may be made from one thread at a time and must not outlive it.
/// Throws DeviceError where a library is missing, does not know the device, or has another version than it was built
/// for.
class Libraries {
 public:
  explicit Libraries(int device, LibraryOptions options = {});
  ~Libraries();
  Libraries(const Libraries&) = delete;             // owns the libraries' handles
  Libraries& operator=(const Libraries&) = delete;  // likewise

  /// "cuDNN 9.19.0, cuBLASLt 13.1.0".
  [[nodiscard]] std::string description() const;

  struct State;
  [[nodiscard]] State& state() noexcept { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

/// A line for each of the two: its version and the file it was loaded from, or why it cannot be. Never throws.
[[nodiscard]] std::vector<std::string> describe_libraries();

/// $TWINPATCH_CACHE/plans, else $XDG_CACHE_HOME/twinpatch/plans, else $HOME/.cache/twinpatch/plans; empty where none of
/// them is set.
[[nodiscard]] std::filesystem::path tuned_plans_folder();

}  // namespace twinpatch::cuda
