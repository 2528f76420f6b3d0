// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace twinpatch {

/// A patch by its sequence (a place in HPatchesProtocol::sequences), its image (0: the reference, 1…5 the others, in
/// the strip of the level that is measured) and its row.
struct HPatchesPatch {
  std::int32_t sequence = 0;
  std::int32_t image = 0;
  std::int32_t row = 0;
  friend bool operator==(const HPatchesPatch&, const HPatchesPatch&) = default;
};

struct HPatchesPair {
  HPatchesPatch left, right;
  friend bool operator==(const HPatchesPair&, const HPatchesPair&) = default;
};

struct HPatchesVerificationTask {
  std::vector<HPatchesPair> positives, same_sequence, other_sequence;  ///< the last two: different points
};

struct HPatchesRetrievalTask {
  std::vector<HPatchesPatch> queries, distractors;  ///< of reference images
};

/// The tasks of a split, as their authors define them (Balntas, Lenc, Vedaldi & Mikolajczyk, CVPR 2017; the folder
/// `tasks` of hpatches-benchmark). Matching needs no file.
struct HPatchesProtocol {
  std::string split;                   ///< empty: no split, all sequences
  std::vector<std::string> sequences;  ///< the split's test sequences, in its order
  std::optional<HPatchesVerificationTask> verification;
  std::optional<HPatchesRetrievalTask> retrieval;
};

/// The test sequences of a split ("a", "b", "c", "full", "illum", "view") by `folder`/splits/splits.json
/// or `folder`/splits.json. Throws FormatError,
/// IoError, and InvalidArgument for a split that the file does not have.
[[nodiscard]] std::vector<std::string> hpatches_split(const std::filesystem::path& folder, const std::string& split);

/// Sequences with the number of patches of each.
struct HPatchesSequences {
  std::span<const std::string> names;
  std::span<const std::int64_t> counts;
};
/// verif_pos_split-X.csv, verif_neg_intra_… and verif_neg_inter_…; nothing if none of them is there. Throws
/// FormatError for another layout, and for patches that the sequences do not have: files of another version.
[[nodiscard]] std::optional<HPatchesVerificationTask> read_hpatches_verification(const std::filesystem::path& folder,
                                                                                 const std::string& split,
                                                                                 const HPatchesSequences& sequences);
/// retr_queries_split-X.csv and retr_distractors_split-X.csv; the same.
[[nodiscard]] std::optional<HPatchesRetrievalTask> read_hpatches_retrieval(const std::filesystem::path& folder,
                                                                           const std::string& split,
                                                                           const HPatchesSequences& sequences);

/// What the authors' program writes into the verification files of a split: drawn from the numbers of patches alone by
/// NumPy's legacy generator with seed 42 (gen_verif of python/utils/tasks.py). A million pairs take ten seconds. Throws
/// InvalidArgument for a sequence of fewer than two patches.
[[nodiscard]] HPatchesVerificationTask draw_hpatches_verification(std::span<const std::int64_t> counts,
                                                                  std::int64_t pairs = 1'000'000);

}  // namespace twinpatch
