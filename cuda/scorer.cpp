// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "scorer.hpp"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "list/pair_list.hpp"
#include "twinpatch/backend/check_rows.hpp"
#include "twinpatch/backend/empty_selection.hpp"
#include "twinpatch/core/error.hpp"
#include "two_channel.hpp"

namespace twinpatch::cuda {
namespace {

/// Checks what it is given and hands it to the list or to the grid.
class DeviceScorer final : public PairScorer {
 public:
  DeviceScorer(std::shared_ptr<Device> device, std::shared_ptr<const Model> model,
               std::span<const GridStrategyRow> strategies)
      : device_(std::move(device)), parts_(device_, std::move(model)) {
    const Turn turn(*device_);
    const GridTask task{.decision = grid_decision(parts_.spec()),
                        .precision = device_->options.precision,
                        .architecture = device_->context.properties().architecture(),
                        .kernels = device_->options.kernels};
    const GridStrategyRow& strategy = choose_grid_strategy(strategies, task);
    device_->report(fmt::format("network {}: grids by '{}'", parts_.spec().name, strategy.name));
    grid_ = strategy.make(parts_);
    list_ = parts_.pairs != nullptr ? make_two_channel_list(parts_) : make_siamese_list(parts_);
  }
  ~DeviceScorer() override {
    const Turn turn(*device_);
    grid_.reset();
    list_.reset();
  }

  void score_list(const Rows& left, const Rows& right, std::span<const IndexPair> pairs, std::span<float> scores,
                  const RunControl& control) override {
    check_rows(left, Side::left);
    check_rows(right, Side::right);
    if (pairs.empty()) return;
    const Turn turn(*device_);
    list_->score(left, right, pairs, scores, control);
  }

  void score_tile(PlacedRows left, std::span<const PlacedRows> right, Selection& selection,
                  const RunControl& control) override {
    auto* const target = dynamic_cast<DeviceSelection*>(&selection);
    if (target == nullptr || target->device() != device_.get()) {
      throw InvalidArgument("the CUDA engine cannot write into a selection of another backend");
    }
    check_rows(*left.rows, Side::left);
    std::vector<PlacedRows> filled;
    filled.reserve(right.size());
    for (const PlacedRows& part : right) {
      check_rows(*part.rows, Side::right);
      check_tile(target->request(), left.first, left.rows->size(), part.first, part.rows->size());
      if (part.rows->size() > 0) filled.push_back(part);
    }
    if (left.rows->size() == 0 || filled.empty()) return;
    const Turn turn(*device_);
    grid_->select(left, filled, *target, control);
  }

  void score_block(const Rows& left, const Rows& right, float* scores, std::int64_t stride,
                   const RunControl& control) override {
    check_rows(left, Side::left);
    check_rows(right, Side::right);
    if (left.size() == 0 || right.size() == 0) return;
    const Turn turn(*device_);
    grid_->write(left, right, {scores, stride}, control);
  }

 private:
  void check_rows(const Rows& rows, Side side) const {
    if (!is_ours(rows)) refuse_rows(parts_.spec().name);
    check_side(parts_.spec().name, side, rows.side());
  }
  [[nodiscard]] bool is_ours(const Rows& rows) const {
    if (parts_.pairs != nullptr) {
      const auto* found = dynamic_cast<const TwoChannelRows*>(&rows);
      return found != nullptr && found->device() == device_;
    }
    const auto* found = dynamic_cast<const SiameseRows*>(&rows);
    return found != nullptr && found->device() == device_ && found->length() == parts_.length;
  }

  std::shared_ptr<Device> device_;
  ScorerParts parts_;
  std::unique_ptr<GridStrategy> grid_;
  std::unique_ptr<PairList> list_;
};

}  // namespace

std::unique_ptr<PairScorer> make_device_scorer(std::shared_ptr<Device> device, std::shared_ptr<const Model> model,
                                               std::span<const GridStrategyRow> strategies) {
  return std::make_unique<DeviceScorer>(std::move(device), std::move(model), strategies);
}

}  // namespace twinpatch::cuda
