// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/sfm/image_retrieval.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "twinpatch/core/error.hpp"
#include "twinpatch/core/split_mix.hpp"

namespace twinpatch {
namespace {

constexpr int kLanes = 16;  // partial sums, in a fixed order: the compiler makes vectors of them

float dot(std::span<const float> a, std::span<const float> b) {
  std::array<float, kLanes> sums{};
  std::size_t i = 0;
  for (; i + kLanes <= a.size(); i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) sums[lane] += a[i + lane] * b[i + lane];
  }
  float rest = 0;
  for (; i < a.size(); ++i) rest += a[i] * b[i];
  return std::accumulate(sums.begin(), sums.end(), rest);
}

void scale_to_one(std::span<float> values) {
  const float length = std::sqrt(dot(values, values));
  if (length == 0) return;
  for (float& value : values) value /= length;
}

/// Centres of a set of descriptors, and which of them is nearest.
class Codebook {
 public:
  Codebook(MatrixView sample, const RetrievalOptions& options) {
    const std::int64_t count = std::min<std::int64_t>(options.centres, sample.rows);
    centres_ = Matrix(count, sample.columns);
    half_norms_.resize(static_cast<std::size_t>(count));
    choose(sample, options.seed);
    for (int i = 0; i < options.iterations; ++i) improve(sample);
  }

  [[nodiscard]] MatrixView centres() const { return centres_.view(); }
  /// Smallest |d − c|², which is where d·c − |c|²/2 is largest; the first of equals.
  [[nodiscard]] std::int64_t nearest(std::span<const float> descriptor) const {
    std::int64_t best = 0;
    float best_value = -std::numeric_limits<float>::infinity();
    for (std::int64_t c = 0; c < centres_.rows(); ++c) {
      const float value = dot(descriptor, centres_.row(c)) - half_norms_[static_cast<std::size_t>(c)];
      if (value > best_value) {
        best = c;
        best_value = value;
      }
    }
    return best;
  }

 private:
  /// Different rows at random.
  void choose(MatrixView sample, std::uint64_t seed) {
    SplitMix64 random(seed);
    std::vector<std::int64_t> order(static_cast<std::size_t>(sample.rows));
    std::iota(order.begin(), order.end(), 0);
    for (std::int64_t c = 0; c < centres_.rows(); ++c) {
      const auto left = static_cast<std::uint64_t>(sample.rows - c);
      std::swap(order[static_cast<std::size_t>(c)], order[static_cast<std::size_t>(c) + random.next() % left]);
      std::ranges::copy(sample.row(order[static_cast<std::size_t>(c)]), centres_.row(c).begin());
    }
    measure();
  }
  /// One round of Lloyd's: every centre to the mean of those nearest to it; one that nobody is nearest to stays.
  void improve(MatrixView sample) {
    const auto size = static_cast<std::size_t>(sample.columns);
    std::vector<double> sums(static_cast<std::size_t>(centres_.size()), 0.0);
    std::vector<std::int64_t> counts(half_norms_.size(), 0);
    for (std::int64_t i = 0; i < sample.rows; ++i) {
      const auto c = static_cast<std::size_t>(nearest(sample.row(i)));
      ++counts[c];
      for (std::size_t k = 0; k < size; ++k) sums[c * size + k] += double{sample.row(i)[k]};
    }
    for (std::size_t c = 0; c < counts.size(); ++c) {
      if (counts[c] == 0) continue;
      const auto row = centres_.row(static_cast<std::int64_t>(c));
      for (std::size_t k = 0; k < size; ++k) {
        row[k] = static_cast<float>(sums[c * size + k] / static_cast<double>(counts[c]));
      }
    }
    measure();
  }
  void measure() {
    for (std::int64_t c = 0; c < centres_.rows(); ++c) {
      half_norms_[static_cast<std::size_t>(c)] = dot(centres_.row(c), centres_.row(c)) / 2;
    }
  }

