// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "guard.hpp"

#include <ucontext.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "fiber.hpp"
#include "machine.hpp"

namespace simt {
namespace {

struct sigaction previous_segv = {};
struct sigaction previous_bus = {};
thread_local void* bad_address = nullptr;
thread_local bool had_bad_address = false;

/// Where a fiber goes on after a bad access: on its own stack, as ordinary code, outside of the signal handler.
[[noreturn]] void land() {
  had_bad_address = true;
  Fiber* fiber = Fiber::current();
  const auto* address = static_cast<const char*>(bad_address);
  if (fiber->holds_guard_page(address)) Fiber::fail("its stack overflows");
  Fiber::fail(state().memory.describe(address));
}

void handle(int signal, siginfo_t* info, void* raw_context) {
  auto* context = static_cast<ucontext_t*>(raw_context);
  if (Fiber* fiber = Fiber::current(); fiber != nullptr) {
    bad_address = info->si_addr;
    // Below whatever the fiber was using; at the top where it had run out of stack.
#if defined(__x86_64__)
    auto sp = static_cast<std::uint64_t>(context->uc_mcontext.gregs[REG_RSP]) - 512;
    if (fiber->holds_guard_page(info->si_addr)) sp = reinterpret_cast<std::uint64_t>(fiber->stack_top()) - 512;
    context->uc_mcontext.gregs[REG_RSP] = static_cast<greg_t>((sp & ~std::uint64_t{15}) - 8);
    context->uc_mcontext.gregs[REG_RIP] = reinterpret_cast<greg_t>(&land);
#elif defined(__aarch64__)
    auto sp = context->uc_mcontext.sp - 512;
    if (fiber->holds_guard_page(info->si_addr)) sp = reinterpret_cast<std::uint64_t>(fiber->stack_top()) - 512;
    context->uc_mcontext.sp = sp & ~std::uint64_t{15};
    context->uc_mcontext.pc = reinterpret_cast<std::uint64_t>(&land);
#endif
    return;
  }
  if (state().memory.is_ours(info->si_addr)) {
    std::fprintf(stderr, "simt: host code touches device memory, or pinned memory that was freed: %s\n",
                 state().memory.describe(info->si_addr).c_str());
  }
  // The access happens again, and ends the program as it would have without us.
  (void)sigaction(signal, signal == SIGBUS ? &previous_bus : &previous_segv, nullptr);
}

}  // namespace

void install_guard() {
  struct sigaction action = {};
  action.sa_sigaction = &handle;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  const auto install = [&action](int signal, struct sigaction& previous) {
    struct sigaction present = {};
    (void)sigaction(signal, nullptr, &present);
    if (present.sa_sigaction == &handle) return;
    previous = present;
    (void)sigaction(signal, &action, nullptr);
  };
  install(SIGSEGV, previous_segv);
  install(SIGBUS, previous_bus);
}

void explain_bad_addresses() { install_guard(); }

void ensure_signal_stack() {
  thread_local std::vector<char> memory;
  if (!memory.empty()) return;
  stack_t present = {};
  (void)sigaltstack(nullptr, &present);
  memory.resize(64 * 1024);
  if ((present.ss_flags & SS_DISABLE) == 0) return;
  stack_t mine = {};
  mine.ss_sp = memory.data();
  mine.ss_size = memory.size();
  (void)sigaltstack(&mine, nullptr);
}

bool take_bad_address() { return std::exchange(had_bad_address, false); }

}  // namespace simt
