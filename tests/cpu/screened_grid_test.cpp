// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <cstring>
#include <limits>
#include <utility>

#include "screen_support.hpp"

// Screened grids keep what grids in full precision keep, bit for bit.

namespace twinpatch::test {
namespace {

template <class T>
bool same_bits(const Buffer<T>& a, const Buffer<T>& b) {
  return a.size() == b.size() &&
         (a.size() == 0 || std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.bytes())) == 0);
}

void expect_same_bits(const Selected& got, const Selected& expected) {
  CHECK(same_bits(got.indices, expected.indices));
  CHECK(same_bits(got.scores, expected.scores));
  CHECK(same_bits(got.column_indices, expected.column_indices));
  CHECK(same_bits(got.column_scores, expected.column_scores));
}

/// Decisions that are screened.
std::vector<std::pair<const char*, NetworkSpec>> screened_specs(int length) {
  return {{"l2", small_spec(length, DecisionMetric{DecisionMetric::Kind::l2, true})},
          {"cosine", small_spec(length, DecisionMetric{DecisionMetric::Kind::cosine, true})},
          {"a head", small_spec(length, two_layer_head(length, 2 * length + 3))}};
}

struct Case {
  std::int64_t rows, columns;
  SelectionRequest request;
};

/// Sides of 0, 1, one less and more than a strip (64) and a panel (48 or 16); all a selection can be asked for.
std::vector<Case> small_cases() {
  const auto with = [](int top_k, bool column_best, std::vector<std::int64_t> segments = {}) {
    SelectionRequest request{.top_k = top_k, .column_best = column_best};
    request.segments = std::move(segments);
    return request;
  };
  return {{0, 5, with(1, true)},
          {5, 0, with(2, true)},
          {1, 1, with(2, true)},
          {1, 49, with(1, true)},
          {65, 1, with(1, true)},
          {63, 47, with(2, true)},
          {64, 48, with(3, false)},
          {65, 97, with(9, true)},
          {33, 17, with(20, false)},
          {70, 133, with(2, true, {0, 0, 50, 51, 133})},
          {129, 255, with(1, true, {0, 100})}};
}

Matrix copy(const Matrix& from) {
  Matrix to(from.rows(), from.columns());
  std::copy_n(from.data(), from.size(), to.data());
  return to;
}

}  // namespace

TEST_CASE("what a screened grid keeps is that of full precision, bit for bit") {
  for_each_screen([](const std::string& name) {
    for (const int length : {1, 13, 64}) {
      for (const auto& [decision, spec] : screened_specs(length)) {
        const auto model = shared_model(spec);
        const Rig full = cpu_rig(model, screened_with("off"));
        const Rig screened = cpu_rig(model, screened_with(name));
        for (const HardRows& kind : hard_rows_to_screen()) {
          for (const Case& one : small_cases()) {
            INFO(decision << " of " << length << ", " << kind.name << ", " << one.rows << " × " << one.columns
                          << ", top " << one.request.top_k);
            const Matrix left = kind.make(one.rows, length, 5);
            const Matrix right = kind.make(one.columns, length, 6);
            expect_same_bits(screened.select(left.view(), right.view(), one.request, 1000, 1000),
                             full.select(left.view(), right.view(), one.request, 1000, 1000));
          }
        }
      }
    }
  });
}

TEST_CASE("a screened grid in tiles, with thresholds, or of rows within a rounding of each other, keeps the same") {
  for_each_screen([](const std::string& name) {
    constexpr int kLength = 40;
    for (const auto& [decision, spec] : screened_specs(kLength)) {
      INFO(decision);
      const auto model = shared_model(spec);
      const Rig full = cpu_rig(model, screened_with("off"));
      const Rig screened = cpu_rig(model, screened_with(name, 3));
      const Matrix left = some_descriptors(300, kLength, 21, true);
      const Matrix right = some_descriptors(700, kLength, 22, true);
      SelectionRequest request{.top_k = 2, .column_best = true};
      const Selected expected = full.select(left.view(), right.view(), request, 1000, 1000);
      expect_same_bits(screened.select(left.view(), right.view(), request, 1000, 1000), expected);
      expect_same_bits(screened.select(left.view(), right.view(), request, 77, 150), expected);
      for (const float threshold : {expected.scores[40], expected.scores[41], 0.0F, 1e30F}) {
        request.threshold = threshold;
        expect_same_bits(screened.select(left.view(), right.view(), request, 1000, 1000),
                         full.select(left.view(), right.view(), request, 1000, 1000));
      }
      // Columns that differ in the last bit of one value: which is best shows in full precision alone.
      Matrix near = copy(right);
      for (std::int64_t j = 1; j < near.rows(); ++j) {
        std::copy_n(near.row(0).data(), kLength, near.row(j).data());
        float& value = near.row(j)[static_cast<std::size_t>(j % kLength)];
        value = std::nextafter(value, j % 2 == 0 ? 2.0F : -2.0F);
      }
      request.threshold = -std::numeric_limits<float>::infinity();
      expect_same_bits(screened.select(left.view(), near.view(), request, 1000, 1000),
                       full.select(left.view(), near.view(), request, 1000, 1000));
    }
  });
}

