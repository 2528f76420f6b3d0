// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "plan/patch_input.hpp"
#include "plan/step.hpp"
#include "twinpatch/backend/backend.hpp"
#include "twinpatch/core/buffer.hpp"
#include "twinpatch/net/two_channel.hpp"

// Halves of the first convolutions of a 2-channel network (twinpatch/net/two_channel.hpp), and their sum.

namespace twinpatch::cpu {

/// Halves of the first convolutions: one patch → its half of every stream, one after the other, each NHWC.
class HalvesPlan {
 public:
  HalvesPlan(const Model& model, Extent patch, Side side, int workers);
  /// out [shape(stream)]: a stream's half of one patch (the first of the view), on the calling worker's thread.
  void run(int worker, std::size_t stream, PatchView patch, PixelMap map, float* out);
  /// out [size()]: every stream's half.
  void run_all(int worker, PatchView patch, PixelMap map, float* out);
  [[nodiscard]] std::int64_t size() const noexcept { return size_; }
  /// Where a stream's half begins within a patch's.
  [[nodiscard]] std::int64_t offset(std::size_t stream) const { return streams_[stream].offset; }
  [[nodiscard]] Shape shape(std::size_t stream) const { return streams_[stream].output; }

 private:
  struct Stream {
    StreamView view;
    Shape output;
    std::int64_t offset = 0;
    std::unique_ptr<Step> convolution;
  };
  struct Worker {
    Buffer<float> input;  // of one stream of one patch
    Buffer<std::byte> scratch;
  };
  std::vector<Stream> streams_;
  std::vector<Worker> workers_;
  std::int64_t size_ = 0;
};

/// The halves of a pair, of one stream, and how they are joined.
struct JoinWork {
  const float* left = nullptr;
  const float* right = nullptr;
  Shape shape;  ///< of either
  JoinRule rule;
};
/// Rows [first, first + rows) of rule(left + right), `first` even; all pointers at their maps' beginnings.
void join_halves(const JoinWork& work, int first, int rows, float* out);

}  // namespace twinpatch::cpu
