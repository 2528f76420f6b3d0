// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "support/reference.hpp"
#include "twinpatch/backend/backend.hpp"
#include "twinpatch/backend/empty_selection.hpp"

// A device that does next to nothing and counts what it is asked for: shows what an engine or a walk over a grid does
// with a backend, whatever the network.

namespace twinpatch::test {

/// What is counted. Rows alive are counted in rows.
struct Counts {
  std::atomic<std::int64_t> described = 0;  ///< patches through the tower
  std::atomic<std::int64_t> alive = 0;
  std::atomic<std::int64_t> most_alive = 0;
  std::atomic<std::int64_t> tiles = 0;
  std::atomic<std::int64_t> listed = 0;  ///< pairs of lists
  std::atomic<std::int64_t> selections = 0;
  std::atomic<std::int64_t> grids = 0;  ///< times a selection was begun
  /// Columns of the largest selection that there is room for.
  std::atomic<std::int64_t> most_columns = std::numeric_limits<std::int64_t>::max();
};

struct FakeRows final : Rows {
  FakeRows(Matrix given, Side of, std::shared_ptr<Counts> into)
      : values(std::move(given)), its_side(of), counts(std::move(into)) {
    const std::int64_t now = counts->alive += values.rows();
    counts->most_alive = std::max(counts->most_alive.load(), now);
  }
  ~FakeRows() override { counts->alive -= values.rows(); }
  FakeRows(const FakeRows&) = delete;
  FakeRows& operator=(const FakeRows&) = delete;
  std::int64_t size() const override { return values.rows(); }
  std::int64_t bytes() const override { return values.size() * 4; }
  Side side() const override { return its_side; }
  Matrix values;
  Side its_side;
  std::shared_ptr<Counts> counts;
};

/// Length of every descriptor: the patch's first pixels.
inline constexpr std::int64_t kFakeLength = 3;

inline float fake_score(std::span<const float> a, std::span<const float> b) {
  return 2 * a[0] - b[1] + a[2] * b[2] / 64;
}

class FakeBranch final : public BranchExecutor {
 public:
  FakeBranch(bool has_descriptors, std::shared_ptr<Counts> counts)
      : has_descriptors_(has_descriptors), counts_(std::move(counts)) {}
  std::shared_ptr<const Rows> rows(PatchView patches, Side side, const RunControl& /*control*/) override {
    return std::make_shared<FakeRows>(values(patches), side, counts_);
  }
  std::shared_ptr<const Rows> rows(MatrixView descriptors, Side side) override {
    Matrix copy(descriptors.rows, descriptors.columns);
    std::copy_n(descriptors.data, copy.size(), copy.data());
    return std::make_shared<FakeRows>(std::move(copy), side, counts_);
  }
  Matrix descriptors(PatchView patches, Side /*side*/, const RunControl& /*control*/) override {
    if (!has_descriptors_) throw InvalidArgument("no descriptors");
    return values(patches);
  }
  std::int64_t descriptor_size() const override { return has_descriptors_ ? kFakeLength : 0; }
  std::int64_t row_bytes(int /*height*/, int /*width*/) const override { return kFakeLength * 4; }

 private:
  Matrix values(PatchView patches) {
    counts_->described += patches.count;
    Matrix result(patches.count, kFakeLength);
    for (std::int64_t i = 0; i < patches.count; ++i) {
      const auto* pixels = static_cast<const std::uint8_t*>(patches.slice(i, 1).pixels);
      std::copy_n(pixels, kFakeLength, result.row(i).data());
      // A patch that begins with 255 255 is one the network cannot describe.
      if (pixels[0] == 255 && pixels[1] == 255) result.row(i)[0] = std::numeric_limits<float>::quiet_NaN();
      // One that begins with 254 254 has a descriptor, but no scores.
      if (pixels[0] == 254 && pixels[1] == 254) result.row(i)[2] = std::numeric_limits<float>::max();
    }
    return result;
  }
  bool has_descriptors_;
  std::shared_ptr<Counts> counts_;
};

class FakeSelection final : public Selection {
 public:
  explicit FakeSelection(const SelectionRequest& request, std::shared_ptr<Counts> counts = std::make_shared<Counts>())
      : counts_(std::move(counts)) {
    ++counts_->selections;
    FakeSelection::begin(request);
  }
  const SelectionRequest& request() const override { return request_; }
  void begin(const SelectionRequest& request) override {
    check(request);
    if (request.columns > counts_->most_columns) throw OutOfMemory("no room for a selection");
    ++counts_->grids;
    request_ = request;
    scores = Matrix(request.rows, request.columns);
    seen = Matrix(request.rows, request.columns);
    std::fill(seen.span().begin(), seen.span().end(), 0.0F);
  }
  Selected read() const override {
    for (const float times : seen.span()) REQUIRE(times == 1.0F);
    return reference::select(scores.view(), request_);
  }

