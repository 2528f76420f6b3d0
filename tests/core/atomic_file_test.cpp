// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstdlib>

#include "support/message.hpp"
#include "support/temporary_folder.hpp"
#include "twinpatch/core/file.hpp"
#include "twinpatch/core/stream.hpp"

using namespace twinpatch;
using Catch::Contains;
using test::message_of;
using test::TemporaryFolder;

static_assert(!std::is_copy_constructible_v<AtomicFile> && !std::is_move_constructible_v<AtomicFile>);

namespace {

/// Files may not grow beyond `bytes` within the scope: the closest thing to a full disk that needs no disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;             // puts the process's limit back
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;  // likewise

 private:
  void (*handler_)(int);
  rlimit before_{};
};

/// Root may write everywhere: within the scope the process is nobody.
class AsNobody {
 public:
  AsNobody() : was_root_(::geteuid() == 0) {
    if (was_root_) changed_ = ::seteuid(65534) == 0;
  }
  ~AsNobody() {
    if (changed_ && ::seteuid(0) != 0) std::abort();
  }
  AsNobody(const AsNobody&) = delete;             // puts the process's user back
  AsNobody& operator=(const AsNobody&) = delete;  // likewise
  [[nodiscard]] bool works() const { return !was_root_ || changed_; }

 private:
  bool was_root_;
  bool changed_ = false;
};

}  // namespace

TEST_CASE("a file appears at the commit, whole") {
  const TemporaryFolder folder;
  const auto path = folder / "näher.txt";
  const std::string big(1 << 20, 'x');
  {
    AtomicFile file(path);
    file.write("head ");
    file.write(big);
    file.write(" tail");
    file.write_at(0, std::as_bytes(std::span("HEAD", 4)));
    CHECK_FALSE(std::filesystem::exists(path));
    file.commit();
  }
  CHECK(read_text_file(path) == "HEAD " + big + " tail");
  CHECK(folder.names().size() == 1);
  AtomicFile(folder / "nothing").commit();
  CHECK(read_file(folder / "nothing").empty());
}

TEST_CASE("without a commit nothing is left and the old file stays") {
  const TemporaryFolder folder;
  const auto path = folder.file("kept", "old");
  {
    AtomicFile file(path);
    file.write(std::string(1 << 20, 'x'));
  }
  CHECK(read_text_file(path) == "old");
  CHECK(folder.names() == std::vector<std::string>{"kept"});
  AtomicFile one(path);
  AtomicFile two(path);  // two writers at once do not meet; the last to commit wins
  one.write("one");
  two.write("two");
  two.commit();
  one.commit();
  CHECK(read_text_file(path) == "one");
  CHECK(folder.names().size() == 1);
}

TEST_CASE("a replaced file keeps its mode, a link stays a link") {
  const TemporaryFolder folder;
  const auto path = folder.file("real", "old");
  ::chmod(path.c_str(), 0640);
  std::filesystem::create_symlink("real", folder / "link");
  AtomicFile file(folder / "link");
  file.write("new");
  file.commit();
  CHECK(std::filesystem::is_symlink(folder / "link"));
  CHECK(read_text_file(path) == "new");
  struct stat status {};
  ::stat(path.c_str(), &status);
  CHECK((status.st_mode & 07777) == 0640);
}

TEST_CASE("names as long as a file system takes are written") {
  const TemporaryFolder folder;
  AtomicFile file(folder / std::string(255, 'n'));
  file.commit();
  CHECK(folder.names().front().size() == 255);
}

TEST_CASE("places that cannot be written to are named in one line") {
  const TemporaryFolder folder;
  folder.file("plain", "");
  CHECK(message_of<IoError>([&] { AtomicFile{folder / "missing" / "x.npy"}; }) ==
        (folder / "missing/x.npy").string() + ": cannot create: the folder " + (folder / "missing").string() +
            " does not exist");
  CHECK_THAT(message_of<IoError>([&] { AtomicFile{folder / "plain" / "x.npy"}; }), Contains("plain is not a folder"));
  CHECK_THAT(message_of<IoError>([&] { AtomicFile{folder.path()}; }), Contains("cannot write: it is a folder"));
  CHECK_THAT(message_of<IoError>([&] { AtomicFile{folder / ""}; }), Contains("no file name"));
  CHECK_THAT(message_of<IoError>([&] { AtomicFile{""}; }), Contains("no file name"));
  CHECK(folder.names().size() == 1);
}

TEST_CASE("a read-only folder and a read-only file are refused") {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "locked");
  const auto file = folder.file("locked/fixed", "old");
  ::chmod(file.c_str(), 0444);
  ::chmod((folder / "locked").c_str(), 0555);
  ::chmod(folder.path().c_str(), 0755);
  {
    const AsNobody nobody;
    if (!nobody.works()) {
      WARN("skipped: root writes everywhere");
      return;
    }
    CHECK_THAT(message_of<IoError>([&] { AtomicFile{folder / "locked" / "x"}; }),
               Contains("cannot create a file in the folder") && Contains("locked: Permission denied"));
    CHECK_THAT(message_of<IoError>([&] { AtomicFile{file}; }), Contains("cannot replace: Permission denied"));
  }
  ::chmod((folder / "locked").c_str(), 0755);
  CHECK(read_text_file(file) == "old");
}

