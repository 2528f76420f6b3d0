// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "list_loss.hpp"

#include <algorithm>
#include <utility>

namespace twinpatch::train {
namespace {

constexpr double kNever = -1e9;  // logit of a place that no candidate has

at::Tensor index(const std::vector<std::int64_t>& values, at::Device device) {
  return at::tensor(values, at::kLong).to(device);
}

}  // namespace

at::Tensor list_scores(const TorchNetwork& net, const ListBatch& batch) {
  const std::int64_t lists = batch.lists;
  const std::int64_t candidates = std::ssize(batch.owner);
  const auto pixels = at::from_blob(const_cast<std::uint8_t*>(batch.pixels.data()),
                                    {lists + candidates, batch.height, batch.width}, at::kByte);
  const auto patches = net.normalise(pixels);
  const auto owner = index(batch.owner, patches.device());
  auto keypoint = patches.narrow(0, 0, lists);
  auto candidate = patches.narrow(0, lists, candidates);
  const bool two_channel = net.spec().coupling == Coupling::two_channel;
  if (two_channel) {
    keypoint = keypoint.index_select(0, owner);
    return batch.swapped ? net.pair_scores(candidate, keypoint) : net.pair_scores(keypoint, candidate);
  }
  // A keypoint goes through its tower once, however many candidates it has.
  if (batch.swapped) {
    const auto vectors = net.vectors(candidate, keypoint);
    return net.vector_scores(vectors.left, vectors.right.index_select(0, owner));
  }
  const auto vectors = net.vectors(keypoint, candidate);
  return net.vector_scores(vectors.left.index_select(0, owner), vectors.right);
}

at::Tensor list_softmax(const at::Tensor& network, const ListBatch& batch, const TwoStageRule& rule) {
  // A row a list: "none", then its candidates; rows of shorter lists end in places that no candidate has.
  std::vector<std::int64_t> place, answer(static_cast<std::size_t>(batch.lists), 0);
  std::int64_t longest = 0;
  for (std::size_t c = 0; c < batch.owner.size(); ++c) {
    const bool first = c == 0 || batch.owner[c] != batch.owner[c - 1];
    place.push_back(first ? 1 : place.back() + 1);
    longest = std::max(longest, place.back());
  }
  for (std::size_t l = 0; l < answer.size(); ++l)
    if (batch.right[l] >= 0) answer[l] = place[static_cast<std::size_t>(batch.right[l])];
  const auto similarity = at::tensor(batch.similarity).to(network.device());
  const auto scores = rule.similarity_weight * similarity + rule.network_weight * network - rule.none;
  const auto empty = at::full({batch.lists, longest + 1}, kNever, network.options());
  empty.select(1, 0).zero_();
  const auto logits = empty.index_put({index(batch.owner, network.device()), index(place, network.device())}, scores);
  const auto right = logits.gather(1, index(answer, network.device()).unsqueeze(1)).squeeze(1);
  return (at::logsumexp(logits, 1) - right).mean();
}

}  // namespace twinpatch::train
