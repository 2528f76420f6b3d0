// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/core/file.hpp"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <limits>
#include <numeric>

#include "support/message.hpp"
#include "support/temporary_folder.hpp"

using namespace twinpatch;
using Catch::Contains;
using test::message_of;
using test::TemporaryFolder;

TEST_CASE("a byte reader never passes the end") {
  std::vector<std::byte> bytes(16);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i);
  ByteReader reader(bytes, "x.bin");
  CHECK(reader.read<std::uint32_t>("magic") == 0x03020100u);
  CHECK(reader.offset() == 4);
  CHECK(std::to_integer<int>(reader.take(3, "name").front()) == 4);
  CHECK(reader.take(0, "nothing").empty());
  CHECK(message_of<FormatError>([&] { (void)reader.take(10, "weights"); }) ==
        "x.bin: byte 7: weights: needs 10 bytes, 9 are left");
  CHECK(reader.offset() == 7);
  CHECK(message_of<FormatError>([&] { (void)reader.read<std::array<char, 10>>("block"); }) ==
        "x.bin: byte 7: block: needs 10 bytes, 9 are left");
  CHECK_NOTHROW(reader.check_count(3, 3, "items"));
  CHECK_THROWS_AS(reader.check_count(4, 3, "items"), FormatError);
  CHECK_THAT(message_of<FormatError>([&] { reader.check_count(-2, 4, "items"); }), Contains("a count of -2"));
  CHECK_THAT(message_of<FormatError>([&] { reader.check_count(std::numeric_limits<std::int64_t>::max(), 4, "items"); }),
             Contains("9 bytes are left"));
  CHECK_THROWS_AS(reader.take(std::numeric_limits<std::int64_t>::max(), "all"), FormatError);
}

TEST_CASE("files are read whole, whatever their name") {
  const TemporaryFolder folder;
  const auto path = folder.file("Türe 扉.txt", "two\nlines");
  CHECK(read_text_file(path) == "two\nlines");
  CHECK(read_file(path).size() == 9);
  CHECK(read_file(folder.file("empty", "")).empty());
  const MappedFile mapped(path);
  CHECK(mapped.bytes().size() == 9);
  CHECK(MappedFile(folder / "empty").bytes().empty());
}

TEST_CASE("what is no file is refused in one line") {
  const TemporaryFolder folder;
  ::mkfifo((folder / "pipe").c_str(), 0600);
  CHECK_THAT(message_of<IoError>([&] { (void)read_file(folder / "none"); }),
             Contains("none: cannot open: No such file or directory"));
  CHECK_THAT(message_of<IoError>([&] { (void)read_file(folder.path()); }), Contains("expected a file, found a folder"));
  CHECK_THAT(message_of<IoError>([&] { MappedFile{folder.path()}; }), Contains("found a folder"));
  CHECK_THAT(message_of<IoError>([&] { (void)read_text_file(folder / "pipe"); }), Contains("found a device or a pipe"));
  CHECK_THAT(message_of<IoError>([&] { (void)read_text_file(folder / "none" / "x"); }), Contains("cannot open"));
}

namespace {

std::string read_kernel_file(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

}  // namespace

TEST_CASE("a sparse file that claims more than there is memory is refused") {
  const TemporaryFolder folder;
  const auto path = folder.file("sparse", "");
  const std::string overcommit = read_kernel_file("/proc/sys/vm/overcommit_memory");
  if (overcommit.starts_with('1') || ::truncate(path.c_str(), std::int64_t{1} << 43) != 0) {
    WARN("skipped: the system gives any memory, or its disk no file of 8 TiB");
    return;
  }
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // whose allocators end the program instead
  CHECK_THROWS_AS(read_file(path), OutOfMemory);
  CHECK_THROWS_AS(read_text_file(path), OutOfMemory);
#endif
}

namespace {

/// Pages of a mapping that this process has in its own table (mincore would count the page cache's too).
std::int64_t resident_bytes(const std::byte* at) {
  std::ifstream maps("/proc/self/smaps");
  std::string line;
  const auto address = reinterpret_cast<std::uintptr_t>(at);
  bool inside = false;
  while (std::getline(maps, line)) {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &begin, &end) == 2) inside = begin <= address && address < end;
    std::int64_t kib = 0;
    if (inside && std::sscanf(line.c_str(), "Rss: %ld kB", &kib) == 1) return kib * 1024;
  }
  return -1;
}

}  // namespace

TEST_CASE("released pages of a mapping leave memory and come back unchanged") {
  const TemporaryFolder folder;
  const std::int64_t page = ::sysconf(_SC_PAGESIZE);
  std::string text(static_cast<std::size_t>(64 * page + 100), '\0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 31 % 251);
  const MappedFile file(folder.file("big", text));
  const auto sum = [&] {
    return std::accumulate(file.bytes().begin(), file.bytes().end(), std::int64_t{0},
                           [](std::int64_t s, std::byte b) { return s * 33 % 1000003 + std::to_integer<int>(b); });
  };
  const std::int64_t before = sum();
  const std::int64_t resident = resident_bytes(file.bytes().data());
  if (resident < 0) {
    WARN("skipped: no /proc/self/smaps");
    return;
  }
  file.release(10, page + 10);  // holds no whole page but the second's first part: nothing may go
  CHECK(resident_bytes(file.bytes().data()) == resident);
  file.release(0, 32 * page + 1);
  CHECK(resident_bytes(file.bytes().data()) <= resident - 32 * page);
  file.release(-5, std::numeric_limits<std::int64_t>::max());
  CHECK(resident_bytes(file.bytes().data()) == 0);
  file.release(20, 10);
  CHECK(sum() == before);
}

TEST_CASE("a byte order mark is no part of a text") {
  const TemporaryFolder folder;
  CHECK(read_text_file(folder.file("a", std::string_view("\xEF\xBB\xBF"
                                                         "1 2"))) == "1 2");
  CHECK(read_text_file(folder.file("b", std::string_view("\xEF\xBB\xBF"))).empty());
  CHECK(read_text_file(folder.file("c", std::string_view("\xEF\xBB"))) == "\xEF\xBB");
  for (const auto text : {std::string_view("\xFF\xFE\x31\x00", 4), std::string_view("\xFE\xFF\x00\x31", 4)}) {
    const auto path = folder.file("utf16", text);
    CHECK_THAT(message_of<FormatError>([&] { (void)read_text_file(path); }),
               Contains("utf16: byte 0: text in UTF-16, expected UTF-8"));
  }
}
