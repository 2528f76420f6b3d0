// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <numbers>

#include "twinpatch/core/split_mix.hpp"
#include "twinpatch/net/model.hpp"

namespace twinpatch {
namespace {

/// Normal values (Box-Muller).
class Normal {
 public:
  explicit Normal(std::uint64_t seed) : random_(seed) {}

  float operator()(double mean, double deviation) {
    if (has_spare_) {
      has_spare_ = false;
      return static_cast<float>(mean + deviation * spare_);
    }
    const double radius = std::sqrt(-2 * std::log(uniform()));
    const double angle = 2 * std::numbers::pi * uniform();
    spare_ = radius * std::sin(angle);
    has_spare_ = true;
    return static_cast<float>(mean + deviation * radius * std::cos(angle));
  }

 private:
  /// In (0, 1].
  double uniform() { return random_.uniform() + 0x1.0p-53; }

  SplitMix64 random_;
  double spare_ = 0;
  bool has_spare_ = false;
};

Tensor draw(const WeightShape& weight, Normal& normal) {
  Tensor tensor{.shape = weight.shape, .values = {}};
  std::int64_t fan_in = 1;
  for (std::size_t i = 1; i < weight.shape.size(); ++i) fan_in *= weight.shape[i];
  tensor.values.resize(static_cast<std::size_t>(fan_in * weight.shape[0]));
  const bool gain = weight.name.ends_with(".weight") && weight.shape.size() == 1;
  const bool variance = weight.name.ends_with(".running_var");
  const double deviation = weight.shape.size() > 1 ? std::sqrt(2.0 / static_cast<double>(fan_in)) : 0.05;
  for (float& value : tensor.values) {
    value = normal(gain || variance ? 1.0 : 0.0, deviation);
    // A weight of zero would hide a layer that is not applied, a variance of zero would not be one.
    if (value == 0) value = static_cast<float>(deviation);
    if (variance) value = std::abs(value) + 0.1F;
  }
  return tensor;
}

}  // namespace

Model random_model(const NetworkSpec& spec, std::uint64_t seed) {
  check(spec);
  Model model{.spec = spec, .weights = {}, .metadata = {}};
  Normal normal(seed);
  for (const WeightShape& weight : weight_shapes(spec)) model.weights.emplace(weight.name, draw(weight, normal));
  return model;
}

}  // namespace twinpatch
