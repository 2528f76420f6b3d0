// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "dataset_support.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include "sequence.hpp"
#include "support/random.hpp"

namespace twinpatch::test {

namespace fs = std::filesystem;

namespace {

double sample(const GrayImage& image, double x, double y) {
  if (x < 0 || y < 0 || x > image.width() - 1 || y > image.height() - 1) return 128.0;
  const int left = std::min(static_cast<int>(x), image.width() - 2);
  const int top = std::min(static_cast<int>(y), image.height() - 2);
  const double fx = x - left;
  const double fy = y - top;
  const std::uint8_t* a = image.row(top) + left;
  const std::uint8_t* b = image.row(top + 1) + left;
  return (a[0] * (1 - fx) + a[1] * fx) * (1 - fy) + (b[0] * (1 - fx) + b[1] * fx) * fy;
}

}  // namespace

GrayImage textured_image(int width, int height, std::uint64_t seed) {
  Random random(seed);
  std::vector<double> values(static_cast<std::size_t>(width) * static_cast<std::size_t>(height), 128.0);
  const int blobs = width * height / 120;
  for (int i = 0; i < blobs; ++i) {
    const double x = random.uniform(0, width);
    const double y = random.uniform(0, height);
    const double size = 1.5 * std::exp(random.uniform(0, 2.0));
    const double strength = random.uniform(-70, 70);
    const double stretch = random.uniform(0.5, 2.0);
    const int reach = static_cast<int>(3 * size * 2);
    for (int v = std::max(0, static_cast<int>(y) - reach); v < std::min(height, static_cast<int>(y) + reach); ++v) {
      for (int u = std::max(0, static_cast<int>(x) - reach); u < std::min(width, static_cast<int>(x) + reach); ++u) {
        const double dx = (u - x) / size;
        const double dy = (v - y) / (size * stretch);
        values[static_cast<std::size_t>(v) * static_cast<std::size_t>(width) + static_cast<std::size_t>(u)] +=
            strength * std::exp(-(dx * dx + dy * dy));
      }
    }
  }
  GrayImage image(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const double value =
          values[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)];
      image.row(y)[x] = static_cast<std::uint8_t>(std::clamp(std::lround(value), 0L, 255L));
    }
  }
  return image;
}

GrayImage seen_through(const GrayImage& image, const Homography& homography) {
  const Homography back = inverse(homography);
  GrayImage result(image.width(), image.height());
  for (int y = 0; y < result.height(); ++y) {
    for (int x = 0; x < result.width(); ++x) {
      const double w = back[6] * x + back[7] * y + back[8];
      const double u = (back[0] * x + back[1] * y + back[2]) / w;
      const double v = (back[3] * x + back[4] * y + back[5]) / w;
      result.row(y)[x] = static_cast<std::uint8_t>(std::lround(sample(image, u, v)));
    }
  }
  return result;
}

void write_text(const fs::path& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary);
  out << text;
}

std::string as_text(const Homography& homography) {
  std::string text;
  for (std::size_t i = 0; i < 9; ++i) text += fmt::format("{:.12g}{}", homography[i], i % 3 == 2 ? "\n" : " ");
  return text;
}

fs::path write_sequence(const TemporaryFolder& folder, const std::string& name, std::uint64_t seed) {
  const fs::path path = folder / name;
  fs::create_directories(path);
  const GrayImage first = textured_image(301, 247, seed);
  const Homography second{0.9, -0.25, 40, 0.25, 0.9, -20, 1e-4, -5e-5, 1};
  const Homography third{1.2, 0.1, -30, -0.05, 1.1, -10, 0, 2e-4, 1};
  write_image(path / "img1.pgm", first);
  write_image(path / "img2.pgm", seen_through(first, second));
  write_image(path / "img3.pgm", seen_through(first, third));
  write_text(path / "H1to2p", as_text(second));
  write_text(path / "H1to3p", as_text(third));
  return path;
}

ReadDataset read_dataset(const fs::path& folder) {
  ReadDataset dataset;
  std::ifstream info(folder / "info.txt");
  std::int64_t point = 0;
  std::int64_t image = 0;
  while (info >> point >> image) {
    dataset.points.push_back(point);
    dataset.images.push_back(image);
  }
  GrayImage sheet;
  for (std::size_t i = 0; i < dataset.points.size(); ++i) {
    if (i % 256 == 0) sheet = read_image(folder / fmt::format("patches{:04}.png", i / 256));
    const int left = static_cast<int>(i % 16) * 64;
    const int top = static_cast<int>(i % 256 / 16) * 64;
    std::vector<std::uint8_t> patch(64 * 64);
    for (int y = 0; y < 64; ++y) std::memcpy(patch.data() + y * 64, sheet.row(top + y) + left, 64);
    dataset.patches.push_back(std::move(patch));
  }
  return dataset;
}

std::map<std::string, std::string> file_contents(const fs::path& folder) {
  std::map<std::string, std::string> contents;
  for (const auto& entry : fs::directory_iterator(folder)) {
    std::ifstream in(entry.path(), std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    contents[entry.path().filename().string()] = text.str();
  }
  return contents;
}

double correlation(const std::vector<std::uint8_t>& a, const std::vector<std::uint8_t>& b) {
  double mean_a = 0;
  double mean_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    mean_a += a[i];
    mean_b += b[i];
  }
  mean_a /= static_cast<double>(a.size());
  mean_b /= static_cast<double>(a.size());
  double ab = 0;
  double aa = 1e-9;
  double bb = 1e-9;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += (a[i] - mean_a) * (b[i] - mean_b);
    aa += (a[i] - mean_a) * (a[i] - mean_a);
    bb += (b[i] - mean_b) * (b[i] - mean_b);
  }
  return ab / std::sqrt(aa * bb);
}

Likeness likeness(const ReadDataset& dataset) {
  Likeness result;
  double same = 0;
  double other = 0;
  std::size_t last_first = 0;
  for (std::size_t i = 1; i < dataset.points.size(); ++i) {
    if (dataset.points[i] == dataset.points[i - 1]) {
      result.same += correlation(dataset.patches[i], dataset.patches[i - 1]);
      same += 1;
    } else {
      result.other += correlation(dataset.patches[i], dataset.patches[last_first]);
      other += 1;
      last_first = i;
    }
  }
  result.same /= std::max(1.0, same);
  result.other /= std::max(1.0, other);
  return result;
}

DatasetOptions quick_options(const fs::path& folder) {
  DatasetOptions options;
  options.folder = folder;
  options.list_sizes = {20, 100};
  options.hard_pairs = 10;
  return options;
}

}  // namespace twinpatch::test
