// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/frame/interrupt.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <utility>

#include "apps/frame/command.hpp"

namespace twinpatch::app {
namespace {

constexpr int kSignals[] = {SIGINT, SIGTERM};
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

void set_handler(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (const int signal : kSignals) sigaction(signal, &action, nullptr);
}

}  // namespace

InterruptWatch::InterruptWatch(std::function<void()> announce) {
  if (pipe2(g_pipe, O_CLOEXEC) != 0) throw IoError("pipe", "cannot create", errno);
  g_signals = 0;
  watcher_ = std::thread([this, announce = std::move(announce)] {
    char byte = 0;
    for (;;) {
      const ssize_t got = read(g_pipe[0], &byte, 1);
      if (got < 0 && errno == EINTR) continue;
      if (got != 1 || byte == kEnd) return;
      source_.request_stop();
      announce();
    }
  });
  set_handler(&on_signal);
}

InterruptWatch::~InterruptWatch() {
  set_handler(SIG_DFL);
  [[maybe_unused]] const ssize_t written = write(g_pipe[1], &kEnd, 1);
  watcher_.join();
  close(g_pipe[0]);
  close(g_pipe[1]);
}

}  // namespace twinpatch::app
