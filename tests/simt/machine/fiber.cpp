// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "fiber.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <new>
#include <utility>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

// Saves the callee-saved registers on the stack, stores the stack pointer, takes the other. 5 ns, where swapcontext
// makes two system calls.
#if defined(__x86_64__)
asm(R"(
.text
.globl simt_switch
.type simt_switch, @function
simt_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size simt_switch, .-simt_switch
)");
#elif defined(__aarch64__)
asm(R"(
.text
.globl simt_switch
.type simt_switch, %function
simt_switch:
  sub sp, sp, #160
  stp x19, x20, [sp, #0]
  stp x21, x22, [sp, #16]
  stp x23, x24, [sp, #32]
  stp x25, x26, [sp, #48]
  stp x27, x28, [sp, #64]
  stp x29, x30, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mov x2, sp
  str x2, [x0]
  mov sp, x1
  ldp x19, x20, [sp, #0]
  ldp x21, x22, [sp, #16]
  ldp x23, x24, [sp, #32]
  ldp x25, x26, [sp, #48]
  ldp x27, x28, [sp, #64]
  ldp x29, x30, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  add sp, sp, #160
  ret
.size simt_switch, .-simt_switch
)");
#else
#error "simt: write simt_switch for this processor"
#endif

extern "C" void simt_switch(void** save_to, void* stack_pointer);

namespace simt {
namespace {

thread_local Fiber* current_fiber = nullptr;

}  // namespace

Fiber* Fiber::current() { return current_fiber; }

Fiber::Fiber(std::size_t stack_bytes) : stack_bytes_(stack_bytes) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  void* memory =
      mmap(nullptr, stack_bytes + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  (void)mprotect(memory, page, PROT_NONE);
  stack_ = static_cast<char*>(memory) + page;
}

Fiber::~Fiber() {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
#if defined(__SANITIZE_ADDRESS__)
  __asan_unpoison_memory_region(stack_, stack_bytes_);
#endif
  (void)munmap(stack_ - page, stack_bytes_ + page);
}

bool Fiber::holds_guard_page(const void* address) const {
  const auto* p = static_cast<const char*>(address);
  return p >= stack_ - sysconf(_SC_PAGESIZE) && p < stack_;
}

void Fiber::start(std::function<void()> body) {
  body_ = std::move(body);
  fault_text_.clear();
  state_ = State::suspended;
#if defined(__SANITIZE_ADDRESS__)
  __asan_unpoison_memory_region(stack_, stack_bytes_);  // frames of a fault were never left
#endif
  auto* top = reinterpret_cast<std::uint64_t*>(stack_top()) - 4;
#if defined(__x86_64__)
  // As if entry() had been called from nowhere: the stack is 16-aligned before the return address.
  top[0] = reinterpret_cast<std::uint64_t>(&Fiber::entry);
  top[1] = 0;
  for (int i = 1; i <= 6; ++i) top[-i] = 0;
  own_ = top - 6;
#else
  auto* frame = top - 20;
  for (int i = 0; i < 20; ++i) frame[i] = 0;
  frame[11] = reinterpret_cast<std::uint64_t>(&Fiber::entry);  // x30
  own_ = frame;
#endif
  fake_stack_ = nullptr;
}

void Fiber::entry() {
  Fiber* self = current_fiber;
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, &self->resumer_stack_, &self->resumer_stack_bytes_);
#endif
  State end = State::finished;
  try {
    self->body_();
  } catch (const std::exception& error) {
    self->fault_text_ = error.what();
    end = State::faulted;
  } catch (...) {
    self->fault_text_ = "an exception that is no std::exception";
    end = State::faulted;
  }
  self->leave(end);
  std::abort();  // nothing resumes a fiber that has ended
}

Fiber::State Fiber::resume() {
  outer_ = current_fiber;
  current_fiber = this;
  state_ = State::running;
#if defined(__SANITIZE_ADDRESS__)
  void* fake = nullptr;
  __sanitizer_start_switch_fiber(&fake, stack_, stack_bytes_);
#endif
  simt_switch(&resumer_, own_);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
#endif
  current_fiber = outer_;
  return state_;
}

void Fiber::leave(State state) {
  state_ = state;
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(state == State::suspended ? &fake_stack_ : nullptr, resumer_stack_,
                                 resumer_stack_bytes_);
#endif
  simt_switch(&own_, resumer_);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(fake_stack_, &resumer_stack_, &resumer_stack_bytes_);
#endif
}

void Fiber::suspend() { current_fiber->leave(State::suspended); }

void Fiber::fail(std::string text) {
  Fiber* self = current_fiber;
  if (self == nullptr) std::abort();
  // Nothing on this stack is destroyed any more: no memory may hang on it.
  std::string().swap(self->fault_text_);
  self->fault_text_ = std::move(text);
  self->leave(State::faulted);
  std::abort();
}

}  // namespace simt
