// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "plan/own_steps.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace twinpatch::cpu {
namespace {

class ChannelAffineStep final : public Step {
 public:
  ChannelAffineStep(Shape shape, std::vector<float> scale, std::vector<float> offset)
      : shape_(shape), scale_(std::move(scale)), offset_(std::move(offset)) {}

  void run(int /*worker*/, std::int64_t batch, const float* in, float* out, std::byte* /*scratch*/) override {
    const auto pixels = batch * shape_.height * shape_.width;
    const auto channels = static_cast<std::int64_t>(shape_.channels);
    const float* scale = scale_.data();
    const float* offset = offset_.data();
    for (std::int64_t i = 0; i < pixels; ++i) {
      for (std::int64_t c = 0; c < channels; ++c) out[i * channels + c] = scale[c] * in[i * channels + c] + offset[c];
    }
  }
  [[nodiscard]] std::string name() const override { return "scale and offset of channels"; }

 private:
  Shape shape_;
  std::vector<float> scale_, offset_;
};

class SpatialPyramidStep final : public Step {
 public:
  SpatialPyramidStep(SpatialPyramid layer, Shape input) : layer_(std::move(layer)), input_(input) {
    for (const int level : layer_.levels) outputs_ += std::int64_t{level} * level * input.channels;
  }

  void run(int /*worker*/, std::int64_t batch, const float* in, float* out, std::byte* /*scratch*/) override {
    for (std::int64_t item = 0; item < batch; ++item) {
      float* level_out = out + item * outputs_;
      for (const int level : layer_.levels) {
        pool_level(in + item * input_.size(), level, level_out);
        level_out += std::int64_t{level} * level * input_.channels;
      }
    }
  }
  [[nodiscard]] std::string name() const override { return "spatial pyramid"; }

 private:
  /// First value of bin i of n over a side of `size`; the end of bin i is the ceiling of the next one's begin.
  static int bin_begin(int i, int n, int size) { return static_cast<int>(std::int64_t{i} * size / n); }
  static int bin_end(int i, int n, int size) { return static_cast<int>((std::int64_t{i + 1} * size + n - 1) / n); }

  void pool_level(const float* in, int level, float* out) const {
    const auto channels = input_.channels;
    const auto bins = std::int64_t{level} * level;
    for (int i = 0; i < level; ++i) {
      for (int j = 0; j < level; ++j) {
        float* bin = out + std::int64_t{i} * level + j;
        for (int c = 0; c < channels; ++c) bin[c * bins] = -INFINITY;
        for (int y = bin_begin(i, level, input_.height); y < bin_end(i, level, input_.height); ++y) {
          for (int x = bin_begin(j, level, input_.width); x < bin_end(j, level, input_.width); ++x) {
            const float* pixel = in + (std::int64_t{y} * input_.width + x) * channels;
            for (int c = 0; c < channels; ++c) bin[c * bins] = std::max(bin[c * bins], pixel[c]);
          }
        }
      }
    }
  }

  SpatialPyramid layer_;
  Shape input_;
  std::int64_t outputs_ = 0;
};

}  // namespace

std::unique_ptr<Step> make_channel_affine_step(Shape shape, std::vector<float> scale, std::vector<float> offset) {
  return std::make_unique<ChannelAffineStep>(shape, std::move(scale), std::move(offset));
}

std::unique_ptr<Step> make_spatial_pyramid_step(const SpatialPyramid& layer, Shape input) {
  return std::make_unique<SpatialPyramidStep>(layer, input);
}

void flatten_channels_first(const float* in, Shape shape, float* out) {
  const auto pixels = std::int64_t{shape.height} * shape.width;
  if (pixels == 1) {
    std::copy_n(in, shape.channels, out);
    return;
  }
  for (std::int64_t i = 0; i < pixels; ++i) {
    for (int c = 0; c < shape.channels; ++c) out[c * pixels + i] = in[i * shape.channels + c];
  }
}

void normalise_row(float* row, std::int64_t size) {
  double squares = 0;
  for (std::int64_t i = 0; i < size; ++i) squares += static_cast<double>(row[i]) * row[i];
  const auto factor = static_cast<float>(1.0 / std::max(std::sqrt(squares), 1e-12));
  for (std::int64_t i = 0; i < size; ++i) row[i] *= factor;
}

}  // namespace twinpatch::cpu
