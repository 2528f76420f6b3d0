// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/scene.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>

#include "support/random.hpp"
#include "twinpatch/formats/npy.hpp"
#include "twinpatch/vision/image.hpp"

namespace twinpatch::test {
namespace {

constexpr int kSheet = 1024;
constexpr int kPatch = 64;

std::uint8_t clamp_grey(double value) { return static_cast<std::uint8_t>(std::clamp(std::lround(value), 0L, 255L)); }

/// Copies a patch into an image at (x, y), with noise.
void paste(GrayImage& image, const std::uint8_t* patch, int side, int x, int y, double noise, Random& random) {
  for (int i = 0; i < side; ++i) {
    for (int j = 0; j < side; ++j) image.row(y + i)[x + j] = clamp_grey(patch[i * side + j] + noise * random.normal());
  }
}

void fill(GrayImage& image, std::uint8_t value) {
  for (int y = 0; y < image.height(); ++y) std::fill_n(image.row(y), image.width(), value);
}

}  // namespace

std::string Scene::model(const std::string& network_name, std::uint64_t seed) const {
  const std::string file = path(network_name + ".safetensors");
  if (!std::filesystem::exists(file)) save_model(file, random_model(network(network_name), seed));
  return file;
}

std::string Scene::patches(const std::string& name, std::int64_t count, int side, std::uint64_t seed) const {
  write_npy<std::uint8_t>(path(name), structured_patches(count, side, side, seed), {count, side, side});
  return path(name);
}

std::string Scene::pairs(const std::string& name, const std::vector<std::int32_t>& indices) const {
  write_npy<std::int32_t>(path(name), indices, {static_cast<std::int64_t>(indices.size() / 2), 2});
  return path(name);
}

std::string Scene::floats(const std::string& name, const std::vector<float>& values,
                          const std::vector<std::int64_t>& shape) const {
  write_npy<float>(path(name), values, shape);
  return path(name);
}

std::string Scene::photograph(const std::string& name, int width, int height, int shift) const {
  GrayImage image(width, height);
  struct Spot {
    double x, y, size, grey;
  };
  Random random(7);
  std::vector<Spot> spots;
  for (int i = 0; i < width * height / 400; ++i) {
    spots.push_back(
        {random.uniform(0, width), random.uniform(0, height), random.uniform(2, 8), random.uniform(-90, 90)});
  }
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      double grey = 128;
      for (const auto& spot : spots) {
        const double dx = (x - shift - spot.x) / spot.size;
        const double dy = (y - spot.y) / spot.size;
        if (dx * dx + dy * dy < 9) grey += spot.grey * std::exp(-(dx * dx + dy * dy));
      }
      image.row(y)[x] = clamp_grey(grey);
    }
  }
  write_image(path(name), image);
  return path(name);
}

std::string Scene::photo_tour(const std::string& name) const {
  constexpr int kPoints = 150;
  std::filesystem::create_directory(path(name));
  const auto originals = structured_patches(kPoints, kPatch, kPatch, 11);
  Random random(12);
  std::ofstream info(path(name) + "/info.txt");
  for (int sheet = 0; sheet < 2; ++sheet) {
    GrayImage image(kSheet, kSheet);
    fill(image, 0);
    for (int cell = 0; cell < 256 && sheet * 256 + cell < 2 * kPoints; ++cell) {
      const int point = (sheet * 256 + cell) / 2;
      paste(image, originals.data() + point * kPatch * kPatch, kPatch, cell % 16 * kPatch, cell / 16 * kPatch, 3,
            random);
      info << point << " 0\n";
    }
    write_image(path(name) + "/patches000" + std::to_string(sheet) + ".png", image);
  }
  std::ofstream list(path(name) + "/m50_150_150_0.txt");
  for (int point = 0; point < kPoints; ++point) {
    const int other = (point + 7) % kPoints;
    list << 2 * point << ' ' << point << " 0 " << 2 * point + 1 << ' ' << point << " 0\n";
    list << 2 * point << ' ' << point << " 0 " << 2 * other + 1 << ' ' << other << " 0\n";
  }
  return path(name);
}

std::string Scene::hpatches(const std::string& name) const {
  constexpr int kCount = 12;
  constexpr int kSide = 65;
  for (int sequence = 0; sequence < 2; ++sequence) {
    const std::string folder = path(name) + (sequence == 0 ? "/v_first" : "/i_second");
    std::filesystem::create_directories(folder);
    const auto originals = structured_patches(kCount, kSide, kSide, 21 + static_cast<std::uint64_t>(sequence));
    Random random(31);
    for (const char* strip :
         {"ref", "e1", "e2", "e3", "e4", "e5", "h1", "h2", "h3", "h4", "h5", "t1", "t2", "t3", "t4", "t5"}) {
      GrayImage image(kSide, kSide * kCount);
      for (int i = 0; i < kCount; ++i) {
        paste(image, originals.data() + i * kSide * kSide, kSide, 0, i * kSide, 4, random);
      }
      write_image(folder + "/" + strip + ".png", image);
    }
  }
  return path(name);
}

Array read_array(const std::string& path) {
  const NpyArray array = read_npy(path);
  Array result{array.shape(), {}};
  if (array.type() == NpyType::i32) {
    const auto values = array.values<std::int32_t>();
    result.values.assign(values.begin(), values.end());
  } else {
    const auto values = array.values<float>();
    result.values.assign(values.begin(), values.end());
  }
  return result;
}

}  // namespace twinpatch::test
