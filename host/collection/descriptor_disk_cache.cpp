// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "descriptor_disk_cache.hpp"

#include <fmt/format.h>

#include <cstring>

#include "hash.hpp"
#include "twinpatch/core/temporary_file.hpp"

namespace twinpatch {
namespace {

constexpr std::string_view kMagic = "tpdescr1";
constexpr std::int64_t kHeaderBytes = 64;
constexpr std::int64_t kKeyBytes = 32;

struct Header {
  char magic[8];
  char key[kKeyBytes];
  std::int64_t rows;
  std::int64_t columns;
  std::uint64_t sum;
};
static_assert(sizeof(Header) == kHeaderBytes);

std::span<const std::byte> bytes_of(MatrixView values) {
  return std::as_bytes(std::span(values.data, static_cast<std::size_t>(values.rows * values.columns)));
}

/// Of a header whose `sum` is 0, and the values.
std::uint64_t sum_of(Header header, MatrixView values) {
  header.sum = 0;
  const std::uint64_t parts[] = {checksum(std::as_bytes(std::span(&header, 1))), checksum(bytes_of(values))};
  return checksum(std::as_bytes(std::span(parts)));
}

class FolderCache final : public DescriptorDiskCache {
 public:
  explicit FolderCache(std::filesystem::path folder) : folder_(std::move(folder)) {}

  std::shared_ptr<const CachedDescriptors> find(const std::string& key, std::int64_t rows, std::int64_t columns,
                                                std::string& damage) override {
    const auto path = path_of(key);
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) return nullptr;
    try {
      auto file = std::make_shared<const MappedFile>(path);
      ByteReader reader(file->bytes(), path.string());
      const auto header = reader.read<Header>("header");
      if (std::string_view(header.magic, kMagic.size()) != kMagic) reader.fail("not a file of descriptors");
      if (std::string_view(header.key, kKeyBytes) != key) reader.fail("belongs to another key");
      if (header.rows != rows || header.columns != columns) {
        reader.fail(fmt::format("holds {} descriptors of length {}, expected {} of {}", header.rows, header.columns,
                                rows, columns));
      }
      const auto taken = reader.take(rows * columns * 4, "descriptors");
      if (reader.left() != 0) reader.fail(fmt::format("{} bytes after its end", reader.left()));
      const MatrixView view{reinterpret_cast<const float*>(taken.data()), rows, columns};
      if (sum_of(header, view) != header.sum) reader.fail("damaged: the checksum differs");
      return std::make_shared<const CachedDescriptors>(std::move(file), view);
    } catch (const Error& error) {
      damage = error.what();
      return nullptr;
    }
  }

  void store(const std::string& key, MatrixView descriptors) override {
    const auto path = path_of(key);
    std::error_code failure;
    std::filesystem::create_directories(path.parent_path(), failure);
    if (failure) throw IoError(path.parent_path().string(), "cannot create the folder", failure.value());
    Header header{};
    std::memcpy(header.magic, kMagic.data(), kMagic.size());
    std::memcpy(header.key, key.data(), kKeyBytes);
    header.rows = descriptors.rows;
    header.columns = descriptors.columns;
    header.sum = sum_of(header, descriptors);
    AtomicFile file(path);
    file.write(std::as_bytes(std::span(&header, 1)));
    file.write(bytes_of(descriptors));
    file.commit();
  }

 private:
  [[nodiscard]] std::filesystem::path path_of(const std::string& key) const {
    return folder_ / key.substr(0, 2) / (key + ".descriptors");
  }
  std::filesystem::path folder_;
};

class TemporaryCache final : public DescriptorDiskCache {
 public:
  std::shared_ptr<const CachedDescriptors> find(const std::string& key, std::int64_t rows, std::int64_t columns,
                                                std::string& /*damage*/) override {
    std::int64_t offset = 0;
    {
      const std::scoped_lock lock(mutex_);
      const auto found = offsets_.find(key);
      if (found == offsets_.end()) return nullptr;
      offset = found->second;
    }
    Matrix values(rows, columns);
    file_.read(offset, std::as_writable_bytes(values.span()));
    return std::make_shared<const CachedDescriptors>(std::move(values));
  }

  void store(const std::string& key, MatrixView descriptors) override {
    const auto bytes = bytes_of(descriptors);
    const std::scoped_lock lock(mutex_);
    file_.write(end_, bytes);
    offsets_[key] = end_;
    end_ += std::ssize(bytes);
  }

 private:
  TemporaryFile file_;
  std::mutex mutex_;
  std::map<std::string, std::int64_t> offsets_;
  std::int64_t end_ = 0;
};

}  // namespace

std::unique_ptr<DescriptorDiskCache> make_folder_cache(const std::filesystem::path& folder) {
  return std::make_unique<FolderCache>(folder);
}
std::unique_ptr<DescriptorDiskCache> make_temporary_cache() { return std::make_unique<TemporaryCache>(); }

}  // namespace twinpatch
