// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <sstream>
#include <stdexcept>

namespace twinpatch::test {
namespace {

constexpr auto kPatience = std::chrono::minutes(2);

/// In the child: sets everything up and becomes the program. Never returns.
[[noreturn]] void become_program(const std::vector<std::string>& arguments, const ProcessOptions& options, int out,
                                 int err) {
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  const int append = options.append ? O_APPEND : 0;
  if (!options.output.empty()) dup2(open(options.output.c_str(), O_WRONLY | O_CREAT | append, 0600), STDOUT_FILENO);
  if (options.ignored != 0) signal(options.ignored, SIG_IGN);
  if (!options.folder.empty() && chdir(options.folder.c_str()) != 0) _exit(126);
  if (options.largest_file >= 0) {
    const rlimit limit{static_cast<rlim_t>(options.largest_file), static_cast<rlim_t>(options.largest_file)};
    setrlimit(RLIMIT_FSIZE, &limit);
    signal(SIGXFSZ, SIG_IGN);  // then write() fails instead, as on a full disk
  }
  for (const auto& variable : options.environment) putenv(const_cast<char*>(variable.c_str()));
  std::vector<char*> argv{const_cast<char*>("twinpatch")};
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  execv(TWINPATCH_PROGRAM, argv.data());
  _exit(127);
}

/// Takes what is there; false at the end of the stream.
bool read_some(int descriptor, std::string& text) {
  std::array<char, 4096> chunk{};
  const ssize_t got = read(descriptor, chunk.data(), chunk.size());
  if (got <= 0) return false;
  text.append(chunk.data(), static_cast<std::size_t>(got));
  return true;
}

class Interrupter {
 public:
  Interrupter(pid_t child, const ProcessOptions& options) : child_(child), options_(options) {}
  void look(const std::string& err) {
    if (options_.interrupt_after.empty() || sent_ == options_.interrupts) return;
    // The second one only after the program has said that it saw the first.
    const std::string& wanted = sent_ == 0 ? options_.interrupt_after : kAnswer;
    if (err.find(wanted) == std::string::npos) return;
    kill(child_, options_.signal);
    ++sent_;
  }

 private:
  const std::string kAnswer = "stopping";
  pid_t child_;
  const ProcessOptions& options_;
  int sent_ = 0;
};

int wait_code(pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

ProcessResult run_twinpatch(const std::vector<std::string>& arguments, const ProcessOptions& options) {
  int out[2];
  int err[2];
  if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0) throw std::runtime_error("cannot make a pipe");
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("cannot fork");
  if (child == 0) become_program(arguments, options, out[1], err[1]);
  close(out[1]);
  close(err[1]);

  ProcessResult result;
  Interrupter interrupter(child, options);
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  std::array<pollfd, 2> streams{{{out[0], POLLIN, 0}, {err[0], POLLIN, 0}}};
  while (streams[0].fd >= 0 || streams[1].fd >= 0) {
    poll(streams.data(), streams.size(), 1000);
    if ((streams[0].revents != 0) && !read_some(out[0], result.out)) streams[0].fd = -1;
    if ((streams[1].revents != 0) && !read_some(err[0], result.err)) streams[1].fd = -1;
    interrupter.look(result.err);
    if (std::chrono::steady_clock::now() > deadline) kill(child, SIGKILL);
  }
  close(out[0]);
  close(err[0]);
  result.code = wait_code(child);
  return result;
}

}  // namespace twinpatch::test
