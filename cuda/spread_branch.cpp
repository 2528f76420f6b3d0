// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "spread_branch.hpp"

#include <utility>

#include "twinpatch/backend/device_branch.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch::cuda {
namespace {

class SpreadBranch : public BranchExecutor {
 public:
  SpreadBranch(std::shared_ptr<DeviceThreads> threads, std::vector<std::unique_ptr<BranchExecutor>> branches)
      : threads_(std::move(threads)), branches_(std::move(branches)) {}

  std::shared_ptr<const Rows> rows(PatchView patches, Side side, const RunControl& control) override {
    if (side == Side::right && descriptor_size() > 0) {  // each patch through a tower once, on one of the devices
      return rows(descriptors(patches, side, control).view(), side);
    }
    return spread(patches.count, side, [&](std::size_t device, std::int64_t begin, std::int64_t count) {
      return branches_[device]->rows(patches.slice(begin, count), side, control);
    });
  }

  std::shared_ptr<const Rows> rows(MatrixView descriptors, Side side) override {
    return spread(descriptors.rows, side, [&](std::size_t device, std::int64_t begin, std::int64_t count) {
      return branches_[device]->rows(descriptors.slice(begin, count), side);
    });
  }

  Matrix descriptors(PatchView patches, Side side, const RunControl& control) override {
    return described(patches.count, [&](std::size_t device, std::int64_t begin, std::int64_t count) {
      return branches_[device]->descriptors(patches.slice(begin, count), side, control);
    });
  }

  std::int64_t descriptor_size() const override { return branches_.front()->descriptor_size(); }
  std::int64_t row_bytes(int height, int width) const override { return branches_.front()->row_bytes(height, width); }

 protected:
  /// Descriptors of `count` patches, each by one of the devices: make(device, begin, count).
  template <class Make>
  Matrix described(std::int64_t count, const Make& make) const {
    Matrix result(count, descriptor_size());
    threads_->run([&](std::size_t device) {
      const std::int64_t begin = first_row(count, device, threads_->count());
      const std::int64_t end = first_row(count, device + 1, threads_->count());
      const Matrix part = make(device, begin, end - begin);
      std::copy_n(part.data(), part.size(), result.data() + begin * result.columns());
    });
    return result;
  }

  /// Rows of `count` patches or descriptors where they belong: make(device, begin, count).
  template <class Make>
  std::shared_ptr<const Rows> spread(std::int64_t count, Side side, const Make& make) const {
    auto result = std::make_shared<SpreadRows>(side, count, threads_->count());
    threads_->run([&](std::size_t device) {
      const std::int64_t begin = result->begin(device);
      const std::int64_t end = side == Side::right ? count : result->begin(device + 1);
      try {
        result->parts[device] = make(device, begin, end - begin);
      } catch (const NotFinite& error) {  // said of a patch of the part
        if (error.index() < 0 || begin == 0) throw;
        throw NotFinite(fmt::format("the descriptor of patch {} is not finite", begin + error.index()),
                        begin + error.index());
      }
    });
    return result;
  }

 private:
  std::shared_ptr<DeviceThreads> threads_;
  std::vector<std::unique_ptr<BranchExecutor>> branches_;
};

PatchView part_of(const PatchView& patches, std::int64_t begin, std::int64_t count) {
  return patches.slice(begin, count);
}
PhotographView part_of(const PhotographView& photograph, std::int64_t begin, std::int64_t count) {
  PhotographView part = photograph;
  part.windows = part.windows.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(count));
  return part;
}

/// Towers: rows of what they describe stay on their devices, on the left; on the right all devices get all of them, by
/// way of the host. A photograph goes to every device, which cuts its share of the patches.
class SpreadTowers final : public SpreadBranch, public DeviceBranch {
 public:
  SpreadTowers(std::shared_ptr<DeviceThreads> threads, std::vector<std::unique_ptr<BranchExecutor>> branches,
               std::vector<DeviceBranch*> towers)
      : SpreadBranch(std::move(threads), std::move(branches)), towers_(std::move(towers)) {}
  using SpreadBranch::descriptors;

  bool cuts() const override {
    return std::ranges::all_of(towers_, [](const DeviceBranch* tower) { return tower->cuts(); });
  }

  Matrix descriptors(const PhotographView& photograph, Side side, const RunControl& control) override {
    return described(std::ssize(photograph.windows), [&](std::size_t device, std::int64_t begin, std::int64_t count) {
      return towers_[device]->descriptors(part_of(photograph, begin, count), side, control);
    });
  }

  std::shared_ptr<const Rows> described_rows(PatchView patches, Side side, float* to,
                                             const RunControl& control) override {
    return rows_of(patches, patches.count, {side, to}, control);
  }

  std::shared_ptr<const Rows> described_rows(const PhotographView& photograph, Side side, float* to,
                                             const RunControl& control) override {
    return rows_of(photograph, std::ssize(photograph.windows), {side, to}, control);
  }

 private:
  struct Destination {
    Side side;
    float* descriptors;  ///< [N, D] on the host, or null
  };
  template <class Given>
  std::shared_ptr<const Rows> rows_of(const Given& given, std::int64_t count, Destination to,
                                      const RunControl& control) {
    if (to.side == Side::right) {
      const Matrix all = descriptors(given, to.side, control);
      if (to.descriptors != nullptr) std::copy_n(all.data(), all.size(), to.descriptors);
      return rows(all.view(), to.side);
    }
    return spread(count, to.side, [&](std::size_t device, std::int64_t begin, std::int64_t some) {
      float* const its = to.descriptors != nullptr ? to.descriptors + begin * descriptor_size() : nullptr;
      return towers_[device]->described_rows(part_of(given, begin, some), to.side, its, control);
    });
  }

  std::vector<DeviceBranch*> towers_;
};

}  // namespace

std::unique_ptr<BranchExecutor> make_spread_branch(std::shared_ptr<DeviceThreads> threads,
                                                   std::vector<std::unique_ptr<BranchExecutor>> branches) {
  std::vector<DeviceBranch*> towers;
  towers.reserve(branches.size());
  for (const auto& branch : branches) towers.push_back(dynamic_cast<DeviceBranch*>(branch.get()));
  if (std::ranges::find(towers, nullptr) != towers.end()) {
    return std::make_unique<SpreadBranch>(std::move(threads), std::move(branches));
  }
  return std::make_unique<SpreadTowers>(std::move(threads), std::move(branches), std::move(towers));
}

}  // namespace twinpatch::cuda
