// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "descriptor_store.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string>

#include "twinpatch/core/error.hpp"

namespace twinpatch {
namespace {

constexpr const char* kFileName = "(temporary file of descriptors)";

std::string temporary_folder() {
  if (const char* folder = std::getenv("TMPDIR"); folder != nullptr && *folder != '\0') return folder;
  return ::access("/var/tmp", W_OK) == 0 ? "/var/tmp" : "/tmp";
}

int open_unnamed_file() {
  const std::string folder = temporary_folder();
  const int unnamed = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (unnamed >= 0) return unnamed;
  // File systems without O_TMPFILE: a name that is taken away at once.
  std::string name = folder + "/twinpatch-descriptors-XXXXXX";
  const int named = ::mkostemp(name.data(), O_CLOEXEC);
  if (named < 0) throw IoError(folder, "cannot make a temporary file in", errno);
  ::unlink(name.c_str());
  return named;
}

/// Calls transfer(bytes done, bytes left) until all is done; it returns what a read or write call does.
template <class Transfer>
void transfer_all(std::int64_t bytes, const char* what, const Transfer& transfer) {
  std::int64_t done = 0;
  while (done < bytes) {
    const ssize_t now = transfer(done, bytes - done);
    if (now < 0 && errno == EINTR) continue;
    if (now <= 0) throw IoError(kFileName, what, now < 0 ? errno : EIO);
    done += now;
  }
}

}  // namespace

DescriptorStore::DescriptorStore(std::int64_t count, std::int64_t length, std::int64_t memory_bytes)
    : count_(count), length_(length) {
  if (checked_multiply(checked_multiply(count, length), 4) <= memory_bytes) {
    values_ = Matrix(count, length);
  } else {
    descriptor_ = open_unnamed_file();
  }
}

DescriptorStore::~DescriptorStore() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void DescriptorStore::write(std::int64_t begin, MatrixView descriptors) {
  if (in_memory()) {
    std::copy_n(descriptors.data, descriptors.rows * length_, values_.data() + begin * length_);
    return;
  }
  const auto* const bytes = reinterpret_cast<const char*>(descriptors.data);
  transfer_all(descriptors.rows * length_ * 4, "cannot write", [&](std::int64_t done, std::int64_t left) {
    return ::pwrite(descriptor_, bytes + done, static_cast<std::size_t>(left), begin * length_ * 4 + done);
  });
}

void DescriptorStore::read_into(std::int64_t begin, std::int64_t count, float* out) const {
  if (in_memory()) {
    std::copy_n(values_.data() + begin * length_, count * length_, out);
    return;
  }
  auto* const bytes = reinterpret_cast<char*>(out);
  transfer_all(count * length_ * 4, "cannot read", [&](std::int64_t done, std::int64_t left) {
    return ::pread(descriptor_, bytes + done, static_cast<std::size_t>(left), begin * length_ * 4 + done);
  });
}

Matrix DescriptorStore::read(std::int64_t begin, std::int64_t count) const {
  Matrix result(count, length_);
  read_into(begin, count, result.data());
  return result;
}

Matrix DescriptorStore::gather(std::span<const std::int32_t> rows) const {
  Matrix result(std::ssize(rows), length_);
  for (std::int64_t i = 0; i < result.rows(); ++i) {
    read_into(rows[static_cast<std::size_t>(i)], 1, result.row(i).data());
  }
  return result;
}

}  // namespace twinpatch
