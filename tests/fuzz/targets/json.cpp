// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/formats/json.hpp"

#include "fuzz/fuzz.hpp"
#include "twinpatch/evaluate/metrics.hpp"

namespace twinpatch::fuzz {
namespace {

/// Every question of every value is answered or refused.
void ask_all(const JsonValue& value) {
  (void)value.shown();
  refused([&] { (void)value.boolean(); });
  refused([&] { (void)value.integer(-5, 1'000'000); });
  refused([&] { (void)value.number(); });
  refused([&] { (void)value.text(); });
  refused([&] { (void)value.at("a"); });
  refused([&] { (void)value.at(std::size_t{3}); });
  require(value == value || value.is_number(), "a value that is not equal to itself");
  if (value.is_list()) {
    for (const auto& element : value.list()) ask_all(element);
  }
  if (value.is_object()) {
    for (const auto& [name, member] : value.members()) {
      require(value.find(name) == &member, "a member that is not found by its name");
      ask_all(member);
    }
  }
}

}  // namespace

void run_target(Bytes input) {
  refused([&] { ask_all(parse_json(as_text(input), "x", 12)); });
  refused([&] { (void)calibration_from_json(std::string(as_text(input))); });
}

}  // namespace twinpatch::fuzz