TEST_CASE("a full disk leaves nothing half-written") {
  const TemporaryFolder folder;
  const auto path = folder.file("result", "old");
  const FileSizeLimit limit(100'000);
  const std::string big(1 << 20, 'x');
  CHECK_THAT(message_of<IoError>([&] {
               AtomicFile file(path);
               file.write(big);
               file.commit();
             }),
             Contains("result: cannot write: File too large"));
  CHECK_THAT(message_of<IoError>([&] {  // small writes reach the disk at the commit
               AtomicFile file(path);
               file.write(std::string_view(big).substr(0, 150'000));
               file.commit();
             }),
             Contains("cannot write"));
  CHECK(folder.names() == std::vector<std::string>{"result"});
  CHECK(read_text_file(path) == "old");
}

TEST_CASE("devices are written to, not replaced") {
  {
    AtomicFile null("/dev/null");
    null.write("gone");
    null.commit();
  }
  CHECK(std::filesystem::is_character_file("/dev/null"));
  if (!std::filesystem::is_character_file("/dev/full")) return;
  CHECK_THAT(message_of<IoError>([] {
               AtomicFile full("/dev/full");
               full.write("more than it takes");
               full.commit();
             }),
             Contains("/dev/full: cannot write: No space left on device"));
}

namespace {

/// A pipe, or a file opened for writing, as a parent would hand it down; closed at the end of its scope.
class Opened {
 public:
  explicit Opened(int descriptor) : descriptor_(descriptor) { REQUIRE(descriptor >= 0); }
  ~Opened() { ::close(descriptor_); }
  Opened(const Opened&) = delete;             // owns the descriptor
  Opened& operator=(const Opened&) = delete;  // likewise
  [[nodiscard]] std::string path(const char* folder = "/dev/fd/") const { return folder + std::to_string(descriptor_); }
  [[nodiscard]] int get() const { return descriptor_; }

 private:
  int descriptor_;
};

void write_to(const std::string& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

}  // namespace

TEST_CASE("an open descriptor is written to where it stands, and what it has open is not replaced") {
  const TemporaryFolder folder;
  const auto log = folder.file("log", "header\n");
  {
    const Opened appended(::open(log.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
    CHECK(is_stream(appended.path()));
    write_to(appended.path(), "one\n");
    write_to(appended.path("/proc/self/fd/"), "two\n");
    write_to(appended.path("/proc/thread-self/fd/"), "three\n");
    std::filesystem::create_symlink(appended.path(), folder / "link");
    write_to(folder / "link", "four\n");
    std::filesystem::remove(folder / "link");
  }
  CHECK(read_text_file(log) == "header\none\ntwo\nthree\nfour\n");
  CHECK(folder.names() == std::vector<std::string>{"log"});

  // As in { echo header; program -o /dev/stdout; echo footer; } > log: the place is shared.
  const Opened shared(::open(log.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
  REQUIRE(::write(shared.get(), "header\n", 7) == 7);
  write_to(shared.path(), "body\n");
  REQUIRE(::write(shared.get(), "footer\n", 7) == 7);
  CHECK(read_text_file(log) == "header\nbody\nfooter\n");
}

TEST_CASE("a pipe gets corrections too, and nothing of what is not committed") {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const Opened out(ends[0]);
  const Opened in(ends[1]);
  {
    AtomicFile dropped(in.path());
    dropped.write("dropped");
  }
  {
    AtomicFile file(in.path());
    file.write("0000 and the rest");
    file.write_at(0, std::as_bytes(std::span("1234", 4)));
    file.commit();
  }
  std::string got(100, ' ');
  got.resize(static_cast<std::size_t>(std::max<ssize_t>(0, ::read(out.get(), got.data(), got.size()))));
  CHECK(got == "1234 and the rest");

  AtomicFile plain(in.path());
  CHECK_THAT(message_of<InvalidArgument>([&] { (void)plain.temporary(); }), Contains("found a device, a pipe"));
}

TEST_CASE("descriptors that cannot be written to are named") {
  const TemporaryFolder folder;
  const auto path = folder.file("x", "kept");
  const Opened reading(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  CHECK_THAT(message_of<IoError>([&] { AtomicFile{reading.path()}; }), Contains("is open for reading only"));
  CHECK_THAT(message_of<IoError>([&] { (void)is_stream(reading.path()); }), Contains("is open for reading only"));
  CHECK_THAT(message_of<IoError>([] { AtomicFile{"/dev/fd/987"}; }), Contains("descriptor 987 is not open"));
  CHECK(read_text_file(path) == "kept");
  CHECK_FALSE(is_stream(path));
  CHECK_FALSE(is_stream(folder / "absent"));
  CHECK_FALSE(is_stream(folder / "12"));  // a number, in another folder
}

TEST_CASE("whoever may write to a device or a pipe needs no right to its folder") {
  const TemporaryFolder folder;
  const auto fifo = folder / "fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0666) == 0);
  ::chmod(fifo.c_str(), 0666);
  ::chmod(folder.path().c_str(), 0755);
  const Opened reader(::open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  {
    const AsNobody nobody;
    if (!nobody.works()) {
      WARN("skipped: root writes everywhere");
      return;
    }
    write_to("/dev/null", "gone");
    write_to(fifo, "through");
  }
  std::string got(10, ' ');
  got.resize(static_cast<std::size_t>(std::max<ssize_t>(0, ::read(reader.get(), got.data(), got.size()))));
  CHECK(got == "through");
  CHECK(folder.names() == std::vector<std::string>{"fifo"});
}