 private:
  std::shared_ptr<Counts> counts_;
  SelectionRequest request_;

 public:
  Matrix scores;
  Matrix seen;
};

class FakeScorer final : public PairScorer {
 public:
  explicit FakeScorer(std::shared_ptr<Counts> counts) : counts_(std::move(counts)) {}
  void score_list(const Rows& left, const Rows& right, std::span<const IndexPair> pairs, std::span<float> scores,
                  const RunControl& /*control*/) override {
    counts_->listed += std::ssize(pairs);
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      scores[i] =
          fake_score(values(left, Side::left).row(pairs[i].left), values(right, Side::right).row(pairs[i].right));
    }
  }
  void score_tile(PlacedRows left, std::span<const PlacedRows> parts, Selection& selection,
                  const RunControl& /*control*/) override {
    ++counts_->tiles;
    auto& target = dynamic_cast<FakeSelection&>(selection);
    for (const PlacedRows& right : parts) {
      for (std::int64_t i = 0; i < left.rows->size(); ++i) {
        for (std::int64_t j = 0; j < right.rows->size(); ++j) {
          const auto column = static_cast<std::size_t>(right.first + j);
          const float score =
              fake_score(values(*left.rows, Side::left).row(i), values(*right.rows, Side::right).row(j));
          if (!std::isfinite(score)) {
            throw NotFinite::of_score(
                "fake", {static_cast<std::int32_t>(left.first + i), static_cast<std::int32_t>(column)}, score);
          }
          target.scores.row(left.first + i)[column] = score;
          target.seen.row(left.first + i)[column] += 1;
        }
      }
    }
  }
  void score_block(const Rows& left, const Rows& right, float* scores, std::int64_t stride,
                   const RunControl& /*control*/) override {
    ++counts_->tiles;
    for (std::int64_t i = 0; i < left.size(); ++i) {
      for (std::int64_t j = 0; j < right.size(); ++j) {
        scores[i * stride + j] = fake_score(values(left, Side::left).row(i), values(right, Side::right).row(j));
      }
    }
  }

 private:
  static const Matrix& values(const Rows& rows, Side side) {
    REQUIRE(rows.side() == side);
    return dynamic_cast<const FakeRows&>(rows).values;
  }
  std::shared_ptr<Counts> counts_;
};

class FakeBackend final : public Backend {
 public:
  FakeBackend(std::int64_t memory, std::int64_t tile, std::shared_ptr<Counts> counts)
      : memory_(memory), tile_(tile), counts_(std::move(counts)) {}
  std::string description() const override { return "fake"; }
  std::unique_ptr<BranchExecutor> make_branch(std::shared_ptr<const Model> model) override {
    return std::make_unique<FakeBranch>(model->spec.coupling != Coupling::two_channel, counts_);
  }
  std::unique_ptr<PairScorer> make_scorer(std::shared_ptr<const Model> /*model*/) override {
    return std::make_unique<FakeScorer>(counts_);
  }
  std::unique_ptr<Selection> make_selection(const SelectionRequest& request) override {
    return std::make_unique<FakeSelection>(request, counts_);
  }
  TileSize tile_size(const Model& /*model*/, int /*height*/, int /*width*/) const override { return {tile_, tile_}; }
  std::int64_t memory() const override { return memory_; }

 private:
  std::int64_t memory_;
  std::int64_t tile_;
  std::shared_ptr<Counts> counts_;
};

}  // namespace twinpatch::test
