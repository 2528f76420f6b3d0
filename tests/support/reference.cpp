// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "support/reference.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace twinpatch::reference {
namespace {

const std::vector<float>& weight(const Weights& weights, const std::string& name) { return weights.at(name).values; }

Map convolve(const Convolution& layer, const Map& input, const Weights& weights, const std::string& prefix) {
  const auto& kernel = weight(weights, prefix + "weight");  // [out, in, kernel height, kernel width]
  Map output(output_shape(layer, input.shape));
  for (int o = 0; o < layer.out; ++o) {
    const double bias = layer.bias ? weight(weights, prefix + "bias")[static_cast<std::size_t>(o)] : 0;
    for (int y = 0; y < output.shape.height; ++y) {
      for (int x = 0; x < output.shape.width; ++x) output.at(o, y, x) = bias;
    }
    for (int i = 0; i < layer.in; ++i) {
      for (int ky = 0; ky < layer.kernel.height; ++ky) {
        for (int kx = 0; kx < layer.kernel.width; ++kx) {
          const int at = ((o * layer.in + i) * layer.kernel.height + ky) * layer.kernel.width + kx;
          const double w = kernel[static_cast<std::size_t>(at)];
          for (int y = 0; y < output.shape.height; ++y) {
            const int row = y * layer.stride.height + ky - layer.padding.height;
            if (row < 0 || row >= input.shape.height) continue;  // padding is zero
            for (int x = 0; x < output.shape.width; ++x) {
              const int column = x * layer.stride.width + kx - layer.padding.width;
              if (column < 0 || column >= input.shape.width) continue;
              output.at(o, y, x) += w * input.at(i, row, column);
            }
          }
        }
      }
    }
  }
  return output;
}

Map normalise_batch(const BatchNormalisation& layer, const Map& input, const Weights& weights,
                    const std::string& prefix) {
  Map output(input.shape);
  for (int c = 0; c < layer.channels; ++c) {
    const auto channel = static_cast<std::size_t>(c);
    const double mean = weight(weights, prefix + "running_mean")[channel];
    const double variance = weight(weights, prefix + "running_var")[channel];
    const double gain = layer.affine ? weight(weights, prefix + "weight")[channel] : 1;
    const double bias = layer.affine ? weight(weights, prefix + "bias")[channel] : 0;
    for (int y = 0; y < input.shape.height; ++y) {
      for (int x = 0; x < input.shape.width; ++x) {
        output.at(c, y, x) = (input.at(c, y, x) - mean) / std::sqrt(variance + layer.epsilon) * gain + bias;
      }
    }
  }
  return output;
}

/// Maximum or mean of the rows [y0, y1) and columns [x0, x1) of a channel, as far as they lie inside.
double pool_window(Pooling::Kind kind, const Map& input, int channel, int y0, int y1, int x0, int x1) {
  double largest = -std::numeric_limits<double>::infinity();
  double sum = 0;
  int count = 0;
  for (int y = y0; y < std::min(y1, input.shape.height); ++y) {
    for (int x = x0; x < std::min(x1, input.shape.width); ++x) {
      largest = std::max(largest, input.at(channel, y, x));
      sum += input.at(channel, y, x);
      ++count;
    }
  }
  return kind == Pooling::Kind::max ? largest : sum / count;
}

Map pool(const Pooling& layer, const Map& input) {
  Map output(output_shape(layer, input.shape));
  for (int c = 0; c < output.shape.channels; ++c) {
    for (int y = 0; y < output.shape.height; ++y) {
      for (int x = 0; x < output.shape.width; ++x) {
        const int y0 = y * layer.stride.height;
        const int x0 = x * layer.stride.width;
        output.at(c, y, x) =
            pool_window(layer.kind, input, c, y0, y0 + layer.window.height, x0, x0 + layer.window.width);
      }
    }
  }
  return output;
}

Map subsample(const Subsampling& layer, const Map& input, const Weights& weights, const std::string& prefix) {
  Map output = pool({.kind = Pooling::Kind::average, .window = layer.window, .stride = layer.window}, input);
  for (int c = 0; c < output.shape.channels; ++c) {
    const double gain = weight(weights, prefix + "weight")[static_cast<std::size_t>(c)];
    const double bias = weight(weights, prefix + "bias")[static_cast<std::size_t>(c)];
    for (int y = 0; y < output.shape.height; ++y) {
      for (int x = 0; x < output.shape.width; ++x) output.at(c, y, x) = gain * output.at(c, y, x) + bias;
    }
  }
  return output;
}

Map pool_pyramid(const SpatialPyramid& layer, const Map& input) {
  const int height = input.shape.height;
  const int width = input.shape.width;
  Map output(output_shape(layer, input.shape));
  std::size_t next = 0;
  for (const int n : layer.levels) {
    const auto begin = [n](int bin, int size) { return bin * size / n; };
    const auto end = [n](int bin, int size) { return ((bin + 1) * size + n - 1) / n; };
    for (int c = 0; c < input.shape.channels; ++c) {
      for (int i = 0; i < n; ++i) {
        for (int j = 0; j < n; ++j) {
          output.values[next++] = pool_window(Pooling::Kind::max, input, c, begin(i, height), end(i, height),
                                              begin(j, width), end(j, width));
        }
      }
    }
  }
  return output;
}

Map multiply(const Linear& layer, const Map& input, const Weights& weights, const std::string& prefix) {
  const auto& matrix = weight(weights, prefix + "weight");  // [out, in]
  const auto& bias = weight(weights, prefix + "bias");
  Map output(output_shape(layer, input.shape));
  for (std::size_t o = 0; o < output.values.size(); ++o) {
    double sum = bias[o];
    for (std::size_t i = 0; i < input.values.size(); ++i)
      sum += double{matrix[o * input.values.size() + i]} * input.values[i];
    output.values[o] = sum;
  }
  return output;
}

Map activate(const Activation& layer, const Map& input) {
  Map output = input;
  for (double& value : output.values) {
    value = layer.kind == Activation::Kind::relu ? std::max(value, 0.0) : std::tanh(value);
  }
  return output;
}

struct Apply {
  const Map& input;
  const Weights& weights;
  const std::string& prefix;
  Map operator()(const Convolution& layer) const { return convolve(layer, input, weights, prefix); }
  Map operator()(const BatchNormalisation& layer) const { return normalise_batch(layer, input, weights, prefix); }
  Map operator()(const Pooling& layer) const { return pool(layer, input); }
  Map operator()(const Subsampling& layer) const { return subsample(layer, input, weights, prefix); }
  Map operator()(const SpatialPyramid& layer) const { return pool_pyramid(layer, input); }
  Map operator()(const Linear& layer) const { return multiply(layer, input, weights, prefix); }
  Map operator()(const Activation& layer) const { return activate(layer, input); }
};

double length(const Vector& vector) {
  return std::sqrt(std::inner_product(vector.begin(), vector.end(), vector.begin(), 0.0));
}

/// The network's last layers on what they see; one value.
double decide_by_layers(const Model& model, const Vector& values) {
  const auto& layers = std::get<DecisionLayers>(model.spec.decision).layers;
  Map map({static_cast<int>(values.size()), 1, 1});
  map.values = values;
  for (std::size_t i = 0; i < layers.size(); ++i) map = apply(layers[i], map, model.weights, decision_prefix(i));
  return map.values.at(0);
}

double compare(const DecisionMetric& metric, const Vector& left, const Vector& right) {
  double squares = 0;
  double absolutes = 0;
  double products = 0;
  for (std::size_t k = 0; k < left.size(); ++k) {
    const double difference = left[k] - right[k];
    squares += difference * difference;
    absolutes += std::abs(difference);
    products += left[k] * right[k];
  }
  switch (metric.kind) {
    case DecisionMetric::Kind::l2:
      return -std::sqrt(squares);
    case DecisionMetric::Kind::l1:
      return -absolutes;
    case DecisionMetric::Kind::cosine:
      return products;  // of vectors of length one
  }
  return 0;
}

std::vector<Vector> all_descriptors(const Model& model, bool right, PatchView patches) {
  std::vector<Vector> result;
  for (std::int64_t i = 0; i < patches.count; ++i) {
    result.push_back(descriptor(model, right, patch(patches, i, model.spec.normalisation)));
  }
  return result;
}

}  // namespace

