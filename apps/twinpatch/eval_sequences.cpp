// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "apps/twinpatch/eval_datasets.hpp"
#include "apps/twinpatch/two_stages.hpp"
#include "twinpatch/evaluate/sequence_matching.hpp"
#include "twinpatch/net/patch_extent.hpp"
#include "twinpatch/vision/cut_patches.hpp"

namespace twinpatch::app {
namespace {

/// One comparer on one sequence.
struct Row {
  std::string name;
  SequenceMatching matching;
};

constexpr int kCounts = 24;  // characters of "1000 1000 1000 +1000/1000"

std::string table(const std::vector<Row>& rows) {
  std::size_t width = 5;
  for (const auto& row : rows) width = std::max(width, row.name.size());
  std::string out;
  for (const auto& row : rows) {
    if (out.empty() || row.matching.sequence != (&row)[-1].matching.sequence) {
      out += fmt::format("\n{}\n{:<{}}  {:>8}", row.matching.sequence, "", width, "mAP");
      for (const auto& pair : row.matching.pairs)
        out += fmt::format("  {:>{}}", fmt::format("1-{}", pair.image), kCounts + 7);
      out += '\n';
    }
    out += fmt::format("{:<{}}  {:8.4f}", row.name, width, row.matching.mean_average_precision());
    for (const auto& pair : row.matching.pairs) {
      const auto& [within, near_misses, others] = pair.transfers;
      out += fmt::format("  {:.4f} {:>{}}", pair.average_precision,
                         fmt::format("{} {} {} +{}/{}", within[0], within[1], within[2], near_misses, pair.mutual),
                         kCounts);
    }
    out += '\n';
  }
  return out;
}

nlohmann::ordered_json as_json(const Row& row) {
  auto pairs = nlohmann::ordered_json::array();
  for (const auto& pair : row.matching.pairs) {
    pairs.push_back({{"image", pair.image},
                     {"left_keypoints", pair.left_keypoints},
                     {"right_keypoints", pair.right_keypoints},
                     {"correspondences", pair.correspondences},
                     {"average_precision", pair.average_precision},
                     {"mutual", pair.mutual},
                     {"correct", pair.transfers.within.back()},
                     {"within_1_2_3_pixels", pair.transfers.within},
                     {"near_misses", pair.transfers.near_misses}});
  }
  return {{"name", row.name},
          {"sequence", row.matching.sequence},
          {"mean_average_precision", row.matching.mean_average_precision()},
          {"pairs", pairs}};
}

/// Networks that see pairs rank what root-SIFT finds nearest: all pairs of two photographs would take them hours.
void rank_candidates(Session& session, Compared& compared, int candidates) {
  if (std::ranges::none_of(compared.sees_pairs, [](bool sees) { return sees; })) {
    session.no_effect({"--candidates"}, "no network here compares pairs");
  }
  for (std::size_t i = 0; i < compared.comparers.size(); ++i) {
    if (!compared.sees_pairs[i]) continue;
    std::shared_ptr<Comparer> root_sift = std::move(baselines().back());
    compared.comparers[i] = reranking_comparer(std::move(root_sift), std::move(compared.comparers[i]), candidates);
    session.info("{}: no descriptors; it compares pairs", compared.comparers[i]->name());
  }
}

/// The model's candidates scored by --rerank's network too, as one more row.
void add_two_stages(Session& session, const EvalOptions& options, Compared& compared) {
  const auto first = std::make_shared<Engine>(make_engine(session, options.engine));
  compared.comparers.push_back(make_two_stages(session, options.rerank, first, options.engine.execution));
  compared.sees_pairs.push_back(false);
  compared.extents.push_back(patch_extent(first->model()));
}

}  // namespace

std::vector<std::filesystem::path> usable_sequences(Session& session, const std::string& dataset,
                                                    std::vector<std::string>& missing) {
  std::vector<std::filesystem::path> usable;
  for (const auto& folder : image_sequences(dataset)) {
    const ImageSequenceFiles files = list_image_sequence(folder);
    for (const auto& what : files.missing) {
      missing.push_back(fmt::format("{}: {}", folder.string(), what));
      session.warn("{} is missing: what needs it does not count", missing.back());
    }
    if (files.views.size() > 1) usable.push_back(folder);
  }
  if (usable.empty()) throw InvalidArgument(dataset + ": no sequence has two images and the homography between them");
  return usable;
}

ExitCode eval_sequences(Session& session, const EvalOptions& options) {
  if (!options.fit.empty()) return fit_two_stages(session, options);
  if (!options.pairs.empty() || !options.report.empty()) {
    throw UsageError("--pairs and --report are for PhotoTour folders; an image sequence defines its own pairs");
  }
  session.no_effect({"--tasks", "--split", "--snn"}, "the dataset is image sequences");
  SequenceMatchingOptions matching;
  matching.max_keypoints = options.max_keypoints;
  auto compared = make_comparers(session, options);
  if (!options.rerank.empty()) add_two_stages(session, options, compared);
  rank_candidates(session, compared, options.candidates);
  ThreadPool pool(options.engine.execution.threads);
  std::vector<Row> rows;
  std::vector<std::string> missing;
  for (const auto& folder : usable_sequences(session, options.dataset, missing)) {
    session.control().check();
    const SequenceTruth truth = find_sequence_truth(read_image_sequence(folder), matching, pool, session.control());
    session.info("{}: {} images, {} keypoints in the first", folder.string(), truth.keypoints.size(),
                 truth.keypoints.front().size());
    for (std::size_t i = 0; i < compared.comparers.size(); ++i) {
      Comparer& comparer = *compared.comparers[i];
      matching.extent = options.extent.value_or(compared.extents[i].value_or(CutOptions().extent));
      rows.push_back({comparer.name(), match_sequence(comparer, truth, matching, pool, session.control())});
    }
  }
  report_saturation(session, compared);
  const ExitCode code = missing.empty() ? ExitCode::done : ExitCode::partial;
  if (!session.options().json) {
    session.print(
        "Average precision of nearest neighbours (regions overlap by half; recall counts keypoints with a partner), "
        "and "
        "of all mutual nearest neighbours those within 1, 2, 3 px, + those up to 8 px off:\n" +
        table(rows));
    return code;
  }
  auto results = nlohmann::ordered_json::array();
  for (const auto& row : rows) results.push_back(as_json(row));
  session.print_json("twinpatch.eval/1", {{"models", compared.models},
                                          {"device", compared.device},
                                          {"dataset", options.dataset},
                                          {"kind", "image-sequences"},
                                          {"max_keypoints", matching.max_keypoints},
                                          {"within_pixels", 3},
                                          {"missing", missing},
                                          {"results", results}});
  return code;
}

}  // namespace twinpatch::app
