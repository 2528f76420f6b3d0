// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "branch/siamese_branch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <list>
#include <mutex>
#include <utility>

#include "branch/siamese_rows.hpp"
#include "plan/branch_plan.hpp"
#include "plan/dnnl_steps.hpp"
#include "plan/own_steps.hpp"
#include "plan/patch_input.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch::cpu {
namespace {

/// Plans kept at once: networks of any input size meet many sizes in one run.
constexpr std::size_t kMaxPlans = 8;

class SiameseBranch final : public BranchExecutor {
 public:
  SiameseBranch(std::shared_ptr<CpuContext> context, std::shared_ptr<const Model> model)
      : context_(std::move(context)),
        model_(std::move(model)),
        row_maker_(make_siamese_row_maker(context_, model_)),
        size_(branch_size(model_->spec)) {
    const auto* metric = std::get_if<DecisionMetric>(&model_->spec.decision);
    normalise_ = metric != nullptr && (metric->normalise || metric->kind == DecisionMetric::Kind::cosine);
    const std::scoped_lock lock(mutex_);
    if (model_->spec.input) (void)plan(Side::left, *model_->spec.input);
  }

  std::shared_ptr<const Rows> rows(PatchView patches, Side side, const RunControl& control) override {
    return row_maker_->rows(descriptors(patches, side, control), side);
  }

  std::shared_ptr<const Rows> rows(MatrixView descriptors, Side side) override {
    if (descriptors.columns != size_) {
      throw ShapeError(fmt::format("descriptors of network {} have {} values, got {}", model_->spec.name, size_,
                                   descriptors.columns));
    }
    Matrix copy(descriptors.rows, descriptors.columns);
    std::copy_n(descriptors.data, copy.size(), copy.data());
    return row_maker_->rows(std::move(copy), side);
  }

  Matrix descriptors(PatchView patches, Side side, const RunControl& control) override {
    check_patch_size(model_->spec, patches.height, patches.width);
    Matrix result(patches.count, size_);
    const std::scoped_lock lock(mutex_);
    if (patches.count == 0) return result;
    auto& network = plan(side, {patches.height, patches.width});
    context_->pool.for_ranges(patches.count, network.batch(), [&](std::int64_t begin, std::int64_t end, int worker) {
      control.check();
      describe(network, worker, patches.slice(begin, end - begin), result.row(begin).data());
      control.advance(end - begin);
    });
    return result;
  }

  std::int64_t descriptor_size() const override { return size_; }
  std::int64_t row_bytes(int /*height*/, int /*width*/) const override { return row_maker_->row_bytes(); }

 private:
  struct Entry {
    std::string branch;
    Extent patch;
    BranchPlan plan;
  };

  /// Under the mutex. The most recently used plans are kept.
  BranchPlan& plan(Side side, Extent patch) {
    const bool shared = model_->spec.coupling != Coupling::pseudo_siamese;
    const std::string branch = shared ? "branch" : (side == Side::left ? "left" : "right");
    for (auto entry = plans_.begin(); entry != plans_.end(); ++entry) {
      if (entry->branch == branch && entry->patch == patch) {
        plans_.splice(plans_.begin(), plans_, entry);
        return entry->plan;
      }
    }
    while (plans_.size() >= kMaxPlans) plans_.pop_back();
    plans_.push_front(
        {branch, patch, BranchPlan(*model_, branch, patch, 0, plan_options(*context_, model_->spec, patch))});
    return plans_.front().plan;
  }

  void describe(BranchPlan& network, int worker, PatchView patches, float* out) const {
    const SingleThreaded alone;
    const auto fill = [&](std::size_t stream, BranchPlan::Items items, float* input) {
      for (std::int64_t i = 0; i < items.count; ++i) {
        const auto patch = patches.slice(items.first + i, 1);
        load_patch(patch, pixel_map(model_->spec.normalisation, patch), model_->spec.streams[stream].view,
                   input + i * network.input(stream).size(), 1);
      }
    };
    network.run(worker, patches.count, fill, out, size_);
    for (std::int64_t i = 0; normalise_ && i < patches.count; ++i) normalise_row(out + i * size_, size_);
  }

  std::shared_ptr<CpuContext> context_;
  std::shared_ptr<const Model> model_;
  std::unique_ptr<SiameseRowMaker> row_maker_;
  std::int64_t size_ = 0;
  bool normalise_ = false;
  std::mutex mutex_;
  std::list<Entry> plans_;  // most recently used first
};

}  // namespace

std::unique_ptr<BranchExecutor> make_siamese_branch(std::shared_ptr<CpuContext> context,
                                                    std::shared_ptr<const Model> model) {
  return std::make_unique<SiameseBranch>(std::move(context), std::move(model));
}

}  // namespace twinpatch::cpu
