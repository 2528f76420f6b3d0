// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/backend/options.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "twinpatch/core/error.hpp"

namespace twinpatch {
namespace {

constexpr std::array<std::pair<Precision, const char*>, 5> kPrecisions{{{Precision::fp32, "fp32"},
                                                                        {Precision::tf32, "tf32"},
                                                                        {Precision::fp16, "fp16"},
                                                                        {Precision::bf16, "bf16"},
                                                                        {Precision::int8, "int8"}}};

void check_not_negative(const char* name, std::int64_t value) {
  if (value < 0) throw InvalidArgument(fmt::format("{} must not be negative, got {}", name, value));
}

}  // namespace

const char* to_string(Precision precision) {
  for (const auto& [value, name] : kPrecisions) {
    if (value == precision) return name;
  }
  return "unknown precision";
}

Precision parse_precision(const std::string& name) {
  std::string known;
  for (const auto& [value, its_name] : kPrecisions) {
    if (name == its_name) return value;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", its_name);
  }
  throw InvalidArgument(fmt::format("unknown precision \"{}\"; known: {}", name, known));
}

void ExecutionOptions::validate() const {
  check_not_negative("threads", threads);
  check_not_negative("memory", memory);
  check_not_negative("batch", batch);
  if (device.empty()) throw InvalidArgument("device must be named: auto, cpu, cuda, cuda:0 or cuda:0,1");
}

}  // namespace twinpatch