TEST_CASE("a head whose weights are zero, tiny or large is screened to the same") {
  for_each_screen([](const std::string& name) {
    for (const float largest : {1.0F, 1e20F}) {
      constexpr std::size_t kLength = 24;
      Model changed = random_model(small_spec(kLength, two_layer_head(kLength, 50)), 9);
      auto& first = changed.weights.at(decision_prefix(0) + "weight").values;
      auto& second = changed.weights.at(decision_prefix(2) + "weight").values;
      second[3] = 0;
      second[4] = 1e-33F;
      second[5] = 1e-40F;
      second[6] = largest;
      // Units 3 to 5 have large values that hardly count; of unit 7 all values are one.
      for (std::size_t k = 0; k < 2 * kLength; ++k) {
        for (const std::size_t unit : {3, 4, 5}) first[unit * 2 * kLength + k] = 1e20F;
        first[7 * 2 * kLength + k] = 0;
      }
      const auto model = std::make_shared<const Model>(std::move(changed));
      const Matrix left = some_descriptors(130, kLength, 41, true);
      const Matrix right = some_descriptors(300, kLength, 42, true);
      const SelectionRequest request{.top_k = 2, .column_best = true};
      expect_same_bits(cpu_rig(model, screened_with(name)).select(left.view(), right.view(), request, 1000, 1000),
                       cpu_rig(model, screened_with("off")).select(left.view(), right.view(), request, 1000, 1000));
    }
  });
}

TEST_CASE("a score that is not finite is refused as in full precision") {
  for_each_screen([](const std::string& name) {
    const auto model = shared_model(small_spec(8, DecisionMetric{DecisionMetric::Kind::cosine, false}));
    Matrix left = some_descriptors(70, 8, 31, true);
    Matrix right = some_descriptors(90, 8, 32, true);
    for (std::int64_t j = 0; j < right.rows(); ++j) right.row(j)[0] = 0;
    std::fill(left.row(66).begin(), left.row(66).end(), 0.0F);
    left.row(66)[0] = 3e38F;
    Matrix far = copy(right);
    far.row(50)[0] = 3e38F;
    const auto message = [&](const std::string& screening, const Matrix& columns) -> std::string {
      const Rig rig = cpu_rig(model, screened_with(screening, 1));
      try {
        (void)rig.select(left.view(), columns.view(), {.top_k = 2, .column_best = true}, 1000, 1000);
      } catch (const NotFinite& error) {
        return error.what();
      }
      return "none";
    };
    CHECK(message(name, far) == message("off", far));
    CHECK(message(name, far).find("left patch 66 and right patch 50") != std::string::npos);
    CHECK(message(name, right) == "none");
  });
}

TEST_CASE("few pairs of a screened grid are scored again") {
  for_each_screen([](const std::string& name) {
    for (const auto& [decision, spec] : screened_specs(64)) {
      INFO(decision);
      const Rig rig = cpu_rig(shared_model(spec), screened_with(name));
      Matrix left(600, 64);
      Matrix right(2000, 64);
      for (Matrix* side : {&left, &right}) {
        const auto values = normal_floats(side->size(), side == &left ? 51 : 52, 0.125);
        std::copy(values.begin(), values.end(), side->data());
      }
      (void)rig.select(left.view(), right.view(), {.top_k = 2, .column_best = true}, 4000, 4000);
      const auto summaries = rig.backend->summaries();
      REQUIRE(summaries.size() == 1);
      CHECK(summaries[0].screening == name);
      CHECK(summaries[0].screened == 600 * 2000);
      CHECK(summaries[0].rescored >= 600 * 2);
      CHECK(static_cast<double>(summaries[0].rescored) < 0.04 * 600 * 2000);
      const auto lines = summaries[0].text();
      REQUIRE(lines.size() == 1);
      CHECK(lines[0].find("cpu: 1.20 M pairs searched in 8 bits (" + name + "), ") == 0);
    }
  });
}

TEST_CASE("a screen is chosen by name, and one that is not there is refused") {
  const auto with = [](const std::string& name) { return make_cpu_backend(screened_with(name)); };
  CHECK_THROWS_WITH(with("sse9"),
                    "unknown screening \"sse9\"; known: auto, off, amx-int8, avx512-vnni, avx512, "
                    "avx-vnni, avx2");
  for (const std::int64_t target : highway_targets()) {
    const OnlyTarget instruction_set(target);
    for (const char* const name : cpu::screen_kernel_names()) {
      CHECK(parse_screening(name) == name);
      if (cpu::screen_kernels(name) == nullptr) {
        CHECK_THROWS_AS(with(name), DeviceError);
        CHECK_THROWS_WITH(with(name), Catch::StartsWith("this processor cannot screen with " + std::string(name) +
                                                        "; it has: auto, off"));
      } else {
        CHECK_NOTHROW(with(name));
      }
    }
    CHECK_NOTHROW(with("auto"));
    CHECK(with("off")->summaries().empty());
  }
}

}  // namespace twinpatch::test
