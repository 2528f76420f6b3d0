// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/frame/screen.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace twinpatch::app {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

bool locale_is_utf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const std::string value = environment(name);
    if (!value.empty()) return value.find("UTF-8") != std::string::npos || value.find("utf8") != std::string::npos;
  }
  return false;
}

}  // namespace

bool stream_has_color(int descriptor) {
  return isatty(descriptor) != 0 && environment("NO_COLOR").empty() && environment("TERM") != "dumb";
}

Screen::Screen()
    : terminal_(isatty(STDERR_FILENO) != 0), color_(stream_has_color(STDERR_FILENO)), unicode_(locale_is_utf8()) {}

Screen::~Screen() { bar(""); }

void Screen::write(std::string_view text) const {
  while (!text.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
    if (written < 0 && errno != EINTR) return;  // nobody listens any more; the work goes on
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
}

void Screen::line(std::string_view text) {
  const std::lock_guard lock(mutex_);
  std::string out;
  if (!bar_.empty()) out += "\r\x1b[K";
  out.append(text).append("\n").append(bar_);
  write(out);
}

void Screen::bar(std::string_view text) {
  const std::lock_guard lock(mutex_);
  if (!terminal_ || (text.empty() && bar_.empty())) return;
  bar_ = text;
  write("\r" + bar_ + "\x1b[K");
}

int Screen::width() const {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

}  // namespace twinpatch::app
