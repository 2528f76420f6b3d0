// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "twinpatch/core/error.hpp"
#include "twinpatch/engine/select_scored.hpp"
#include "twinpatch/evaluate/comparer.hpp"

namespace twinpatch {
namespace {

class RerankingComparer final : public Comparer {
 public:
  RerankingComparer(std::shared_ptr<Comparer> first, std::unique_ptr<Comparer> second, int candidates)
      : first_(std::move(first)),
        second_(std::move(second)),
        candidates_(candidates),
        name_(fmt::format("{} on {}'s {}", second_->name(), first_->name(), candidates)) {
    if (candidates < 1) throw InvalidArgument(fmt::format("{} candidates to rank: at least one is needed", candidates));
    if (first_->side() != second_->side()) {
      throw ShapeError(fmt::format("{} takes patches of {} pixels, {} of {}: both must take the same size",
                                   first_->name(), first_->side(), second_->name(), second_->side()));
    }
  }
  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] int side() const override { return second_->side(); }
  [[nodiscard]] std::vector<float> score(PatchView left, PatchView right, std::span<const IndexPair> pairs,
                                         const RunControl& control) override {
    return second_->score(left, right, pairs, control);
  }
  [[nodiscard]] Selected best(PatchView left, PatchView right, const GridOptions& options,
                              const RunControl& control) override {
    GridOptions nearest;
    nearest.top_k = candidates_;
    const Selected candidates = first_->best(left, right, nearest, control);
    std::vector<IndexPair> pairs;
    for (std::int64_t i = 0; i < left.count * candidates_; ++i) {
      if (candidates.indices[i] >= 0)
        pairs.push_back({static_cast<std::int32_t>(i / candidates_), candidates.indices[i]});
    }
    const std::vector<float> scores = second_->score(left, right, pairs, control);
    return select_scored({pairs, scores, left.count, right.count}, options);
  }

 private:
  std::shared_ptr<Comparer> first_;
  std::unique_ptr<Comparer> second_;
  int candidates_;
  std::string name_;
};

}  // namespace

std::unique_ptr<Comparer> reranking_comparer(std::shared_ptr<Comparer> first, std::unique_ptr<Comparer> second,
                                             int candidates) {
  return std::make_unique<RerankingComparer>(std::move(first), std::move(second), candidates);
}

}  // namespace twinpatch
