// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "kernels/screen_kernels.hpp"
#include "support/backend_rig.hpp"
#include "support/instruction_set.hpp"
#include "support/small_networks.hpp"

namespace twinpatch::test {

/// Calls body(name) for every screen that this processor has, with the instruction set of its panels.
template <class Body>
void for_each_screen(const Body& body) {
  for (const std::int64_t target : highway_targets()) {
    const OnlyTarget instruction_set(target);
    for (const char* const name : cpu::screen_kernel_names()) {
      if (cpu::screen_kernels(name) == nullptr) continue;
      INFO("screened with " << name);
      body(std::string(name));
    }
  }
}

inline ExecutionOptions screened_with(const std::string& name, int threads = 2) {
  ExecutionOptions options = cpu_options(threads);
  options.screening = name;
  return options;
}

/// Descriptors that are hard to screen.
struct HardRows {
  const char* name;
  Matrix (*make)(std::int64_t count, int length, std::uint64_t seed);
};

namespace hard_rows {

inline Matrix scaled(Matrix rows, double factor) {
  for (float& value : rows.span()) value = static_cast<float>(factor * double{value});
  return rows;
}

/// Unit vectors, a quarter of them copies of others or nearly so.
inline Matrix random(std::int64_t count, int length, std::uint64_t seed) {
  return some_descriptors(count, length, seed, true);
}
/// Six centres, the same on both sides, with noise below what 8 bits tell apart.
inline Matrix clustered(std::int64_t count, int length, std::uint64_t seed) {
  Random noise(seed);
  const Matrix centres = some_descriptors(6, length, 99, true);
  Matrix rows(count, length);
  for (std::int64_t i = 0; i < count; ++i) {
    const auto centre = centres.row(noise.below(6));
    for (std::size_t k = 0; k < centre.size(); ++k) {
      rows.row(i)[k] = static_cast<float>(double{centre[k]} + 1e-4 * noise.normal());
    }
  }
  return rows;
}
inline Matrix all_equal(std::int64_t count, int length, std::uint64_t /*seed*/) {
  Matrix rows(count, length);
  std::fill(rows.span().begin(), rows.span().end(), 0.25F);
  return rows;
}
inline Matrix zeros(std::int64_t count, int length, std::uint64_t /*seed*/) {
  Matrix rows(count, length);
  std::fill(rows.span().begin(), rows.span().end(), 0.0F);
  return rows;
}
/// Few whole numbers: ties everywhere, and no rounding.
inline Matrix ties(std::int64_t count, int length, std::uint64_t seed) {
  Random random(seed);
  Matrix rows(count, length);
  for (float& value : rows.span()) value = static_cast<float>(random.below(3) - 1);
  return rows;
}
inline Matrix denormal(std::int64_t count, int length, std::uint64_t seed) {
  return scaled(some_descriptors(count, length, seed, true), 1e-39);
}
/// Some rows are denormal, some zero, the others units.
inline Matrix partly_denormal(std::int64_t count, int length, std::uint64_t seed) {
  Matrix rows = some_descriptors(count, length, seed, true);
  for (std::int64_t i = 0; i < count; i += 3) {
    for (float& value : rows.row(i)) value *= i % 2 == 0 ? 1e-39F : 0.0F;
  }
  return rows;
}
/// Beside rows of norm 10⁻¹¹ some whose squares leave single precision.
inline Matrix tiny(std::int64_t count, int length, std::uint64_t seed) {
  Matrix rows = scaled(some_descriptors(count, length, seed, true), 1e-11);
  for (std::int64_t i = 0; i < count; i += 2) {
    for (float& value : rows.row(i)) value *= i % 4 == 0 ? 1e-3F : 1e-14F;
  }
  return rows;
}
/// Norms from 10⁻³ to 10³.
inline Matrix norms(std::int64_t count, int length, std::uint64_t seed) {
  Matrix rows = some_descriptors(count, length, seed, true);
  for (std::int64_t i = 0; i < count; ++i) {
    for (float& value : rows.row(i)) value *= std::pow(10.0F, static_cast<float>(i % 7 - 3));
  }
  return rows;
}
inline Matrix huge(std::int64_t count, int length, std::uint64_t seed) {
  return scaled(some_descriptors(count, length, seed, true), 1e15);
}
/// One row is so much larger that nothing is left of the others.
inline Matrix outlier(std::int64_t count, int length, std::uint64_t seed) {
  Matrix rows = some_descriptors(count, length, seed, true);
  if (count > 2) {
    for (float& value : rows.row(2)) value *= 1000.0F;
  }
  return rows;
}
/// Positive values with a common part, as a network that ends with a ReLU gives.
inline Matrix positive(std::int64_t count, int length, std::uint64_t seed) {
  Matrix rows = some_descriptors(count, length, seed, true);
  for (float& value : rows.span()) value = std::fabs(value) + 0.5F;
  return rows;
}

}  // namespace hard_rows

inline std::vector<HardRows> hard_rows_to_screen() {
  return {{"random", hard_rows::random},
          {"clustered", hard_rows::clustered},
          {"all equal", hard_rows::all_equal},
          {"zeros", hard_rows::zeros},
          {"ties", hard_rows::ties},
          {"denormal", hard_rows::denormal},
          {"partly denormal", hard_rows::partly_denormal},
          {"tiny", hard_rows::tiny},
          {"norms", hard_rows::norms},
          {"huge", hard_rows::huge},
          {"outlier", hard_rows::outlier},
          {"positive", hard_rows::positive}};
}

}  // namespace twinpatch::test
