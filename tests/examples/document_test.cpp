// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0

// docs/api.md shows the examples' own text: after a line "<!-- examples/FILE -->" a block of code that is FILE without
// its two lines of licence.

#include <catch2/catch.hpp>
#include <filesystem>
#include <set>

#include "twinpatch/core/file.hpp"

namespace {

const std::filesystem::path kSource = TWINPATCH_SOURCE;

/// The file without its first `lines` lines and the empty ones after them.
std::string without_head(std::string text, int lines) {
  for (int i = 0; i < lines; ++i) text.erase(0, text.find('\n') + 1);
  return text.substr(text.find_first_not_of('\n'));
}

}  // namespace

TEST_CASE("docs/api.md shows the examples as they are") {
  const std::string document = twinpatch::read_text_file(kSource / "docs/api.md");
  const std::string mark = "<!-- examples/";
  std::set<std::string> shown;
  for (std::size_t at = document.find(mark); at != std::string::npos; at = document.find(mark, at + 1)) {
    const std::size_t name_at = at + mark.size();
    const std::string name = document.substr(name_at, document.find(" -->", name_at) - name_at);
    INFO("docs/api.md shows examples/" << name);
    const std::size_t begin = document.find("```cpp\n", at);
    REQUIRE(begin != std::string::npos);
    const std::size_t end = document.find("```\n", begin + 7);
    REQUIRE(end != std::string::npos);
    const std::string file = twinpatch::read_text_file(kSource / "examples" / name);
    CHECK(document.substr(begin + 7, end - begin - 7) == without_head(file, 2));
    shown.insert(name);
  }
  for (const auto& entry : std::filesystem::directory_iterator(kSource / "examples")) {
    const std::string name = entry.path().filename().string();
    if (entry.is_regular_file() && name != "CMakeLists.txt") CHECK(shown.contains(name));
  }
}
