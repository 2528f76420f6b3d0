// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <catch2/catch.hpp>
#include <string>

namespace twinpatch::test {

/// What the exception of type E says that `action` throws; fails the test where it throws none or another. Every
/// message must be one line.
template <class E, class Action>
std::string message_of(Action&& action) {
  std::string message;
  bool thrown = false;
  try {
    action();
  } catch (const E& error) {
    thrown = true;
    message = error.what();
  }
  REQUIRE(thrown);
  CHECK_FALSE(message.empty());
  CHECK(message.find('\n') == std::string::npos);
  return message;
}

}  // namespace twinpatch::test