  Matrix centres_;
  std::vector<float> half_norms_;
};

void check(const RetrievalOptions& options) {
  if (options.neighbours < 1) {
    throw InvalidArgument(fmt::format("retrieval needs at least 1 neighbour, found {}", options.neighbours));
  }
  if (options.centres < 1 || options.iterations < 0 || options.sample < 1) {
    throw InvalidArgument("retrieval needs at least one centre and one descriptor to make it from");
  }
}

/// Descriptors for the codebook: equally many of up to 64 images spread over the collection, in equal steps.
std::vector<float> sample_descriptors(std::int64_t images, const WalkDescriptors& walk, const RetrievalOptions& options,
                                      std::int64_t& columns) {
  const std::int64_t used = std::min<std::int64_t>(images, 64);
  const std::int64_t each = std::max<std::int64_t>(1, options.sample / used);
  std::set<std::int64_t> sampled;
  for (std::int64_t i = 0; i < used; ++i) sampled.insert(i * images / used);
  std::vector<float> sample;
  walk([&](std::int64_t image, MatrixView rows) {
    if (rows.rows == 0 || !sampled.contains(image)) return;
    columns = rows.columns;
    const std::int64_t taken = std::min(each, rows.rows);
    for (std::int64_t k = 0; k < taken; ++k) {
      const auto row = rows.row(k * rows.rows / taken);
      sample.insert(sample.end(), row.begin(), row.end());
    }
  });
  return sample;
}

/// `vector`: [centres, D], zeros at first.
void pool_descriptors(const Codebook& codebook, MatrixView descriptors, std::span<float> vector) {
  const auto size = static_cast<std::size_t>(descriptors.columns);
  for (std::int64_t i = 0; i < descriptors.rows; ++i) {
    const auto c = codebook.nearest(descriptors.row(i));
    const auto part = vector.subspan(static_cast<std::size_t>(c) * size, size);
    const auto centre = codebook.centres().row(c);
    for (std::size_t k = 0; k < size; ++k) part[k] += descriptors.row(i)[k] - centre[k];
  }
  for (float& value : vector) value = std::copysign(std::sqrt(std::abs(value)), value);
  for (std::size_t at = 0; at < vector.size(); at += size) scale_to_one(vector.subspan(at, size));
  scale_to_one(vector);
}

}  // namespace

Matrix global_vectors(std::int64_t images, const WalkDescriptors& walk, const RetrievalOptions& options) {
  check(options);
  if (images < 1) return Matrix(0, 0);
  std::int64_t columns = 0;
  const std::vector<float> sample = sample_descriptors(images, walk, options, columns);
  if (sample.empty()) return Matrix(images, 0);
  const Codebook codebook({sample.data(), std::ssize(sample) / columns, columns}, options);
  Matrix vectors(images, codebook.centres().rows * columns);
  std::ranges::fill(vectors.span(), 0.0F);
  walk([&](std::int64_t image, MatrixView rows) {
    if (rows.rows > 0) pool_descriptors(codebook, rows, vectors.row(image));
  });
  return vectors;
}

std::vector<ImagePair> nearest_images(MatrixView vectors, int neighbours, ThreadPool& pool, const RunControl& control) {
  const std::int64_t images = vectors.rows;
  std::vector<std::uint8_t> empty(static_cast<std::size_t>(images));
  for (std::int64_t i = 0; i < images; ++i) {
    empty[static_cast<std::size_t>(i)] = std::ranges::all_of(vectors.row(i), [](float v) { return v == 0; }) ? 1 : 0;
  }
  std::vector<std::vector<ImagePair>> found(static_cast<std::size_t>(images));
  pool.for_ranges(images, 1, [&](std::int64_t begin, std::int64_t end, int) {
    std::vector<std::pair<float, std::int64_t>> others;  // (−similarity, image): ascending order is best first
    for (std::int64_t i = begin; i < end; ++i) {
      control.check();
      if (empty[static_cast<std::size_t>(i)] != 0) continue;
      others.clear();
      for (std::int64_t j = 0; j < images; ++j) {
        if (j != i && empty[static_cast<std::size_t>(j)] == 0) {
          others.emplace_back(-dot(vectors.row(i), vectors.row(j)), j);
        }
      }
      const auto kept = std::min<std::ptrdiff_t>(neighbours, std::ssize(others));
      std::ranges::partial_sort(others, others.begin() + kept);
      for (std::ptrdiff_t k = 0; k < kept; ++k) {
        const auto [low, high] = std::minmax(i, others[static_cast<std::size_t>(k)].second);
        found[static_cast<std::size_t>(i)].push_back({static_cast<std::int32_t>(low), static_cast<std::int32_t>(high)});
      }
    }
  });
  std::vector<ImagePair> pairs;
  for (const auto& of_one : found) pairs.insert(pairs.end(), of_one.begin(), of_one.end());
  std::ranges::sort(pairs);
  pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());  // std::ranges::unique: not with clang 14
  return pairs;
}

}  // namespace twinpatch
