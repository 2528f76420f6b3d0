// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "library/convolution.hpp"
#include "plan/layer_plan.hpp"
#include "two_channel.hpp"

namespace twinpatch::cuda {

/// Halves of the first convolutions of a 2-channel network, conv([p; q]) = convₚ(p) + conv_q(q), the bias with the left
/// half: one patch → its half of every stream.
class HalvesPlan {
 public:
  HalvesPlan(DeviceWeights& weights, Extent patch, Side side, std::int64_t batch);

  /// Halves of rows [begin, begin + count) of `rows`, enqueued: stream by stream, [count, shape(stream)] in the
  /// device's type. Valid until the next call.
  void run(const TwoChannelRows& rows, std::int64_t begin, std::int64_t count);
  [[nodiscard]] const void* halves(std::size_t stream) const { return streams_[stream].halves.data(); }
  [[nodiscard]] kernels::MapShape shape(std::size_t stream) const { return streams_[stream].output; }
  /// Of one patch: what is computed, and bytes read and written.
  [[nodiscard]] double operations() const noexcept { return operations_; }
  [[nodiscard]] std::int64_t bytes() const noexcept { return bytes_; }

 private:
  struct StreamHalf {
    kernels::View view = kernels::View::whole;
    kernels::MapShape output;
    std::unique_ptr<ConvolutionPlan> convolution;
    const void* filter = nullptr;
    const void* bias = nullptr;
    HeldBuffer<std::byte> input;   ///< [batch, one channel]
    HeldBuffer<std::byte> halves;  ///< [rows of the last run, in whole batches, output]
  };
  std::shared_ptr<Device> device_;
  Extent patch_;
  std::int64_t batch_;
  std::vector<StreamHalf> streams_;
  HeldBuffer<std::byte> scratch_;
  double operations_ = 0;
  std::int64_t bytes_ = 0;
};

}  // namespace twinpatch::cuda
