// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/pixel_kernels.hpp"
#include "plan/layer_plan.hpp"
#include "plan/patch_input.hpp"
#include "plan/step.hpp"
#include "twinpatch/backend/backend.hpp"
#include "twinpatch/core/buffer.hpp"
#include "twinpatch/net/two_channel.hpp"

// Halves of the first convolutions of a 2-channel network (twinpatch/net/two_channel.hpp), and their sum.

namespace twinpatch::cpu {

/// A half of one stream, NHWC: in float32 or, where `values` is null, in integers.
struct HalfView {
  const float* values = nullptr;
  IntegerMap integers = {};
};

/// Halves of the first convolutions: one patch → its half of every stream, each NHWC.
class HalvesPlan {
 public:
  /// In other precisions than fp32, halves that pooling joins are stored as 16-bit integers, which take half the
  /// memory.
  HalvesPlan(const Model& model, Extent patch, Side side, const JoinRule& rule, const PlanOptions& options);
  /// out [shape(stream)]: a stream's half of one patch (the first of the view), on the calling worker's thread.
  void run(int worker, std::size_t stream, PatchView patch, PixelMap map, float* out);
  /// Every stream's half, to keep: out [stored_size()].
  void store(int worker, PatchView patch, PixelMap map, float* out);
  [[nodiscard]] std::int64_t stored_size() const noexcept { return stored_size_; }
  /// A stream's half of what store() wrote.
  [[nodiscard]] HalfView stored(const float* patch, std::size_t stream) const;
  /// Floats of the largest stream's half.
  [[nodiscard]] std::int64_t size() const noexcept { return size_; }
  [[nodiscard]] Shape shape(std::size_t stream) const { return streams_[stream].output; }

 private:
  struct Stream {
    StreamView view;
    Shape output;
    std::int64_t offset = 0;  // within a stored patch
    std::unique_ptr<Step> convolution;
  };
  struct Worker {
    Buffer<float> input;  // of one stream of one patch
    Buffer<float> half;   // on its way to integers
    Buffer<std::byte> scratch;
  };
  std::vector<Stream> streams_;
  std::vector<Worker> workers_;
  std::int64_t size_ = 0, stored_size_ = 0;
  bool as_integers_ = false;
};

/// The halves of a pair, of one stream, and how they are joined.
struct JoinWork {
  HalfView left, right;  ///< both in the same numbers
  Shape shape;           ///< of either
  JoinRule rule;
};
/// Rows [first, first + rows) of rule(left + right), `first` even; halves and `out` at their maps' beginnings.
void join_halves(const JoinWork& work, int first, int rows, float* out);

}  // namespace twinpatch::cpu
