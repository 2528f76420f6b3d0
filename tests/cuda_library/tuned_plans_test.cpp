// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "library/tuned_plans.hpp"

#include <catch2/catch.hpp>

#include "library/libraries.hpp"
#include "support/message.hpp"
#include "support/random.hpp"
#include "support/temporary_folder.hpp"
#include "twinpatch/core/file.hpp"

namespace twinpatch::test {
namespace {

using cuda::TunedPlan;
using cuda::TunedPlans;

const std::string kKey = "a card sm_90 132 SMs, cuDNN 91900; conv n1024 …";

TunedPlan some_plan() {
  return {{{7, R"({"engineId": 51, "text": "\"quoted\" \\ and\nlines"})"}, {8, "second"}}, 12.5};
}

}  // namespace

TEST_CASE("a plan is kept and found again, by its key alone") {
  const TemporaryFolder folder;
  std::vector<std::string> lines;
  const TunedPlans cache(folder.path() / "new" / "plans", [&](const std::string& line) { lines.push_back(line); });
  CHECK_FALSE(cache.load(kKey));
  cache.store(kKey, some_plan());
  CHECK(cache.load(kKey) == some_plan());
  CHECK_FALSE(cache.load(kKey + " other"));
  CHECK(lines.empty());
  TunedPlan other = some_plan();
  other.stages.pop_back();
  cache.store(kKey, other);
  CHECK(cache.load(kKey) == other);
}

TEST_CASE("a kept plan that is damaged in any way is ignored with a line, and replaced") {
  const TemporaryFolder folder;
  std::vector<std::string> lines;
  const TunedPlans cache(folder.path(), [&](const std::string& line) { lines.push_back(line); });
  cache.store(kKey, some_plan());
  const std::string name = cache.file(kKey).filename().string();
  const std::string whole = read_text_file(cache.file(kKey));
  Random random(3);
  std::size_t refused = 0;
  std::size_t tried = 0;
  const auto attempt = [&](const std::string& text) {
    folder.file(name, text);
    lines.clear();
    const auto found = cache.load(kKey);
    ++tried;
    if (!found) {
      ++refused;
      CHECK(lines.size() == 1);
      CHECK(lines.front().find(name) != std::string::npos);
      CHECK(lines.front().find('\n') == std::string::npos);
    } else {
      CHECK(found->stages == some_plan().stages);  // harmless: white space, or the time that people read
    }
  };
  for (std::size_t length = 0; length + 2 < whole.size(); ++length) attempt(whole.substr(0, length));
  CHECK(refused == tried);
  for (int i = 0; i < 300; ++i) {
    std::string changed = whole;
    changed[static_cast<std::size_t>(random.below(static_cast<std::int64_t>(whole.size())))] ^=
        static_cast<char>(1 + random.below(255));
    attempt(changed);
  }
  for (const char* text : {"[]", "{}", "null", R"({"twinpatch_plan": 2})", R"({"twinpatch_plan": 1, "key": 5})"}) {
    attempt(text);
  }
  // A file of another key under this name.
  attempt(cuda::to_json("another key", some_plan()));
  CHECK(lines.front().find("another key") != std::string::npos);
  cache.store(kKey, some_plan());
  CHECK(cache.load(kKey) == some_plan());
}

TEST_CASE("a folder that cannot be written costs a line, no run") {
  const TemporaryFolder folder;
  folder.file("in the way", "a file");
  std::vector<std::string> lines;
  const TunedPlans cache(folder.path() / "in the way" / "plans",
                         [&](const std::string& line) { lines.push_back(line); });
  cache.store(kKey, some_plan());
  CHECK(lines.size() == 1);
  CHECK_FALSE(cache.load(kKey));
  const TunedPlans none({}, {});
  none.store(kKey, some_plan());
  CHECK_FALSE(none.load(kKey));
}

TEST_CASE("where plans are kept") {
  const auto with = [](const char* own, const char* user, const char* home) {
    const auto put = [](const char* name, const char* value) {
      if (value == nullptr)
        ::unsetenv(name);
      else
        ::setenv(name, value, 1);
    };
    put("TWINPATCH_CACHE", own);
    put("XDG_CACHE_HOME", user);
    put("HOME", home);
    return cuda::tuned_plans_folder();
  };
  CHECK(with("/own", "/user", "/home") == "/own/plans");
  CHECK(with(nullptr, "/user", "/home") == "/user/twinpatch/plans");
  CHECK(with("", "", "/home") == "/home/.cache/twinpatch/plans");
  CHECK(with(nullptr, nullptr, nullptr).empty());
}

}  // namespace twinpatch::test
