// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <utility>

#include "photograph_feed.hpp"
#include "plan/branch_plan.hpp"
#include "plan/kernel_rules.hpp"
#include "plan/measured_kernels.hpp"
#include "siamese.hpp"
#include "transfer.hpp"
#include "twinpatch/backend/device_branch.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch::cuda {
namespace {

class SiameseBranch final : public BranchExecutor, public DeviceBranch {
 public:
  SiameseBranch(std::shared_ptr<Device> device, std::shared_ptr<const Model> model)
      : device_(std::move(device)),
        weights_(device_, std::move(model)),
        row_maker_(weights_),
        feed_(device_),
        photographs_(device_),
        staging_(device_),
        delivery_(device_),
        size_(branch_size(spec())) {
    const auto* metric = std::get_if<DecisionMetric>(&spec().decision);
    normalise_ = metric != nullptr && (metric->normalise || metric->kind == DecisionMetric::Kind::cosine);
  }

  std::shared_ptr<const Rows> rows(PatchView patches, Side side, const RunControl& control) override {
    return rows_of({patches}, side, nullptr, control);
  }

  std::shared_ptr<const Rows> rows(MatrixView descriptors, Side side) override {
    if (descriptors.columns != size_) {
      throw ShapeError(
          fmt::format("descriptors of network {} have {} values, got {}", spec().name, size_, descriptors.columns));
    }
    const Turn turn(*device_);
    HeldBuffer<float> copy(device_, checked_multiply(padded_size(descriptors.rows), size_));
    staging_.reclaim();  // the memory is ours once the compute stream gets here
    staging_.copy(descriptors.data, descriptors.rows * size_ * static_cast<std::int64_t>(sizeof(float)), copy.data());
    staging_.publish();
    auto result = row_maker_.rows(std::move(copy), descriptors.rows, side);
    if (descriptors.rows > 0) staging_.report();
    return result;
  }

  Matrix descriptors(PatchView patches, Side side, const RunControl& control) override {
    return descriptors_of({patches}, side, control);
  }

  bool cuts() const override { return takes_fused(*device_, "cut"); }

  Matrix descriptors(const PhotographView& photograph, Side side, const RunControl& control) override {
    return descriptors_of(cut_from(photograph), side, control);
  }

  std::shared_ptr<const Rows> described_rows(PatchView patches, Side side, float* descriptors,
                                             const RunControl& control) override {
    return rows_of({patches}, side, descriptors, control);
  }

  std::shared_ptr<const Rows> described_rows(const PhotographView& photograph, Side side, float* descriptors,
                                             const RunControl& control) override {
    return rows_of(cut_from(photograph), side, descriptors, control);
  }

  std::int64_t descriptor_size() const override { return size_; }
  std::int64_t row_bytes(int /*height*/, int /*width*/) const override { return row_maker_.row_bytes(); }

 private:
  /// Patches, and what they are cut from (null: their pixels are there).
  struct Given {
    PatchView patches;
    const PhotographView* photograph = nullptr;
  };
  [[nodiscard]] static Given cut_from(const PhotographView& photograph) {
    return {{PixelType::u8, nullptr, std::ssize(photograph.windows), photograph.side, photograph.side}, &photograph};
  }

  [[nodiscard]] const NetworkSpec& spec() const { return weights_.model().spec; }

  BranchPlan& plan(Side side, Extent patch, std::int64_t count) {
    const bool shared = spec().coupling != Coupling::pseudo_siamese;
    const std::string branch = shared ? "branch" : (side == Side::left ? "left" : "right");
    return plans_.get(branch, patch, batch_limit(*device_, spec(), patch), count, [&](std::int64_t batch) {
      return std::make_unique<BranchPlan>(weights_, branch, patch, 0, batch);
    });
  }

  Matrix descriptors_of(const Given& given, Side side, const RunControl& control) {
    const PatchView& patches = given.patches;
    check_patch_size(spec(), patches.height, patches.width);
    const Turn turn(*device_);
    Matrix result(patches.count, size_);
    auto& network = plan(side, {patches.height, patches.width}, patches.count);
    delivery_.start();
    HeldBuffer<float> batch(device_, std::min(network.batch(), patches.count) * size_);
    describe(network, given, control, [&](std::int64_t begin, std::int64_t count) {
      copy_vectors(network, count, batch.data());
      delivery_.take(batch.data(), count * descriptor_bytes(), result.row(begin).data());
    });
    delivery_.finish();
    finish(network, patches.count);
    return result;
  }

