// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/core/buffer.hpp"

#include <catch2/catch.hpp>
#include <limits>

#include "support/message.hpp"
#include "twinpatch/core/matrix.hpp"

using namespace twinpatch;

static_assert(std::is_nothrow_move_constructible_v<Buffer<float>> && std::is_nothrow_move_assignable_v<Buffer<float>>);
static_assert(!std::is_copy_constructible_v<Buffer<float>> && !std::is_copy_assignable_v<Matrix>);
static_assert(std::is_base_of_v<DeviceError, OutOfMemory> && std::is_base_of_v<InvalidArgument, ShapeError>);

TEST_CASE("a buffer is aligned, moves, and refuses sizes that are none") {
  Buffer<float> buffer(33);
  CHECK(reinterpret_cast<std::uintptr_t>(buffer.data()) % 64 == 0);
  CHECK(buffer.bytes() == 132);
  buffer[32] = 5.0f;
  const Buffer<float> moved = std::move(buffer);
  CHECK(moved[32] == 5.0f);
  CHECK(buffer.empty());  // NOLINT: a moved-from buffer is empty, on purpose
  CHECK(Buffer<float>(0).empty());

  CHECK_THROWS_AS(Buffer<float>(-1), InvalidArgument);
  CHECK_THROWS_AS(Buffer<float>(std::numeric_limits<std::int64_t>::max() / 2), InvalidArgument);
  CHECK_THROWS_AS(Buffer<char>(std::numeric_limits<std::int64_t>::max()), InvalidArgument);
#ifndef __SANITIZE_ADDRESS__  // whose allocator ends the program instead of returning null
  CHECK_THROWS_AS(Buffer<char>(std::int64_t{1} << 60), OutOfMemory);
#endif
  CHECK_THROWS_AS(Matrix(std::int64_t{1} << 40, std::int64_t{1} << 40), InvalidArgument);
}

TEST_CASE("messages name the file and stay one line") {
  CHECK(std::string(IoError("a.npy", "cannot open", ENOENT).what()) == "a.npy: cannot open: No such file or directory");
  CHECK(std::string(IoError("a.npy", "was truncated").what()) == "a.npy: was truncated");
  const FormatError error("b\n\x1b[2J.npy", 12, "wrong");
  CHECK(std::string(error.what()) == "b??[2J.npy: byte 12: wrong");
  CHECK(error.offset() == 12);
  CHECK(error.path() == "b\n\x1b[2J.npy");
  CHECK(std::string(FormatError("c.txt", -1, "line 3: wrong").what()) == "c.txt: line 3: wrong");
}

TEST_CASE("control characters reach no message, whichever error it is") {
  CHECK(one_line("a\tb\r\n\x7f") == "a?b???");
  CHECK(one_line("\xC2\x9B"
                 "31m") == "?31m");  // U+009B is a terminal's escape sequence in one character
  CHECK(one_line("\xC2\xA9 grün") == "\xC2\xA9 grün");
  CHECK(one_line("cut \xC2") == "cut \xC2");
  CHECK(std::string(Error("a\x1b[2J").what()) == "a?[2J");
  CHECK(std::string(InvalidArgument("line\nline").what()) == "line?line");
}
