// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "list/pair_list.hpp"
#include "two_channel.hpp"

namespace twinpatch::cuda {
namespace {

/// Whole pairs, gathered on the device.
class TwoChannelList final : public PairList {
 public:
  explicit TwoChannelList(ScorerParts& parts) : parts_(parts), transfer_(parts.device) {}

  void score(const Rows& left_rows, const Rows& right_rows, std::span<const IndexPair> pairs, std::span<float> scores,
             const RunControl& control) override {
    const auto& left = static_cast<const TwoChannelRows&>(left_rows);
    const auto& right = static_cast<const TwoChannelRows&>(right_rows);
    const auto enqueue = [&](DevicePairs listed) { parts_.pairs->score(left, right, listed, control); };
    with_less_memory(
        kListPart / 4,
        [&](std::int64_t part) {
          transfer_.score({pairs, scores}, part, control, enqueue);
        },
        [&] {
          parts_.release();
          transfer_.delivery.start();
        });
    parts_.pairs->account(std::ssize(pairs));
  }

 private:
  ScorerParts& parts_;
  ListTransfer transfer_;
};

}  // namespace

std::unique_ptr<PairList> make_two_channel_list(ScorerParts& parts) { return std::make_unique<TwoChannelList>(parts); }

}  // namespace twinpatch::cuda