  /// `descriptors`: [N, size_] on the host, or null.
  std::shared_ptr<const Rows> rows_of(const Given& given, Side side, float* descriptors, const RunControl& control) {
    const PatchView& patches = given.patches;
    check_patch_size(spec(), patches.height, patches.width);
    const Turn turn(*device_);
    HeldBuffer<float> result(device_, checked_multiply(padded_size(patches.count), size_));
    if (patches.count > 0) {
      auto& network = plan(side, {patches.height, patches.width}, patches.count);
      delivery_.start();
      describe(network, given, control, [&](std::int64_t begin, std::int64_t count) {
        float* const vectors = result.data() + begin * size_;
        copy_vectors(network, count, vectors);
        if (descriptors != nullptr) delivery_.take(vectors, count * descriptor_bytes(), descriptors + begin * size_);
      });
      delivery_.finish();
      finish(network, patches.count);
    }
    return row_maker_.rows(std::move(result), patches.count, side);
  }

  [[nodiscard]] std::int64_t descriptor_bytes() const { return size_ * static_cast<std::int64_t>(sizeof(float)); }

  /// Enqueues, batch by batch, the way of patches to the plan's vectors, and calls take(begin, count) when those of a
  /// batch have been.
  template <class Take>
  void describe(BranchPlan& network, const Given& given, const RunControl& control, const Take& take) {
    const PatchView& patches = given.patches;
    static const RangeName kDescribe(Stage::compute, "describe");
    const bool floats = patches.type == PixelType::f32;
    HeldBuffer<kernels::PixelMap> maps(device_, floats ? 0 : std::min(network.batch(), patches.count));
    const auto consume = [&](const void* pixels, std::int64_t begin, std::int64_t count) {
      const Range range(kDescribe, {.pairs = count, .bytes = count * patches.patch_bytes()});
      if (!floats) {
        kernels::pixel_maps(device_->stream(), {static_cast<const std::uint8_t*>(pixels), count, patches.patch_bytes()},
                            pixel_rule(spec().normalisation), maps.data());
      }
      const kernels::PatchSource source{.pixels = pixels, .floats = floats, .maps = floats ? nullptr : maps.data()};
      network.load({&source, 1}, count);
      network.run();
      take(begin, count);
    };
    if (given.photograph != nullptr) {
      photographs_.run(*given.photograph, network.batch(), control, consume);
    } else {
      feed_.run(patches, network.batch(), control, consume);
    }
  }

  void copy_vectors(const BranchPlan& network, std::int64_t count, float* to) {
    TWINPATCH_CUDA_CHECK(cudaMemcpyAsync(to, network.vectors(), static_cast<std::size_t>(count * size_) * sizeof(float),
                                         cudaMemcpyDeviceToDevice, device_->stream()));
    if (normalise_) kernels::normalise_rows(device_->stream(), to, count, size_);
  }

  void finish(const BranchPlan& network, std::int64_t patches) {
    device_->finish();
    if (patches == 0) return;
    feed_.report();
    photographs_.report();
    const double passes = static_cast<double>(ceil_divide(patches, network.batch()));
    const double useful = static_cast<double>(patches) / static_cast<double>(network.batch());
    device_->statistics.add_patches(patches, useful * network.operations());
    device_->statistics.add(Stage::compute, 0,
                            static_cast<std::int64_t>(passes * static_cast<double>(network.bytes())));
  }

  std::shared_ptr<Device> device_;
  DeviceWeights weights_;
  SiameseRowMaker row_maker_;
  PatchFeed feed_;
  PhotographFeed photographs_;
  Staging staging_;
  Delivery delivery_;
  BatchPlans<BranchPlan> plans_;
  std::int64_t size_ = 0;
  bool normalise_ = false;
};

}  // namespace

std::unique_ptr<BranchExecutor> make_siamese_branch(std::shared_ptr<Device> device,
                                                    std::shared_ptr<const Model> model) {
  return std::make_unique<SiameseBranch>(std::move(device), std::move(model));
}

}  // namespace twinpatch::cuda