Map normalise(std::span<const std::uint8_t> pixels, Extent size, const Normalisation& rule) {
  Map map({1, size.height, size.width});
  for (std::size_t i = 0; i < map.values.size(); ++i) map.values[i] = pixels[i] * rule.scale;
  const auto count = static_cast<double>(map.values.size());
  const double mean = std::accumulate(map.values.begin(), map.values.end(), 0.0) / count;
  double variance = 0;
  for (const double value : map.values) variance += (value - mean) * (value - mean);
  variance /= rule.unbiased_deviation && count > 1 ? count - 1 : count;
  for (double& value : map.values) {
    if (rule.subtract_mean) value -= mean;
    if (rule.divide_deviation) value /= std::sqrt(variance + rule.deviation_epsilon);
  }
  return map;
}

Map patch(PatchView patches, std::int64_t i, const Normalisation& rule) {
  const PatchView one = patches.slice(i, 1);
  const Extent size{one.height, one.width};
  const auto count = static_cast<std::size_t>(size.height) * static_cast<std::size_t>(size.width);
  if (one.type == PixelType::u8) return normalise({static_cast<const std::uint8_t*>(one.pixels), count}, size, rule);
  Map map({1, size.height, size.width});
  const auto* values = static_cast<const float*>(one.pixels);
  std::copy(values, values + count, map.values.begin());
  return map;
}

