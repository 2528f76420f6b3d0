// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/net/spec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "layers.hpp"
#include "limits.hpp"
#include "twinpatch/core/checked.hpp"

namespace twinpatch {
namespace {

bool is_pyramid(const Layer& layer) { return std::holds_alternative<SpatialPyramid>(layer); }

/// Runs `visit(layer, input shape)` over a chain and returns its output. `where` names the chain in messages.
template <class Visit>
Shape walk(const std::vector<Layer>& layers, Shape shape, const std::string& where, const Visit& visit) {
  for (std::size_t i = 0; i < layers.size(); ++i) {
    try {
      const Shape output = output_shape(layers[i], shape);
      visit(layers[i], shape);
      shape = output;
    } catch (const ShapeError& error) {
      throw ShapeError(fmt::format("{}, layer {}: {}", where, i, error.what()));
    }
  }
  return shape;
}

std::string stream_name(const NetworkSpec& spec, std::size_t stream) {
  return fmt::format("network {}, stream {}", spec.name, stream);
}

/// Length of the branch's vector for patches of `input` size.
template <class Visit>
std::int64_t walk_branch(const NetworkSpec& spec, Extent input, const Visit& visit) {
  std::int64_t length = 0;
  for (std::size_t s = 0; s < spec.streams.size(); ++s) {
    const Shape start = stream_input(spec, spec.streams[s], input);
    length = checked_add(length, walk(spec.streams[s].layers, start, stream_name(spec, s), visit).size());
  }
  return length;
}

constexpr auto kNothing = [](const Layer&, Shape) {};

void require(bool condition, const NetworkSpec& spec, const std::string& what) {
  if (!condition) throw ShapeError(fmt::format("network {}: {}", spec.name, what));
}

void check_input(const NetworkSpec& spec) {
  const Extent size = spec.input.value_or(spec.minimum_input);
  require(size.height >= 1 && size.width >= 1 && size.height <= limits::kExtent && size.width <= limits::kExtent, spec,
          fmt::format("input must be 1×1 to {0}×{0}, found {1}×{2}", limits::kExtent, size.height, size.width));
  const Normalisation& rule = spec.normalisation;
  require(std::isfinite(rule.scale) && rule.scale > 0, spec,
          fmt::format("the scale of the grey levels must be positive, found {}", rule.scale));
  require(std::isfinite(rule.deviation_epsilon) && rule.deviation_epsilon > 0, spec,
          fmt::format("deviation_epsilon must be positive, found {}", rule.deviation_epsilon));
}

void check_streams(const NetworkSpec& spec) {
  require(!spec.streams.empty() && spec.streams.size() <= limits::kStreams, spec,
          fmt::format("must have 1 to {} streams, found {}", limits::kStreams, spec.streams.size()));
  for (std::size_t s = 0; s < spec.streams.size(); ++s) {
    const auto& layers = spec.streams[s].layers;
    require(!layers.empty() && layers.size() <= limits::kLayers, spec,
            fmt::format("stream {} must have 1 to {} layers, found {}", s, limits::kLayers, layers.size()));
    if (spec.input) continue;
    const auto pyramid = std::find_if(layers.begin(), layers.end(), is_pyramid);
    require(pyramid != layers.end(), spec, fmt::format("any input size needs a spatial pyramid in stream {}", s));
    require(
        std::none_of(layers.begin(), pyramid, [](const Layer& layer) { return std::holds_alternative<Linear>(layer); }),
        spec, fmt::format("any input size needs the pyramid of stream {} before its first linear layer", s));
  }
}

void check_decision(const NetworkSpec& spec, std::int64_t width) {
  const auto* decision = std::get_if<DecisionLayers>(&spec.decision);
  if (decision == nullptr) {
    require(spec.coupling != Coupling::two_channel, spec,
            "a 2-channel network has one vector per pair, so its score cannot be a distance");
    return;
  }
  const auto& layers = decision->layers;
  require(!layers.empty() && layers.size() <= limits::kLayers, spec,
          fmt::format("the decision part must have 1 to {} layers, found {}", limits::kLayers, layers.size()));
  // The engines split the first layer by patch (W·[a;b] = W₁a + W₂b) and fold normalisations into the layer before.
  require(std::holds_alternative<Linear>(layers.front()), spec, "the decision part must begin with a linear layer");
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const bool linear = std::holds_alternative<Linear>(layers[i]);
    const bool normalisation = std::holds_alternative<BatchNormalisation>(layers[i]);
    require(
        linear || normalisation || std::holds_alternative<Activation>(layers[i]), spec,
        fmt::format("decision layer {}: must be linear, activation or batch norm, found {}", i, describe(layers[i])));
    require(!normalisation || std::holds_alternative<Linear>(layers[i - 1]), spec,
            fmt::format("decision layer {}: a batch norm must follow a linear layer", i));
  }
  require(width <= limits::kLinearIn, spec, fmt::format("a decision part on {} values is too wide", width));
  const Shape output =
      walk(layers, {static_cast<int>(width), 1, 1}, fmt::format("network {}, decision part", spec.name), kNothing);
  require(output.size() == 1, spec, fmt::format("must end in one score, ends in {}", output.size()));
}

}  // namespace

