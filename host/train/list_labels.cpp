// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "list_labels.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace twinpatch::train {
namespace {

constexpr float kRightPixels = 3, kIgnoredPixels = 5;  // as eval --fit draws the line
constexpr float kNearPixels = 8;                       // as evaluation counts near misses
constexpr float kMostScale = 0.5F;                     // octaves
constexpr float kMostAngle = std::numbers::pi_v<float> / 4;

}  // namespace

CandidateTruth truth_of(const Candidate& candidate) {
  if (candidate.distance > kIgnoredPixels) return CandidateTruth::wrong;
  const bool alike = std::abs(candidate.scale) <= kMostScale && std::abs(candidate.angle) <= kMostAngle;
  return candidate.distance <= kRightPixels && alike ? CandidateTruth::right : CandidateTruth::ignored;
}

LabelledList label_list(const CandidateLists& lists, std::int64_t i) {
  LabelledList labelled;
  const auto list = lists.list(i);
  for (std::int64_t c = list.begin; c < list.end; ++c) {
    const Candidate candidate = lists.candidate(c);
    CandidateTruth truth = truth_of(candidate);
    if (truth == CandidateTruth::right) {
      const auto before = static_cast<std::size_t>(labelled.right);
      if (labelled.right < 0 || candidate.distance < labelled.candidates[before].distance) {
        if (labelled.right >= 0) labelled.truths[before] = CandidateTruth::ignored;
        labelled.right = std::ssize(labelled.candidates);
      } else {
        truth = CandidateTruth::ignored;
      }
    }
    labelled.candidates.push_back(candidate);
    labelled.truths.push_back(truth);
  }
  return labelled;
}

std::optional<ListKind> kind_of(const LabelledList& list) {
  const Candidate& first = list.candidates.front();
  if (list.right == 0) return ListKind::right;
  if (list.right > 0) return first.distance <= kNearPixels ? ListKind::near : ListKind::gross;
  const bool unclear = std::any_of(list.truths.begin(), list.truths.end(),
                                   [](CandidateTruth truth) { return truth == CandidateTruth::ignored; });
  if (unclear) return std::nullopt;
  return first.mutual ? ListKind::wrong : ListKind::none;
}

}  // namespace twinpatch::train
