// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "twinpatch/evaluate/verification.hpp"

namespace twinpatch {

/// One page, `folder`/index.html, that needs no network and no other file: the table of figures, ROC curves over each
/// other, a histogram of scores for each result, and the worst pairs of the first result as pictures. The folder is
/// created if missing (its parent must exist). Results must hold the scores of `list`. Throws InvalidArgument,
/// IoError.
void write_report(const std::filesystem::path& folder, const std::string& dataset, PatchView patches,
                  const PairList& list, std::span<const VerificationResult> results);

}  // namespace twinpatch
