// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <random>
#include <set>
#include <thread>

#include "collection/collection_support.hpp"
#include "support/temporary_folder.hpp"

using namespace twinpatch;
using namespace twinpatch::test;
using Catch::Contains;

namespace {

/// The program of run_program.cpp, running. What it says on standard error goes into a pipe: files may be bounded.
class Process {
 public:
  explicit Process(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), TWINPATCH_RUN_PROGRAM);
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    id_ = ::fork();
    if (id_ == 0) {
      ::dup2(ends[1], STDERR_FILENO);
      ::execv(pointers.front(), pointers.data());
      ::_exit(127);
    }
    ::close(ends[1]);
    errors_ = ends[0];
  }
  ~Process() { ::close(errors_); }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  void kill() const { ::kill(id_, SIGKILL); }
  /// Exit code, or 128 + signal.
  int wait() const {
    int status = 0;
    REQUIRE(::waitpid(id_, &status, 0) == id_);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }
  /// After wait().
  std::string errors() const {
    std::string text(4096, '\0');
    const ssize_t got = ::read(errors_, text.data(), text.size());
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(0, got)));
    return text;
  }

 private:
  pid_t id_ = -1;
  int errors_ = -1;
};

int run(const std::vector<std::string>& arguments) { return Process(arguments).wait(); }

std::size_t files_in(const std::filesystem::path& folder) {
  return std::filesystem::exists(folder / "blocks") ? block_files(folder).size() : 0;
}

}  // namespace

TEST_CASE("killed while images are added, a run ends in the bytes of an undisturbed one") {
  const TemporaryFolder folder;
  const auto add = [&](const char* to) { return std::vector<std::string>{(folder / to).string(), "21", "1/1"}; };
  REQUIRE(run({(folder / "straight").string(), "15", "1/1"}) == 0);
  std::filesystem::copy(folder / "straight", folder / "killed", std::filesystem::copy_options::recursive);
  REQUIRE(run(add("straight")) == 0);
  const auto expected = block_files(folder / "straight");
  Random random(4);
  std::set<std::size_t> reached;
  double longest = 0.1;  // seconds; longer where nothing was got done, as on a busy machine
  for (int kills = 0; kills < 12 || (reached.size() <= 2 && kills < 60); ++kills) {
    const std::size_t before = files_in(folder / "killed");
    std::vector<std::string> slowly = add("killed");
    slowly.insert(slowly.end(), {"0", "15"});
    const Process process(slowly);
    std::this_thread::sleep_for(std::chrono::duration<double>(random.uniform(longest / 5, longest)));
    process.kill();
    process.wait();
    const std::size_t now = files_in(folder / "killed");
    reached.insert(now);
    if (now == before) longest *= 1.3;
  }
  CHECK(reached.size() > 2);
  REQUIRE(run(add("killed")) == 0);
  CHECK(block_files(folder / "killed") == expected);
  CHECK(read_plan(folder / "killed" / "plan.json").generation() == 1);
}

TEST_CASE("killed fifty times at random points, a run ends in the bytes of an undisturbed one") {
  const TemporaryFolder folder;
  const std::string images = "45";
  const auto start = std::chrono::steady_clock::now();
  REQUIRE(run({(folder / "straight").string(), images, "1/1"}) == 0);
  const double whole = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const auto expected = block_files(folder / "straight");
  REQUIRE(expected.size() > 60);

  // Kills fall anywhere from the start of the process on. Later and later ones where nothing was got done, so that they
  // meet the work and not the start of the process alone, which takes longer than the work on a fast machine.
  Random random(std::random_device{}());
  const std::string target = (folder / "killed").string();
  int kills = 0;
  int met_work = 0;
  double longest = whole / 20;
  for (int tries = 0; (kills < 50 || met_work <= 5) && tries < 400; ++tries) {
    const std::size_t before = files_in(target);
    const Process process({target, images, "1/1"});
    std::this_thread::sleep_for(std::chrono::duration<double>(random.uniform(0, longest)));
    process.kill();
    const int code = process.wait();
    if (code == 0) {  // it was done before it was killed: begin anew with shorter lives
      std::filesystem::remove_all(target);
      longest *= 0.7;
      continue;
    }
    REQUIRE(code == 128 + SIGKILL);
    ++kills;
    const std::size_t now = files_in(target);
    met_work += now > before && now < expected.size() ? 1 : 0;
    if (now == before) longest = std::min(1.2 * longest, whole);
  }
  REQUIRE(kills >= 50);
  CHECK(met_work > 5);
  REQUIRE(run({target, images, "1/1"}) == 0);
  CHECK(block_files(target) == expected);
  CHECK(merge_runs({target}, target).digest == merge_runs({folder / "straight"}, folder / "straight").digest);
}

TEST_CASE("a full disk is an error that names the file, what was finished stays, and the run goes on") {
  const TemporaryFolder folder;
  const std::string target = (folder / "run").string();
  REQUIRE(run({(folder / "straight").string(), "20", "1/1"}) == 0);
  const auto expected = block_files(folder / "straight");
  std::vector<std::size_t> sizes;
  for (const auto& [name, content] : expected) sizes.push_back(content.size());
  std::sort(sizes.begin(), sizes.end());
  std::size_t before = 0;
  for (const std::uintmax_t limit : {std::uintmax_t{400}, std::uintmax_t{sizes.front() + 1}, sizes.back() - 1}) {
    if (limit != 400) {  // past the plan, which is larger than any block
      std::filesystem::copy_file(folder / "straight" / "plan.json", folder / "run" / "plan.json",
                                 std::filesystem::copy_options::skip_existing);
    }
    const Process process({target, "20", "1/1", std::to_string(limit)});
    REQUIRE(process.wait() == 1);
    CHECK_THAT(process.errors(), Contains("cannot write") && Contains(target));
    for (const auto& entry : std::filesystem::recursive_directory_iterator(target)) {
      CHECK_THAT(entry.path().filename().string(), !Contains(".tmp"));
    }
    CHECK(files_in(target) >= before);
    before = files_in(target);
  }
  REQUIRE(run({target, "20", "1/1"}) == 0);
  CHECK(block_files(target) == expected);
}

TEST_CASE("two processes may do the same shard at once, as a requeued task and its ghost do") {
  const TemporaryFolder folder;
  REQUIRE(run({(folder / "straight").string(), "25", "1/1"}) == 0);
  const std::string target = (folder / "both").string();
  const Process one({target, "25", "1/1"});
  const Process two({target, "25", "1/1"});
  CHECK(one.wait() == 0);
  CHECK(two.wait() == 0);
  CHECK(block_files(target) == block_files(folder / "straight"));
}
