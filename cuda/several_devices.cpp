// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <functional>
#include <utility>

#include "cuda_backend.hpp"
#include "grid/selection.hpp"
#include "spread_branch.hpp"
#include "twinpatch/backend/check_rows.hpp"
#include "twinpatch/core/checked.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch::cuda {
namespace {

class SpreadSelection final : public Selection {
 public:
  SpreadSelection(const SelectionRequest& request, std::vector<std::unique_ptr<Selection>> parts)
      : request_(request), parts_(std::move(parts)) {}
  [[nodiscard]] const SelectionRequest& request() const override { return request_; }
  [[nodiscard]] Selection& part(std::size_t device) { return *parts_[device]; }
  void begin(const SelectionRequest& request) override {
    for (const auto& part : parts_) part->begin(request);
    request_ = request;
  }

  /// Each device has keys of the whole grid; those of rows that it did not score are empty.
  [[nodiscard]] Selected read() const override {
    DeviceSelection::Keys merged = keys_of(0);
    std::vector<std::uint64_t> rows(merged.rows.begin(), merged.rows.end());
    std::vector<std::uint64_t> columns(merged.columns.begin(), merged.columns.end());
    const auto top_k = static_cast<std::size_t>(request_.top_k);
    std::vector<std::uint64_t> both(2 * top_k);
    for (std::size_t device = 1; device < parts_.size(); ++device) {
      const DeviceSelection::Keys more = keys_of(device);
      merged.first_bad = std::max(merged.first_bad, more.first_bad);
      for (std::size_t at = 0; at < rows.size(); at += top_k) {
        const auto mine = std::span(rows).subspan(at, top_k);
        const auto its = more.rows.subspan(at, top_k);
        std::merge(mine.begin(), mine.end(), its.begin(), its.end(), both.begin(), std::greater<>());
        std::copy_n(both.begin(), top_k, mine.begin());
      }
      for (std::size_t j = 0; j < columns.size(); ++j) columns[j] = std::max(columns[j], more.columns[j]);
    }
    merged.rows = rows;
    merged.columns = columns;
    return decode(request_, merged);
  }

 private:
  [[nodiscard]] DeviceSelection::Keys keys_of(std::size_t device) const {
    return dynamic_cast<const DeviceSelection&>(*parts_[device]).read_keys();
  }
  SelectionRequest request_;
  std::vector<std::unique_ptr<Selection>> parts_;
};

class SpreadScorer final : public PairScorer {
 public:
  SpreadScorer(std::string network, std::shared_ptr<DeviceThreads> threads,
               std::vector<std::unique_ptr<PairScorer>> scorers)
      : network_(std::move(network)), threads_(std::move(threads)), scorers_(std::move(scorers)) {}

  /// Every pair where its left patch is.
  void score_list(const Rows& left_rows, const Rows& right_rows, std::span<const IndexPair> pairs,
                  std::span<float> scores, const RunControl& control) override {
    const SpreadRows& left = spread(left_rows, Side::left);
    const SpreadRows& right = spread(right_rows, Side::right);
    threads_->run([&](std::size_t device) {
      const std::int64_t begin = left.begin(device);
      const std::int64_t end = left.begin(device + 1);
      std::vector<IndexPair> mine;
      std::vector<std::size_t> places;
      for (std::size_t n = 0; n < pairs.size(); ++n) {
        if (pairs[n].left < begin || pairs[n].left >= end) continue;
        mine.push_back({static_cast<std::int32_t>(pairs[n].left - begin), pairs[n].right});
        places.push_back(n);
      }
      std::vector<float> results(mine.size());
      scorers_[device]->score_list(*left.parts[device], *right.parts[device], mine, results, control);
      for (std::size_t n = 0; n < places.size(); ++n) scores[places[n]] = results[n];
    });
  }

