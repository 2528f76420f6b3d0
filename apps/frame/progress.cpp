// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/frame/progress.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "twinpatch/core/units.hpp"

namespace twinpatch::app {
namespace {

using namespace std::chrono_literals;

double rate(std::int64_t done, double seconds) { return seconds > 0 ? static_cast<double>(done) / seconds : 0; }

/// Seconds until the end at the rate so far; negative where nothing can be said.
double seconds_left(std::int64_t done, std::int64_t total, double seconds) {
  if (total <= 0 || done <= 0) return -1;
  return static_cast<double>(total - done) / rate(done, seconds);
}

std::string drawing(double part, int cells, bool unicode) {
  const int eighths = static_cast<int>(std::clamp(part, 0.0, 1.0) * cells * 8);
  std::string out;
  for (int cell = 0; cell < cells; ++cell) {
    const int filled = std::clamp(eighths - 8 * cell, 0, 8);
    if (!unicode) {
      out += filled >= 4 ? '#' : '-';
      continue;
    }
    constexpr const char* kBlocks[] = {"·", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"};
    out += kBlocks[filled];
  }
  return out;
}

}  // namespace

ProgressReport::ProgressReport(Screen& screen, ProgressStyle style) : screen_(screen), style_(style) {
  draws_bar_ = style == ProgressStyle::automatic && screen.is_terminal();
  if (draws_bar_) {
    interval_ = 100ms;
  } else {
    interval_ = style == ProgressStyle::automatic ? Clock::duration(30s)
                                                  : Clock::duration(style == ProgressStyle::json ? 1s : 5s);
  }
}

void ProgressReport::begin(std::string_view stage, std::int64_t total, std::string_view unit) {
  const std::lock_guard lock(mutex_);
  stage_ = stage;
  unit_ = unit;
  total_ = total;
  done_ = 0;
  started_ = Clock::now();
  next_ = (started_ + interval_).time_since_epoch().count();
  active_ = true;
}

void ProgressReport::advance(std::int64_t units) {
  done_ += units;
  if (Clock::now().time_since_epoch().count() < next_.load(std::memory_order_relaxed)) return;
  const std::unique_lock lock(mutex_, std::try_to_lock);  // somebody else is drawing: nothing to wait for
  if (!lock.owns_lock() || !active_) return;
  next_ = (Clock::now() + interval_).time_since_epoch().count();
  show(false);
}

void ProgressReport::end() {
  const std::lock_guard lock(mutex_);
  if (!active_) return;
  active_ = false;
  show(true);
}

void ProgressReport::show(bool last) {
  if (style_ == ProgressStyle::none) return;
  const std::int64_t done = done_;
  const double seconds = std::chrono::duration<double>(Clock::now() - started_).count();
  if (draws_bar_) {
    screen_.bar(last ? std::string() : bar(done, seconds));
    return;
  }
  if (style_ == ProgressStyle::automatic && last && seconds < 30) return;
  screen_.line(style_ == ProgressStyle::json ? json(done, seconds, last) : text(done, seconds, last));
}

std::string ProgressReport::text(std::int64_t done, double seconds, bool last) const {
  const double count = static_cast<double>(done);
  const std::string speed = fmt::format("{} {}/s", format_count(rate(done, seconds)), unit_);
  if (last)
    return fmt::format("{}: {} {} in {} ({})", stage_, format_count(count), unit_, format_seconds(seconds), speed);
  const double left = seconds_left(done, total_, seconds);
  if (left < 0) return fmt::format("{}: {} {}, {}", stage_, format_count(count), unit_, speed);
  return fmt::format("{}: {:.0f} % of {} {}, {}, {} left", stage_, 100 * count / static_cast<double>(total_),
                     format_count(static_cast<double>(total_)), unit_, speed, format_seconds(left));
}

std::string ProgressReport::bar(std::int64_t done, double seconds) const {
  const std::string line = text(done, seconds, false);
  constexpr int kCells = 24;
  const int width = screen_.width();
  if (total_ > 0 && static_cast<int>(line.size()) + kCells + 2 < width) {
    const double part = static_cast<double>(done) / static_cast<double>(total_);
    return fmt::format("{} {}", drawing(part, kCells, screen_.has_unicode()), line);
  }
  return line.substr(0, static_cast<std::size_t>(std::max(1, width - 1)));
}

std::string ProgressReport::json(std::int64_t done, double seconds, bool last) const {
  const double left = last ? 0 : seconds_left(done, total_, seconds);
  nlohmann::ordered_json object{{"event", last ? "stage_done" : "progress"}, {"stage", stage_}, {"done", done}};
  object["total"] = total_ > 0 ? nlohmann::ordered_json(total_) : nlohmann::ordered_json(nullptr);
  object["unit"] = unit_;
  object["per_second"] = rate(done, seconds);
  object["seconds"] = seconds;
  object["seconds_left"] = left < 0 ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(left);
  return object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace twinpatch::app
