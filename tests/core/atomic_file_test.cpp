// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>

#include "support/message.hpp"
#include "support/temporary_folder.hpp"
#include "twinpatch/core/file.hpp"

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
