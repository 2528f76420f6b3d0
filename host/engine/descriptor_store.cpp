// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "descriptor_store.hpp"

#include <algorithm>

#include "twinpatch/core/checked.hpp"

namespace twinpatch {

DescriptorStore::DescriptorStore(std::int64_t count, std::int64_t length, std::int64_t memory_bytes)
    : count_(count), length_(length) {
  if (checked_multiply(checked_multiply(count, length), 4) <= memory_bytes) {
    values_ = Matrix(count, length);
  } else {
    file_.emplace();
  }
}

void DescriptorStore::write(std::int64_t begin, MatrixView descriptors) {
  const std::int64_t size = descriptors.rows * length_;
  if (in_memory()) {
    std::copy_n(descriptors.data, size, values_.data() + begin * length_);
  } else {
    file_->write(begin * length_ * 4, std::as_bytes(std::span(descriptors.data, static_cast<std::size_t>(size))));
  }
}

void DescriptorStore::read_into(std::int64_t begin, std::int64_t count, float* out) const {
  const std::int64_t size = count * length_;
  if (in_memory()) {
    std::copy_n(values_.data() + begin * length_, size, out);
  } else {
    file_->read(begin * length_ * 4, std::as_writable_bytes(std::span(out, static_cast<std::size_t>(size))));
  }
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
