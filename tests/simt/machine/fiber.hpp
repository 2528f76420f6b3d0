// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <string>

namespace simt {

/// A thread of control with a stack of its own, resumed and suspended by hand. A fault (a bad address, fault()) ends it
/// where it is: frames are dropped without destructors, as on a device.
class Fiber {
 public:
  enum class State { idle, suspended, running, finished, faulted };

  explicit Fiber(std::size_t stack_bytes);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// What the next resume() will start. Also after a fault.
  void start(std::function<void()> body);
  /// Runs until the body suspends, ends or faults.
  State resume();
  [[nodiscard]] State state() const { return state_; }
  /// Why it faulted: the text of the fault, or what() of an exception the body let out.
  [[nodiscard]] const std::string& fault_text() const { return fault_text_; }

  /// The fiber that runs on this thread now; null outside of all.
  [[nodiscard]] static Fiber* current();
  /// Back to whoever resumed the current fiber.
  static void suspend();
  /// Ends the current fiber.
  [[noreturn]] static void fail(std::string text);

  /// Top of its stack: where the landing of a bad address may build a frame when the stack itself has overflown.
  [[nodiscard]] char* stack_top() const { return stack_ + stack_bytes_; }
  /// Whether this address is below the end of its stack.
  [[nodiscard]] bool holds_guard_page(const void* address) const;

 private:
  static void entry();
  void leave(State state);

  char* stack_ = nullptr;  // above a guard page
  std::size_t stack_bytes_;
  void* own_ = nullptr;  // saved stack pointers
  void* resumer_ = nullptr;
  Fiber* outer_ = nullptr;
  std::function<void()> body_;
  State state_ = State::idle;
  std::string fault_text_;
  // For the address sanitizer: the stack of whoever resumed this fiber, and its own fake stack.
  void* fake_stack_ = nullptr;
  const void* resumer_stack_ = nullptr;
  std::size_t resumer_stack_bytes_ = 0;
};

}  // namespace simt
