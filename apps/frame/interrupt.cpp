// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/frame/interrupt.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

#include "apps/frame/command.hpp"

namespace twinpatch::app {
namespace {

constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP};
constexpr char kStop = 's';
constexpr char kEnd = 'e';

// A handler may do very little: it writes a byte here, and a thread does what is not allowed in a handler.
int g_pipe[2] = {-1, -1};
std::atomic<int> g_signals = 0;
static_assert(std::atomic<int>::is_always_lock_free);

extern "C" void on_signal(int /*signal*/) {
  const int saved = errno;
  if (g_signals.fetch_add(1) > 0) _exit(static_cast<int>(ExitCode::interrupted));
  [[maybe_unused]] const ssize_t written = write(g_pipe[1], &kStop, 1);
  errno = saved;
}

std::array<struct sigaction, kSignals.size()> g_previous;

/// A signal that was ignored when the program started stays ignored: nohup, and shells that start background jobs, ask
/// for it.
void set_handlers() {
  struct sigaction action {};
  action.sa_handler = &on_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    sigaction(kSignals[i], nullptr, &g_previous[i]);
    if (g_previous[i].sa_handler != SIG_IGN) sigaction(kSignals[i], &action, nullptr);
  }
}

void restore_handlers() {
  for (std::size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &g_previous[i], nullptr);
}

}  // namespace

InterruptWatch::InterruptWatch(std::function<void()> announce) {
  if (pipe2(g_pipe, O_CLOEXEC) != 0) throw IoError("pipe", "cannot create", errno);
  g_signals = 0;
  const auto watch = [this, announce = std::move(announce)] {
    char byte = 0;
    for (;;) {
      const ssize_t got = read(g_pipe[0], &byte, 1);
      if (got < 0 && errno == EINTR) continue;
      if (got != 1 || byte == kEnd) return;
      source_.request_stop();
      announce();
    }
  };
  try {
    watcher_ = std::thread(watch);
  } catch (const std::system_error& error) {
    throw Error(fmt::format("cannot start a thread: {} (is the number of processes limited? ulimit -u)",
                            error.code().message()));
  }
  set_handlers();
}

InterruptWatch::~InterruptWatch() {
  restore_handlers();
  [[maybe_unused]] const ssize_t written = write(g_pipe[1], &kEnd, 1);
  watcher_.join();
  close(g_pipe[0]);
  close(g_pipe[1]);
}

}  // namespace twinpatch::app
