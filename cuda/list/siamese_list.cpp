// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "list/pair_list.hpp"

namespace twinpatch::cuda {
namespace {

class SiameseList final : public PairList {
 public:
  explicit SiameseList(ScorerParts& parts) : parts_(parts), transfer_(parts.device) {}

  void score(const Rows& left_rows, const Rows& right_rows, std::span<const IndexPair> pairs, std::span<float> scores,
             const RunControl& control) override {
    const auto& left = static_cast<const SiameseRows&>(left_rows);
    const auto& right = static_cast<const SiameseRows&>(right_rows);
    Device& device = *parts_.device;
    const auto enqueue = [&](DevicePairs listed) {
      static const RangeName kPairs(Stage::compute, "score_pairs");
      const Range range(kPairs, {.pairs = listed.count, .bytes = listed.count * 2 * parts_.length * 4});
      device.computing.begin(device.stream());
      score_row_pairs(parts_, left, right, listed);
      device.computing.end(device.stream());
    };
    with_less_memory(
        kListPart,
        [&](std::int64_t part) {
          transfer_.score({pairs, scores}, part, control, enqueue);
        },
        [&] {
          parts_.release();
          transfer_.delivery.start();
        });
    device.statistics.add_pairs(std::ssize(pairs), parts_.operations() * static_cast<double>(std::ssize(pairs)));
  }

 private:
  ScorerParts& parts_;
  ListTransfer transfer_;
};

}  // namespace

std::unique_ptr<PairList> make_siamese_list(ScorerParts& parts) { return std::make_unique<SiameseList>(parts); }

}  // namespace twinpatch::cuda
