// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

// Catch2 3 has no <catch2/catch.hpp>: this file stands for it there, and says under Catch2 2's names what the tests
// use.
#include <catch2/catch_all.hpp>
#include <cstdint>
#include <string>

using Catch::Approx;

namespace Catch {

using Matchers::EndsWith;
using Matchers::Matches;
using Matchers::StartsWith;
inline auto Contains(const std::string& text) { return Matchers::ContainsSubstring(text); }
inline std::uint32_t rngSeed() { return getSeed(); }

}  // namespace Catch