Map stack(const Map& left, const Map& right) {
  Map map({2, left.shape.height, left.shape.width});
  std::copy(left.values.begin(), left.values.end(), map.values.begin());
  std::copy(right.values.begin(), right.values.end(), map.values.begin() + left.shape.size());
  return map;
}

Map view(StreamView view, const Map& input) {
  if (view.kind == StreamView::Kind::whole) return input;
  const Shape half{input.shape.channels, input.shape.height / 2, input.shape.width / 2};
  Map map(half);
  for (int c = 0; c < half.channels; ++c) {
    for (int y = 0; y < half.height; ++y) {
      for (int x = 0; x < half.width; ++x) {
        if (view.kind == StreamView::Kind::central_crop) {
          map.at(c, y, x) = input.at(c, input.shape.height / 4 + y, input.shape.width / 4 + x);
        } else {
          map.at(c, y, x) = pool_window(Pooling::Kind::average, input, c, 2 * y, 2 * y + 2, 2 * x, 2 * x + 2);
        }
      }
    }
  }
  return map;
}

Map apply(const Layer& layer, const Map& input, const Weights& weights, const std::string& prefix) {
  return std::visit(Apply{input, weights, prefix}, layer);
}

Vector branch_vector(const Model& model, bool right, const Map& input) {
  Vector vector;
  for (std::size_t s = 0; s < model.spec.streams.size(); ++s) {
    const Stream& stream = model.spec.streams[s];
    Map map = view(stream.view, input);
    for (std::size_t i = 0; i < stream.layers.size(); ++i) {
      map = apply(stream.layers[i], map, model.weights, branch_prefix(model.spec, right, s, i));
    }
    vector.insert(vector.end(), map.values.begin(), map.values.end());
  }
  return vector;
}

Vector descriptor(const Model& model, bool right, const Map& input) {
  Vector vector = branch_vector(model, right, input);
  const auto* metric = std::get_if<DecisionMetric>(&model.spec.decision);
  if (metric == nullptr || !(metric->normalise || metric->kind == DecisionMetric::Kind::cosine)) return vector;
  const double divisor = std::max(length(vector), 1e-12);
  for (double& value : vector) value /= divisor;
  return vector;
}

double decide(const Model& model, const Vector& left, const Vector& right) {
  if (const auto* metric = std::get_if<DecisionMetric>(&model.spec.decision)) return compare(*metric, left, right);
  Vector both = left;
  both.insert(both.end(), right.begin(), right.end());
  return decide_by_layers(model, both);
}

double score(const Model& model, const Map& left, const Map& right) {
  if (model.spec.coupling == Coupling::two_channel) {
    return decide_by_layers(model, branch_vector(model, false, stack(left, right)));
  }
  return decide(model, descriptor(model, false, left), descriptor(model, true, right));
}

Vector scores(const Model& model, PatchView left, PatchView right) {
  Vector result;
  if (model.spec.coupling == Coupling::two_channel) {
    const Normalisation& rule = model.spec.normalisation;
    for (std::int64_t i = 0; i < left.count; ++i) {
      for (std::int64_t j = 0; j < right.count; ++j) {
        result.push_back(score(model, patch(left, i, rule), patch(right, j, rule)));
      }
    }
    return result;
  }
  const std::vector<Vector> all_right = all_descriptors(model, true, right);
  for (const Vector& a : all_descriptors(model, false, left)) {
    for (const Vector& b : all_right) result.push_back(decide(model, a, b));
  }
  return result;
}

Vector descriptors(const Model& model, bool right, PatchView patches) {
  Vector result;
  for (const Vector& one : all_descriptors(model, right, patches)) result.insert(result.end(), one.begin(), one.end());
  return result;
}

}  // namespace twinpatch::reference
