// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <string>
#include <string_view>

namespace twinpatch::app {

/// Standard error as two things at once: lines that stay, and one last line (a progress bar) that is redrawn below
/// them. May be used from several threads.
class Screen {
 public:
  Screen();
  ~Screen();
  Screen(const Screen&) = delete;             // one owner of the terminal's last line
  Screen& operator=(const Screen&) = delete;  // likewise

  /// A line that stays (no newline at its end).
  void line(std::string_view text);
  /// Replaces the bar; empty removes it. Ignored unless this is a terminal.
  void bar(std::string_view text);

  [[nodiscard]] bool is_terminal() const noexcept { return terminal_; }
  /// Colours and weights may be used: a terminal, NO_COLOR unset, TERM not "dumb".
  [[nodiscard]] bool has_color() const noexcept { return color_; }
  [[nodiscard]] bool has_unicode() const noexcept { return unicode_; }
  [[nodiscard]] int width() const;

 private:
  void write(std::string_view text) const;
  mutable std::mutex mutex_;
  std::string bar_;
  bool terminal_ = false;
  bool color_ = false;
  bool unicode_ = false;
};

/// Whether colours may be used on a stream: a terminal, NO_COLOR unset, TERM not "dumb".
[[nodiscard]] bool stream_has_color(int descriptor);

}  // namespace twinpatch::app
