// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/backend/options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "twinpatch/core/error.hpp"

namespace twinpatch {
namespace {

constexpr std::array<std::pair<Precision, const char*>, 6> kPrecisions{{{Precision::fp32, "fp32"},
                                                                        {Precision::tf32, "tf32"},
                                                                        {Precision::fp16, "fp16"},
                                                                        {Precision::bf16, "bf16"},
                                                                        {Precision::int8, "int8"},
                                                                        {Precision::automatic, "auto"}}};

constexpr std::array<std::pair<Kernels, const char*>, 3> kKernels{
    {{Kernels::automatic, "auto"}, {Kernels::library, "library"}, {Kernels::fused, "fused"}}};

constexpr std::array kScreenings{"auto", "off", "amx-int8", "avx512-vnni", "avx512", "avx-vnni", "avx2"};

template <class Table, class Value>
const char* name_of(const Table& table, Value wanted, const char* otherwise) {
  for (const auto& [value, name] : table) {
    if (value == wanted) return name;
  }
  return otherwise;
}

template <class Table>
auto value_of(const Table& table, const std::string& wanted, const char* what) {
  std::string known;
  for (const auto& [value, name] : table) {
    if (wanted == name) return value;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", name);
  }
  throw InvalidArgument(fmt::format("unknown {} \"{}\"; known: {}", what, wanted, known));
}

void check_not_negative(const char* name, std::int64_t value) {
  if (value < 0) throw InvalidArgument(fmt::format("{} must not be negative, got {}", name, value));
}

}  // namespace

const char* to_string(Precision precision) { return name_of(kPrecisions, precision, "unknown precision"); }
Precision parse_precision(const std::string& name) { return value_of(kPrecisions, name, "precision"); }

const char* to_string(Kernels kernels) { return name_of(kKernels, kernels, "unknown kernels"); }
Kernels parse_kernels(const std::string& name) { return value_of(kKernels, name, "kind of kernels"); }

std::string parse_screening(const std::string& name) {
  if (std::find(kScreenings.begin(), kScreenings.end(), name) != kScreenings.end()) return name;
  throw InvalidArgument(fmt::format("unknown screening \"{}\"; known: {}", name,
                                    fmt::join(kScreenings.begin(), kScreenings.end(), ", ")));
}

void ExecutionOptions::validate() const {
  check_not_negative("threads", threads);
  check_not_negative("memory", memory);
  check_not_negative("batch", batch);
  (void)parse_screening(screening);
  if (device.empty()) throw InvalidArgument("device must be named: auto, cpu, cuda, cuda:0 or cuda:0,1");
}

}  // namespace twinpatch