namespace net {

Extent example_input(const NetworkSpec& spec) {
  if (spec.input) return *spec.input;
  return {std::max(64, spec.minimum_input.height), std::max(64, spec.minimum_input.width)};
}

std::int64_t decision_width(const NetworkSpec& spec) {
  return checked_multiply(branch_size(spec), spec.coupling == Coupling::two_channel ? 1 : 2);
}

}  // namespace net

Shape stream_input(const NetworkSpec& spec, const Stream& stream, Extent input) {
  Shape shape{spec.coupling == Coupling::two_channel ? 2 : 1, input.height, input.width};
  if (stream.view.kind != StreamView::Kind::whole) {  // half of the rows and columns either way
    shape.height /= 2;
    shape.width /= 2;
  }
  if (shape.height < 1 || shape.width < 1) {
    throw ShapeError(
        fmt::format("network {}: a patch of {}×{} is too small for its streams", spec.name, input.height, input.width));
  }
  return shape;
}

std::int64_t branch_size(const NetworkSpec& spec) {
  return walk_branch(spec, spec.input.value_or(spec.minimum_input), kNothing);
}

void check(const NetworkSpec& spec) {
  require(!spec.name.empty() && spec.name.size() <= limits::kName, spec,
          fmt::format("a name must have 1 to {} bytes", limits::kName));
  require(spec.summary.size() <= limits::kSummary, spec,
          fmt::format("a summary must have at most {} bytes", limits::kSummary));
  require(one_line(spec.name) == spec.name && one_line(spec.summary) == spec.summary, spec,
          "a name or a summary must not have control characters");
  check_input(spec);
  check_streams(spec);
  const std::int64_t length = branch_size(spec);
  if (!spec.input) {
    const std::int64_t other = walk_branch(spec, net::example_input(spec), kNothing);
    require(other == length, spec,
            fmt::format("its vector depends on the patch size ({} and {} values)", length, other));
  }
  require(length <= limits::kLinearIn, spec, fmt::format("a vector of {} values is too long", length));
  check_decision(spec, net::decision_width(spec));
  const std::int64_t parameters = cost(spec).parameters;
  require(parameters <= limits::kParameters, spec,
          fmt::format("at most {} parameters, found {}", limits::kParameters, parameters));
}

void check_patch_size(const NetworkSpec& spec, int height, int width) {
  if (spec.input) {
    if (*spec.input != Extent{height, width}) {
      throw ShapeError(fmt::format("network {} takes patches of {}×{}, got {}×{}", spec.name, spec.input->height,
                                   spec.input->width, height, width));
    }
  } else if (height < spec.minimum_input.height || width < spec.minimum_input.width) {
    throw ShapeError(fmt::format("network {} takes patches of at least {}×{}, got {}×{}", spec.name,
                                 spec.minimum_input.height, spec.minimum_input.width, height, width));
  }
}

bool has_descriptors(const NetworkSpec& spec) { return spec.coupling != Coupling::two_channel; }

void check_has_descriptors(const NetworkSpec& spec) {
  if (has_descriptors(spec)) return;
  throw InvalidArgument("network " + spec.name + " takes both patches of a pair at once: it has no descriptors");
}

bool is_symmetric(const NetworkSpec& spec) {
  return spec.coupling == Coupling::siamese && std::holds_alternative<DecisionMetric>(spec.decision);
}

Cost cost(const NetworkSpec& spec) {
  std::int64_t parameters = 0;
  std::int64_t macs = 0;
  const auto add = [&](const Layer& layer, Shape input) {
    macs = checked_add(macs, net::macs(layer, input));
    for (const net::Field& field : net::fields(layer)) {
      if (!field.trained) continue;
      std::int64_t count = 1;
      for (const std::int64_t size : field.shape) count *= size;  // bounded: output_shape has checked the layer
      parameters = checked_add(parameters, count);
    }
  };
  const std::int64_t length = walk_branch(spec, net::example_input(spec), add);
  Cost result;
  result.branch_parameters = checked_multiply(parameters, spec.coupling == Coupling::pseudo_siamese ? 2 : 1);
  const bool two_channel = spec.coupling == Coupling::two_channel;
  result.macs_per_patch = two_channel ? 0 : macs;
  result.macs_per_pair = checked_multiply(macs, two_channel ? 1 : 2);
  parameters = macs = 0;
  if (const auto* decision = std::get_if<DecisionLayers>(&spec.decision)) {
    const auto width = static_cast<int>(std::min<std::int64_t>(net::decision_width(spec), limits::kLinearIn));
    walk(decision->layers, {width, 1, 1}, fmt::format("network {}, decision part", spec.name), add);
  } else {
    macs = length;  // one multiply-add a value of the vector
  }
  result.parameters = checked_add(result.branch_parameters, parameters);
  result.macs_per_pair = checked_add(result.macs_per_pair, macs);
  return result;
}

}  // namespace twinpatch
