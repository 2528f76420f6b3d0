// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/evaluate/comparer.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "twinpatch/backend/empty_selection.hpp"
#include "twinpatch/vision/sift_descriptors.hpp"

namespace twinpatch {
namespace {

class NetworkComparer final : public Comparer {
 public:
  NetworkComparer(std::string name, std::shared_ptr<Engine> engine)
      : name_(std::move(name)), engine_(std::move(engine)) {}
  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] int side() const override { return engine_->spec().input ? engine_->spec().input->height : 64; }
  [[nodiscard]] bool takes(int height, int width) const override {
    const auto& input = engine_->spec().input;
    return input && input->height != input->width ? input == Extent{height, width} : Comparer::takes(height, width);
  }
  [[nodiscard]] std::vector<float> score(PatchView left, PatchView right, std::span<const IndexPair> pairs,
                                         const RunControl& control) override {
    return engine_->score(left, right, pairs, control);
  }
  [[nodiscard]] Selected best(PatchView left, PatchView right, const GridOptions& options,
                              const RunControl& control) override {
    return engine_->grid(left, right, options, control);
  }
  void every(PatchView left, PatchView right, const TileSink& sink, const RunControl& control) override {
    engine_->grid(left, right, sink, control);
  }
  [[nodiscard]] bool measures_distances() const override { return scores_are_distances(engine_->spec()); }

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

void select_row(Selected& selected, std::int64_t row, const std::vector<float>& scores, float threshold) {
  std::vector<std::int32_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  const auto kept = std::min<std::ptrdiff_t>(selected.top_k, std::ssize(order));
  std::partial_sort(order.begin(), order.begin() + kept, order.end(), [&](std::int32_t a, std::int32_t b) {
    const float score_a = scores[static_cast<std::size_t>(a)];
    const float score_b = scores[static_cast<std::size_t>(b)];
    return score_a != score_b ? score_a > score_b : a < b;
  });
  for (std::int64_t k = 0; k < kept; ++k) {
    const std::int32_t index = order[static_cast<std::size_t>(k)];
    if (scores[static_cast<std::size_t>(index)] < threshold) break;
    selected.indices[row * selected.top_k + k] = index;
    selected.scores[row * selected.top_k + k] = scores[static_cast<std::size_t>(index)];
  }
}

void select_columns(Selected& selected, std::int64_t row, const std::vector<float>& scores) {
  for (std::int64_t j = 0; j < selected.columns; ++j) {
    const float score = scores[static_cast<std::size_t>(j)];
    if (selected.column_indices[j] >= 0 && score <= selected.column_scores[j]) continue;
    selected.column_indices[j] = static_cast<std::int32_t>(row);
    selected.column_scores[j] = score;
  }
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
  [[nodiscard]] Selected best(PatchView left, PatchView right, const GridOptions& options,
                              const RunControl& control) override {
    const Matrix left_rows = describe_(left);
    const Matrix right_rows = describe_(right);
    Selected selected =
        empty_selection({left.count, right.count, options.top_k, options.column_best, options.threshold});
    std::vector<float> scores(static_cast<std::size_t>(right.count));
    for (std::int64_t i = 0; i < left.count; ++i) {
      control.check();
      for (std::size_t j = 0; j < scores.size(); ++j)
        scores[j] = negative_distance(left_rows.row(i), right_rows.row(static_cast<std::int64_t>(j)));
      select_row(selected, i, scores, options.threshold);
      if (options.column_best) select_columns(selected, i, scores);
    }
    return selected;
  }
  void every(PatchView left, PatchView right, const TileSink& sink, const RunControl& control) override {
    const Matrix left_rows = describe_(left);
    const Matrix right_rows = describe_(right);
    std::vector<float> scores(static_cast<std::size_t>(right.count));
    for (std::int64_t i = 0; i < left.count; ++i) {
      control.check();
      for (std::size_t j = 0; j < scores.size(); ++j)
        scores[j] = negative_distance(left_rows.row(i), right_rows.row(static_cast<std::int64_t>(j)));
      sink(i, 0, {scores.data(), 1, right.count});
    }
  }
  [[nodiscard]] bool measures_distances() const override { return true; }

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

void Comparer::every(PatchView left, PatchView right, const TileSink& sink, const RunControl& control) {
  constexpr std::int64_t kPairs = std::int64_t{1} << 20;  // of a list
  const std::int64_t rows = std::max<std::int64_t>(1, kPairs / std::max<std::int64_t>(1, right.count));
  for (std::int64_t first = 0; first < left.count; first += rows) {
    std::vector<IndexPair> pairs;
    const std::int64_t end = std::min(first + rows, left.count);
    for (std::int64_t i = first; i < end; ++i) {
      for (std::int64_t j = 0; j < right.count; ++j)
        pairs.push_back({static_cast<std::int32_t>(i), static_cast<std::int32_t>(j)});
    }
    const std::vector<float> scores = score(left, right, pairs, control);
    sink(first, 0, {scores.data(), end - first, right.count});
  }
}

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
