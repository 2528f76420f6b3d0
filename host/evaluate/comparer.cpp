// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/evaluate/comparer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "twinpatch/vision/sift_descriptors.hpp"

namespace twinpatch {
namespace {

class NetworkComparer final : public Comparer {
 public:
  NetworkComparer(std::string name, std::shared_ptr<Engine> engine)
      : name_(std::move(name)), engine_(std::move(engine)) {}
  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] int side() const override { return engine_->spec().input ? engine_->spec().input->height : 64; }
  [[nodiscard]] std::vector<float> score(PatchView left, PatchView right, std::span<const IndexPair> pairs,
                                         const RunControl& control) override {
    return engine_->score(left, right, pairs, control);
  }
  [[nodiscard]] Selected best(PatchView left, PatchView right, int top_k, const RunControl& control) override {
    GridOptions options;
    options.top_k = top_k;
    return engine_->grid(left, right, options, control);
  }

 private:
  std::string name_;
  std::shared_ptr<Engine> engine_;
};

float negative_distance(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    sum += difference * difference;
  }
  return static_cast<float>(-std::sqrt(sum));
}

class DescriptorComparer final : public Comparer {
 public:
  DescriptorComparer(std::string name, int side, Describe describe)
      : name_(std::move(name)), side_(side), describe_(std::move(describe)) {}
  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] int side() const override { return side_; }
  [[nodiscard]] std::vector<float> score(PatchView left, PatchView right, std::span<const IndexPair> pairs,
                                         const RunControl& control) override {
    const Matrix left_rows = describe_(left);
    control.check();
    const Matrix right_rows = describe_(right);
    std::vector<float> scores;
    scores.reserve(pairs.size());
    for (const IndexPair pair : pairs) {
      scores.push_back(negative_distance(left_rows.row(pair.left), right_rows.row(pair.right)));
    }
    return scores;
  }
  [[nodiscard]] Selected best(PatchView left, PatchView right, int top_k, const RunControl& control) override {
    const Matrix left_rows = describe_(left);
    const Matrix right_rows = describe_(right);
    Selected selected;
    selected.rows = left.count;
    selected.columns = right.count;
    selected.top_k = top_k;
    selected.indices = Buffer<std::int32_t>(left.count * top_k);
    selected.scores = Buffer<float>(left.count * top_k);
    std::vector<std::int32_t> order(static_cast<std::size_t>(right.count));
    std::vector<float> scores(order.size());
    for (std::int64_t i = 0; i < left.count; ++i) {
      control.check();
      std::iota(order.begin(), order.end(), 0);
      for (std::size_t j = 0; j < scores.size(); ++j) {
        scores[j] = negative_distance(left_rows.row(i), right_rows.row(static_cast<std::int64_t>(j)));
      }
      const auto kept = std::min<std::int64_t>(top_k, right.count);
      std::partial_sort(order.begin(), order.begin() + kept, order.end(), [&](std::int32_t a, std::int32_t b) {
        const float score_a = scores[static_cast<std::size_t>(a)];
        const float score_b = scores[static_cast<std::size_t>(b)];
        return score_a != score_b ? score_a > score_b : a < b;
      });
      for (std::int64_t k = 0; k < top_k; ++k) {
        const std::int32_t index = k < kept ? order[static_cast<std::size_t>(k)] : -1;
        selected.indices[i * top_k + k] = index;
        selected.scores[i * top_k + k] =
            index < 0 ? -std::numeric_limits<float>::infinity() : scores[static_cast<std::size_t>(index)];
      }
    }
    return selected;
  }

 private:
  std::string name_;
  int side_;
  Describe describe_;
};

template <class Pixel>
void normalise(const Pixel* pixels, std::span<float> row) {
  const auto count = static_cast<double>(row.size());
  double mean = 0;
  double square = 0;
  for (std::size_t i = 0; i < row.size(); ++i) mean += static_cast<double>(pixels[i]) / count;
  for (std::size_t i = 0; i < row.size(); ++i) square += std::pow(static_cast<double>(pixels[i]) - mean, 2);
  const double length = std::max(std::sqrt(square), 1e-12);  // a flat patch becomes zeros
  for (std::size_t i = 0; i < row.size(); ++i)
    row[i] = static_cast<float>((static_cast<double>(pixels[i]) - mean) / length);
}

}  // namespace

std::unique_ptr<Comparer> network_comparer(std::string name, std::shared_ptr<Engine> engine) {
  return std::make_unique<NetworkComparer>(std::move(name), std::move(engine));
}

std::unique_ptr<Comparer> descriptor_comparer(std::string name, int side, Describe describe) {
  return std::make_unique<DescriptorComparer>(std::move(name), side, std::move(describe));
}

Matrix normalised_pixels(PatchView patches) {
  Matrix rows(patches.count, std::int64_t{patches.height} * patches.width);
  for (std::int64_t i = 0; i < patches.count; ++i) {
    const void* pixels = patches.slice(i, 1).pixels;
    if (patches.type == PixelType::u8) {
      normalise(static_cast<const std::uint8_t*>(pixels), rows.row(i));
    } else {
      normalise(static_cast<const float*>(pixels), rows.row(i));
    }
  }
  return rows;
}

std::vector<std::unique_ptr<Comparer>> baselines() {
  std::vector<std::unique_ptr<Comparer>> result;
  result.push_back(descriptor_comparer("normalised pixels", 32, normalised_pixels));
  result.push_back(descriptor_comparer("root-SIFT", 64, root_sift));
  return result;
}

}  // namespace twinpatch
