// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "twinpatch/evaluate/verification.hpp"

namespace twinpatch::evaluate {

/// Colour i of a palette that stays apart for colour-blind readers (Okabe & Ito 2008); repeats after eight.
[[nodiscard]] std::string palette(std::size_t i);
/// Text made safe to stand in HTML and SVG.
[[nodiscard]] std::string escape(const std::string& text);

/// ROC curves over each other: false positive rate on a logarithmic axis, 95 % recall marked.
[[nodiscard]] std::string roc_plot(std::span<const VerificationResult> results, std::span<const std::uint8_t> labels);
/// Scores of matches and of others as two overlaid histograms, the threshold of 95 % recall marked.
[[nodiscard]] std::string score_histogram(const VerificationResult& result, std::span<const std::uint8_t> labels);

}  // namespace twinpatch::evaluate
