// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <stop_token>
#include <string_view>

#include "twinpatch/core/error.hpp"

namespace twinpatch {

/// Receives the progress of long work. The library never prints; a program that wants a progress bar implements this.
/// Calls may come from several threads at once.
class Progress {
 public:
  virtual ~Progress() = default;
  /// A stage begins: its name ("describe"), how many units it has (0: unknown) and what a unit is ("patches").
  virtual void begin(std::string_view stage, std::int64_t total, std::string_view unit) = 0;
  virtual void advance(std::int64_t units) = 0;
  virtual void end() = 0;
};

/// How a caller follows and cancels long work. By default it does neither.
struct RunControl {
  std::stop_token stop;
  Progress* progress = nullptr;

  /// Throws Interrupted after request_stop(); long loops call it between tiles.
  void check() const {
    if (stop.stop_requested()) throw Interrupted();
  }
  void begin(std::string_view stage, std::int64_t total, std::string_view unit) const {
    if (progress != nullptr) progress->begin(stage, total, unit);
  }
  void advance(std::int64_t units) const {
    if (progress != nullptr) progress->advance(units);
  }
  void end() const {
    if (progress != nullptr) progress->end();
  }
  /// The same stop, nobody watching: for a part whose caller reports its progress.
  [[nodiscard]] RunControl quiet() const { return {stop, nullptr}; }
};

/// Lets only advance() through, each unit counting as `weight`: for calls that would begin a stage of their own within
/// one that is open already. `outer` may be null and must outlive it.
class AdvanceOnly final : public Progress {
 public:
  explicit AdvanceOnly(Progress* outer, std::int64_t weight = 1) : outer_(outer), weight_(weight) {}
  void begin(std::string_view /*stage*/, std::int64_t /*total*/, std::string_view /*unit*/) override {}
  void advance(std::int64_t units) override {
    if (outer_ != nullptr) outer_->advance(units * weight_);
  }
  void end() override {}

 private:
  Progress* outer_;
  std::int64_t weight_;
};

}  // namespace twinpatch
