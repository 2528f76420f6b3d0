// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "support/temporary_folder.hpp"
#include "twinpatch/net/model.hpp"

namespace twinpatch::test {

/// A temporary folder and the files that commands are tried on.
class Scene {
 public:
  /// Random weights of a network of the catalogue, as a file; its path.
  [[nodiscard]] std::string model(const std::string& network, std::uint64_t seed = 1) const;
  /// Random patches uint8 [count, side, side].
  [[nodiscard]] std::string patches(const std::string& name, std::int64_t count, int side = 64,
                                    std::uint64_t seed = 1) const;
  /// int32 [M,2].
  [[nodiscard]] std::string pairs(const std::string& name, const std::vector<std::int32_t>& indices) const;
  /// float32 of any shape.
  [[nodiscard]] std::string floats(const std::string& name, const std::vector<float>& values,
                                   const std::vector<std::int64_t>& shape) const;
  /// A synthetic photograph with structure at several scales, PNG; `shift` moves its content to the right.
  [[nodiscard]] std::string photograph(const std::string& name, int width, int height, int shift = 0) const;
  /// A PhotoTour folder of 300 patches, two noisy views of each of 150 points, with a labelled list of pairs.
  [[nodiscard]] std::string photo_tour(const std::string& name) const;
  /// A folder of two HPatches sequences with all strips, of 12 patches each.
  [[nodiscard]] std::string hpatches(const std::string& name) const;

  [[nodiscard]] std::string path(const std::string& name) const { return (folder_ / name).string(); }
  [[nodiscard]] bool has(const std::string& name) const { return std::filesystem::exists(folder_ / name); }
  [[nodiscard]] const TemporaryFolder& folder() const { return folder_; }

 private:
  TemporaryFolder folder_;
};

/// float32 or int32 values of an .npy file, and its shape.
struct Array {
  std::vector<std::int64_t> shape;
  std::vector<double> values;
};
[[nodiscard]] Array read_array(const std::string& path);

}  // namespace twinpatch::test
