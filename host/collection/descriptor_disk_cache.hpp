// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "twinpatch/collection/run.hpp"
#include "twinpatch/core/file.hpp"
#include "twinpatch/core/matrix.hpp"

namespace twinpatch {

/// Descriptors of one image [keypoints, D], in memory or in a mapped file.
class CachedDescriptors {
 public:
  explicit CachedDescriptors(Matrix values) : values_(std::move(values)), view_(values_.view()) {}
  CachedDescriptors(std::shared_ptr<const MappedFile> file, MatrixView view) : file_(std::move(file)), view_(view) {}
  [[nodiscard]] MatrixView view() const { return view_; }
  [[nodiscard]] std::int64_t bytes() const { return view_.rows * view_.columns * 4; }

 private:
  Matrix values_;
  std::shared_ptr<const MappedFile> file_;
  MatrixView view_;
};

/// Descriptors that outlive the device's memory: a tower costs far more than reading its result back.
/// May be used from several threads.
class DescriptorDiskCache {
 public:
  virtual ~DescriptorDiskCache() = default;
  /// Nothing where the key is unknown, or (`damage` says how) what was kept is damaged.
  [[nodiscard]] virtual std::shared_ptr<const CachedDescriptors> find(const std::string& key, std::int64_t rows,
                                                                      std::int64_t columns, std::string& damage) = 0;
  virtual void store(const std::string& key, MatrixView descriptors) = 0;
};

// One file per image, FOLDER/ab/abcd….descriptors, little-endian:
//   0  "tpdescr1"
//   8  key, 32 hex digits
//  40  i64 rows N, i64 columns D
//  56  u64 XXH3 of the values and of bytes 0 to 55
//  64  N × D × f32
[[nodiscard]] std::unique_ptr<DescriptorDiskCache> make_folder_cache(const std::filesystem::path& folder);
/// In a file without a name that vanishes with the process.
[[nodiscard]] std::unique_ptr<DescriptorDiskCache> make_temporary_cache();

}  // namespace twinpatch
