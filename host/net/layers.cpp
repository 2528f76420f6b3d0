// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "layers.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "limits.hpp"
#include "twinpatch/core/checked.hpp"

namespace twinpatch {
namespace {

void in_range(const Layer& layer, const char* what, int value, int low, int high) {
  if (value < low || value > high) {
    throw ShapeError(fmt::format("{}: {} must be {} to {}, found {}", describe(layer), what, low, high, value));
  }
}

void in_range(const Layer& layer, const char* what, Extent value, int low, int high) {
  in_range(layer, what, value.height, low, high);
  in_range(layer, what, value.width, low, high);
}

[[noreturn]] void unexpected(const Layer& layer, const std::string& expected, Shape found) {
  throw ShapeError(fmt::format("{}: expects {}, found {}", describe(layer), expected, net::to_text(found)));
}

void expect_channels(const Layer& layer, int channels, Shape input) {
  if (input.channels != channels) unexpected(layer, fmt::format("{} channels", channels), input);
}

/// Positions of a window that lie inside `size` (floor), or that start inside it (ceil); 0 if there is none.
int positions(int size, int window, int stride, bool ceil) {
  if (size < window) return ceil && size > 0 ? 1 : 0;
  const int steps = size - window;
  const int count = (ceil ? (steps + stride - 1) / stride : steps / stride) + 1;
  return ceil && (count - 1) * stride >= size ? count - 1 : count;
}

/// How a layer's windows lie on its input.
struct Windows {
  Extent size;
  Extent stride;
  bool ceil = false;  ///< windows may reach over the edge
};

Shape windowed(const Layer& layer, Shape input, int channels, const Windows& windows) {
  const auto& [window, stride, ceil] = windows;
  const Shape result{channels, positions(input.height, window.height, stride.height, ceil),
                     positions(input.width, window.width, stride.width, ceil)};
  if (result.height < 1 || result.width < 1) {
    unexpected(layer, fmt::format("at least {}×{}", window.height, window.width), input);
  }
  return result;
}

std::string by(Extent extent) { return fmt::format("{}×{}", extent.height, extent.width); }

/// " / 3", " / 1×3", or nothing for the usual one.
std::string stride_text(Extent stride, Extent usual) {
  if (stride == usual) return {};
  return stride.height == stride.width ? fmt::format(" / {}", stride.height) : fmt::format(" / {}", by(stride));
}

}  // namespace

std::string describe(const Layer& layer) {
  return std::visit(
      net::Overloaded{
          [](const Convolution& l) {
            std::string text = fmt::format("conv {} {}{}", l.out, by(l.kernel), stride_text(l.stride, {1, 1}));
            if (l.padding != Extent{0, 0}) {
              text += l.padding.height == l.padding.width ? fmt::format(" pad {}", l.padding.height)
                                                          : fmt::format(" pad {}", by(l.padding));
            }
            return text + (l.bias ? "" : " without bias");
          },
          [](const BatchNormalisation& l) {
            return fmt::format("batch norm {}{}", l.channels, l.affine ? " affine" : "");
          },
          [](const Pooling& l) {
            return fmt::format("{} pool {}{}{}", l.kind == Pooling::Kind::max ? "max" : "average", by(l.window),
                               stride_text(l.stride, l.window), l.ceil ? " ceil" : "");
          },
          [](const Subsampling& l) { return fmt::format("subsample {}", by(l.window)); },
          [](const SpatialPyramid& l) { return fmt::format("spatial pyramid {}", fmt::join(l.levels, ", ")); },
          [](const Linear& l) { return fmt::format("linear {}", l.out); },
          [](const Activation& l) { return std::string(l.kind == Activation::Kind::relu ? "relu" : "tanh"); },
      },
      layer);
}

Shape output_shape(const Layer& layer, Shape input) {
  net::check_values(layer);
  if (input.channels < 1 || input.height < 1 || input.width < 1 || input.height > limits::kExtent ||
      input.width > limits::kExtent) {
    unexpected(layer, "a non-empty input of reasonable size", input);
  }
  const Shape result = std::visit(
      net::Overloaded{
          [&](const Convolution& l) {
            expect_channels(layer, l.in, input);
            const Shape padded{input.channels, input.height + 2 * l.padding.height, input.width + 2 * l.padding.width};
            return windowed(layer, padded, l.out, {l.kernel, l.stride});
          },
          [&](const BatchNormalisation& l) {
            expect_channels(layer, l.channels, input);
            return input;
          },
          [&](const Pooling& l) {
            return windowed(layer, input, input.channels, {l.window, l.stride, l.ceil});
          },
          [&](const Subsampling& l) {
            expect_channels(layer, l.channels, input);
            return windowed(layer, input, input.channels, {l.window, l.window});
          },
          [&](const SpatialPyramid& l) {
            int bins = 0;
            for (const int level : l.levels) bins += level * level;
            if (std::int64_t{bins} * input.channels > limits::kLinearIn) unexpected(layer, "fewer channels", input);
            return Shape{input.channels * bins, 1, 1};
          },
          [&](const Linear& l) {
            if (input.size() != l.in) unexpected(layer, fmt::format("{} values", l.in), input);
            return Shape{l.out, 1, 1};
          },
          [&](const Activation&) { return input; },
      },
      layer);
  if (result.size() > limits::kActivation) unexpected(layer, "an input whose output fits memory", input);
  return result;
}

namespace net {

void check_values(const Layer& layer) {
  std::visit(
      Overloaded{
          [&](const Convolution& l) {
            in_range(layer, "input channels", l.in, 1, limits::kChannels);
            in_range(layer, "output channels", l.out, 1, limits::kChannels);
            in_range(layer, "kernel", l.kernel, 1, limits::kWindow);
            in_range(layer, "stride", l.stride, 1, limits::kWindow);
            in_range(layer, "padding", l.padding, 0, limits::kWindow);
            // A window must not lie in the padding alone.
            in_range(layer, "padding", l.padding.height, 0, l.kernel.height - 1);
            in_range(layer, "padding", l.padding.width, 0, l.kernel.width - 1);
          },
          [&](const BatchNormalisation& l) {
            in_range(layer, "channels", l.channels, 1, limits::kChannels);
            if (!(l.epsilon > 0) || !std::isfinite(l.epsilon)) {
              throw ShapeError(fmt::format("{}: epsilon must be positive, found {}", describe(layer), l.epsilon));
            }
          },
          [&](const Pooling& l) {
            in_range(layer, "window", l.window, 1, limits::kWindow);
            in_range(layer, "stride", l.stride, 1, limits::kWindow);
          },
          [&](const Subsampling& l) {
            in_range(layer, "channels", l.channels, 1, limits::kChannels);
            in_range(layer, "window", l.window, 1, limits::kWindow);
          },
          [&](const SpatialPyramid& l) {
            if (l.levels.empty() || l.levels.size() > limits::kPyramidLevels) {
              throw ShapeError(fmt::format("spatial pyramid: must have 1 to {} levels, found {}",
                                           limits::kPyramidLevels, l.levels.size()));
            }
            for (const int level : l.levels) in_range(layer, "level", level, 1, limits::kPyramidLevel);
          },
          [&](const Linear& l) {
            in_range(layer, "inputs", l.in, 1, limits::kLinearIn);
            in_range(layer, "outputs", l.out, 1, limits::kChannels);
          },
          [](const Activation&) {},
      },
      layer);
  for (const Field& field : fields(layer)) {
    std::int64_t count = 1;
    for (const std::int64_t size : field.shape) count *= size;  // at most 2^52: see limits.hpp
    if (count > limits::kParameters) {
      throw ShapeError(fmt::format("{}: at most {} weights, found {}", describe(layer), limits::kParameters, count));
    }
  }
}

std::vector<Field> fields(const Layer& layer) {
  using Fields = std::vector<Field>;
  return std::visit(Overloaded{
                        [](const Convolution& l) {
                          Fields result{{"weight", {l.out, l.in, l.kernel.height, l.kernel.width}}};
                          if (l.bias) result.push_back({"bias", {l.out}});
                          return result;
                        },
                        [](const BatchNormalisation& l) {
                          Fields result;
                          if (l.affine) result = {{"weight", {l.channels}}, {"bias", {l.channels}}};
                          result.push_back({"running_mean", {l.channels}, false});
                          result.push_back({"running_var", {l.channels}, false});
                          return result;
                        },
                        [](const Subsampling& l) {
                          return Fields{{"weight", {l.channels}}, {"bias", {l.channels}}};
                        },
                        [](const Linear& l) {
                          return Fields{{"weight", {l.out, l.in}}, {"bias", {l.out}}};
                        },
                        [](const auto&) { return Fields{}; },
                    },
                    layer);
}

std::int64_t macs(const Layer& layer, Shape input) {
  return std::visit(Overloaded{
                        [&](const Convolution& l) {
                          const std::int64_t window = std::int64_t{l.in} * l.kernel.height * l.kernel.width;
                          return checked_multiply(output_shape(layer, input).size(), window);
                        },
                        [](const Linear& l) { return std::int64_t{l.in} * l.out; },
                        [&](const Subsampling&) { return output_shape(layer, input).size(); },
                        [](const auto&) { return std::int64_t{0}; },
                    },
                    layer);
}

std::string to_text(Shape shape) { return fmt::format("{}×{}×{}", shape.channels, shape.height, shape.width); }

}  // namespace net
}  // namespace twinpatch
