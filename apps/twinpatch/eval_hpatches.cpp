// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "apps/twinpatch/eval_datasets.hpp"
#include "twinpatch/evaluate/hpatches_tasks.hpp"

namespace twinpatch::app {
namespace {

std::string table(const std::vector<HPatchesResult>& results) {
  std::size_t width = 5;
  for (const auto& result : results) width = std::max(width, result.name.size());
  std::string out =
      fmt::format("{:<{}}  level  verification same  verification other  matching  retrieval\n", "", width);
  for (const auto& result : results) {
    for (const auto& level : result.levels) {
      out += fmt::format("{:<{}}  {:>5}  {:>17.4f}  {:>18.4f}  {:>8.4f}  {:>9.4f}\n", result.name, width, level.level,
                         level.verification_same, level.verification_other, level.matching, level.retrieval);
    }
  }
  return out;
}

nlohmann::ordered_json as_json(const HPatchesResult& result) {
  auto levels = nlohmann::ordered_json::array();
  for (const auto& level : result.levels) {
    levels.push_back({{"level", std::string(1, level.level)},
                      {"verification_same", level.verification_same},
                      {"verification_other", level.verification_other},
                      {"matching", level.matching},
                      {"retrieval", level.retrieval}});
  }
  return {{"name", result.name}, {"levels", levels}};
}

}  // namespace

ExitCode eval_hpatches(Session& session, const EvalOptions& options) {
  if (!options.pairs.empty() || !options.report.empty()) {
    throw UsageError("--pairs and --report are for PhotoTour folders; HPatches pairs are drawn from --seed");
  }
  session.no_effect({"--max-keypoints", "--candidates", "--patch-extent"}, "HPatches holds patches");
  const auto compared = make_comparers(session, options);
  const auto folders = hpatches_sequences(options.dataset);
  std::vector<HPatchesSequence> sequences;
  sequences.reserve(folders.size());
  for (const auto& folder : folders) {
    session.control().check();
    sequences.push_back(read_hpatches_sequence(folder));
  }
  session.info("{}: {} sequences", options.dataset, sequences.size());
  const auto missing = missing_hpatches_strips(options.dataset);
  for (const auto& strip : missing) session.warn("{}: {} is missing: it does not count", options.dataset, strip);
  const ExitCode code = missing.empty() ? ExitCode::done : ExitCode::partial;

  std::vector<HPatchesResult> results;
  results.reserve(compared.comparers.size());
  for (const auto& comparer : compared.comparers) {
    results.push_back(evaluate_hpatches(*comparer, sequences, {.seed = session.options().seed}, session.control()));
  }
  if (!session.options().json) {
    session.print("Average precision (verification) and mean average precision, pairs drawn here:\n" + table(results));
    return code;
  }
  auto rows = nlohmann::ordered_json::array();
  for (const auto& result : results) rows.push_back(as_json(result));
  session.print_json("twinpatch.eval/1", {{"models", compared.models},
                                          {"device", compared.device},
                                          {"dataset", options.dataset},
                                          {"kind", "hpatches"},
                                          {"sequences", sequences.size()},
                                          {"missing", missing},
                                          {"results", rows}});
  return code;
}

}  // namespace twinpatch::app