  void score_tile(PlacedRows placed_left, std::span<const PlacedRows> placed_right, Selection& selection,
                  const RunControl& control) override {
    const SpreadRows& left = spread(*placed_left.rows, Side::left);
    std::vector<std::pair<const SpreadRows*, std::int64_t>> right;
    for (const PlacedRows& part : placed_right) right.emplace_back(&spread(*part.rows, Side::right), part.first);
    auto* const target = dynamic_cast<SpreadSelection*>(&selection);
    if (target == nullptr) {
      throw InvalidArgument("the CUDA engine cannot write into a selection of another backend");
    }
    threads_->run([&](std::size_t device) {
      std::vector<PlacedRows> parts;
      for (const auto& [rows, first] : right) parts.push_back({rows->parts[device].get(), first});
      scorers_[device]->score_tile({left.parts[device].get(), placed_left.first + left.begin(device)}, parts,
                                   target->part(device), control);
    });
  }

  void score_block(const Rows& left_rows, const Rows& right_rows, float* scores, std::int64_t stride,
                   const RunControl& control) override {
    const SpreadRows& left = spread(left_rows, Side::left);
    const SpreadRows& right = spread(right_rows, Side::right);
    threads_->run([&](std::size_t device) {
      scorers_[device]->score_block(*left.parts[device], *right.parts[device], scores + left.begin(device) * stride,
                                    stride, control);
    });
  }

 private:
  const SpreadRows& spread(const Rows& rows, Side side) const {
    const auto* const result = dynamic_cast<const SpreadRows*>(&rows);
    if (result == nullptr) refuse_rows(network_);
    check_side(network_, side, result->side());
    return *result;
  }

  std::string network_;
  std::shared_ptr<DeviceThreads> threads_;
  std::vector<std::unique_ptr<PairScorer>> scorers_;
};

class SeveralDevices final : public Backend {
 public:
  explicit SeveralDevices(std::vector<std::unique_ptr<CudaBackend>> devices)
      : devices_(std::move(devices)), threads_(std::make_shared<DeviceThreads>(static_cast<int>(devices_.size()))) {}

  std::string description() const override {
    std::string text;
    for (const auto& device : devices_) text += (text.empty() ? "" : "; ") + device->description();
    return text;
  }
  std::unique_ptr<BranchExecutor> make_branch(std::shared_ptr<const Model> model) override {
    std::vector<std::unique_ptr<BranchExecutor>> branches;
    for (const auto& device : devices_) branches.push_back(device->make_branch(model));
    return make_spread_branch(threads_, std::move(branches));
  }
  std::unique_ptr<PairScorer> make_scorer(std::shared_ptr<const Model> model) override {
    std::vector<std::unique_ptr<PairScorer>> scorers;
    for (const auto& device : devices_) scorers.push_back(device->make_scorer(model));
    return std::make_unique<SpreadScorer>(model->spec.name, threads_, std::move(scorers));
  }
  std::unique_ptr<Selection> make_selection(const SelectionRequest& request) override {
    std::vector<std::unique_ptr<Selection>> parts;
    for (const auto& device : devices_) parts.push_back(device->make_selection(request));
    return std::make_unique<SpreadSelection>(request, std::move(parts));
  }
  /// As on the smallest device, with a block of rows for each.
  TileSize tile_size(const Model& model, int height, int width) const override {
    TileSize result = devices_.front()->tile_size(model, height, width);
    for (const auto& device : devices_) {
      const TileSize its = device->tile_size(model, height, width);
      result = {std::min(result.rows, its.rows), std::min(result.columns, its.columns)};
    }
    result.rows = checked_multiply(result.rows, std::ssize(devices_));
    return result;
  }
  std::int64_t patches_at_once() const override {
    std::int64_t result = 0;
    for (const auto& device : devices_) result = checked_add(result, device->patches_at_once());
    return result;
  }
  std::int64_t memory() const override {
    std::int64_t result = devices_.front()->memory();
    for (const auto& device : devices_) result = std::min(result, device->memory());
    return result;
  }
  std::vector<RunSummary> summaries() const override {
    std::vector<RunSummary> result;
    for (const auto& device : devices_) result.push_back(device->summaries().front());
    return result;
  }

 private:
  std::vector<std::unique_ptr<CudaBackend>> devices_;
  std::shared_ptr<DeviceThreads> threads_;
};

}  // namespace

std::unique_ptr<Backend> make_several_devices(std::vector<std::unique_ptr<CudaBackend>> devices) {
  return std::make_unique<SeveralDevices>(std::move(devices));
}

}  // namespace twinpatch::cuda
