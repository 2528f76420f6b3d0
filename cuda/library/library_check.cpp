// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "library/library_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

namespace twinpatch::cuda {
namespace {

std::string place(std::source_location where) {
  return fmt::format("{}:{}", std::filesystem::path(where.file_name()).filename().string(), where.line());
}

}  // namespace

std::string last_words() {
  std::array<char, 1024> text{};
  cudnnGetLastErrorString(text.data(), text.size());
  std::string words(text.data());
  std::replace(words.begin(), words.end(), '\n', ' ');
  while (!words.empty() && words.back() == ' ') words.pop_back();
  return words;
}

void throw_error(cudnnStatus_t code, const char* expression, std::source_location where) {
  const std::string words = last_words();
  const std::string message = fmt::format("{} in {} at {}{}{}", cudnnGetErrorString(code), expression, place(where),
                                          words.empty() ? "" : ": ", words);
  if (code == CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED ||
      code == CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED) {
    throw OutOfMemory(message);
  }
  throw DeviceError(message);
}

void throw_error(cublasStatus_t code, const char* expression, std::source_location where) {
  const std::string message = fmt::format("{} in {} at {}", cublasLtGetStatusName(code), expression, place(where));
  if (code == CUBLAS_STATUS_ALLOC_FAILED) throw OutOfMemory(message);
  throw DeviceError(message);
}

}  // namespace twinpatch::cuda
