// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "descriptor_disk_cache.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "hash.hpp"

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

constexpr const char* kUnnamed = "(temporary file of descriptors)";

class TemporaryCache final : public DescriptorDiskCache {
 public:
  TemporaryCache() {
    const char* const given = std::getenv("TMPDIR");
    const std::string folder = given != nullptr && *given != '\0' ? given : "/var/tmp";
    file_ = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (file_ >= 0) return;
    std::string name = folder + "/twinpatch-descriptors-XXXXXX";  // file systems without O_TMPFILE
    file_ = ::mkostemp(name.data(), O_CLOEXEC);
    if (file_ < 0) throw IoError(folder, "cannot make a temporary file in", errno);
    ::unlink(name.c_str());
  }
  ~TemporaryCache() override { ::close(file_); }
  TemporaryCache(const TemporaryCache&) = delete;
  TemporaryCache& operator=(const TemporaryCache&) = delete;

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
    auto* const bytes = reinterpret_cast<char*>(values.data());
    const std::int64_t total = values.size() * 4;
    for (std::int64_t done = 0; done < total;) {
      const ssize_t now = ::pread(file_, bytes + done, static_cast<std::size_t>(total - done), offset + done);
      if (now < 0 && errno == EINTR) continue;
      if (now <= 0) throw IoError(kUnnamed, "cannot read", now < 0 ? errno : EIO);
      done += now;
    }
    return std::make_shared<const CachedDescriptors>(std::move(values));
  }

  void store(const std::string& key, MatrixView descriptors) override {
    const auto bytes = bytes_of(descriptors);
    const std::scoped_lock lock(mutex_);
    for (std::size_t done = 0; done < bytes.size();) {
      const ssize_t now =
          ::pwrite(file_, bytes.data() + done, bytes.size() - done, end_ + static_cast<std::int64_t>(done));
      if (now < 0 && errno == EINTR) continue;
      if (now <= 0) throw IoError(kUnnamed, "cannot write", now < 0 ? errno : ENOSPC);
      done += static_cast<std::size_t>(now);
    }
    offsets_[key] = end_;
    end_ += static_cast<std::int64_t>(bytes.size());
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::int64_t> offsets_;
  std::int64_t end_ = 0;
  int file_ = -1;
};

}  // namespace

std::unique_ptr<DescriptorDiskCache> make_folder_cache(const std::filesystem::path& folder) {
  return std::make_unique<FolderCache>(folder);
}
std::unique_ptr<DescriptorDiskCache> make_temporary_cache() { return std::make_unique<TemporaryCache>(); }

}  // namespace twinpatch
