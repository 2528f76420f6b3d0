// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "runtime/number_type.hpp"

#include "twinpatch/core/error.hpp"

namespace twinpatch::cuda {

NumberType storage_of(Precision precision) {
  switch (precision) {
    case Precision::fp32:
    case Precision::tf32:
      return NumberType::fp32;
    case Precision::fp16:
      return NumberType::fp16;
    case Precision::bf16:
      return NumberType::bf16;
    case Precision::int8:
    case Precision::automatic:
      break;
  }
  throw InvalidArgument(std::string("the CUDA engine offers fp32, tf32, fp16 and bf16, not ") +
                        twinpatch::to_string(precision));
}

const char* to_string(NumberType type) {
  switch (type) {
    case NumberType::fp32:
      return "fp32";
    case NumberType::fp16:
      return "fp16";
    case NumberType::bf16:
      return "bf16";
  }
  return "unknown";
}

}  // namespace twinpatch::cuda
