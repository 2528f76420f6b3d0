// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "apps/twinpatch/eval_datasets.hpp"
#include "twinpatch/evaluate/report.hpp"
#include "twinpatch/evaluate/verification.hpp"
#include "twinpatch/vision/patch_collections.hpp"

namespace twinpatch::app {
namespace {

constexpr Fpr95 kDefinitions[] = {Fpr95::deepcompare_lua, Fpr95::deepcompare_pytorch, Fpr95::matchnet, Fpr95::hardnet};

std::string table(const std::vector<VerificationResult>& results) {
  std::size_t width = 5;
  for (const auto& result : results) width = std::max(width, result.name.size());
  std::string out = fmt::format("{:<{}}", "", width);
  for (const Fpr95 definition : kDefinitions) out += "  " + to_string(definition);
  out += "  ROC AUC      AP\n";
  for (const auto& result : results) {
    out += fmt::format("{:<{}}", result.name, width);
    for (const Fpr95 definition : kDefinitions) {
      const std::size_t column = to_string(definition).size();
      out += fmt::format("  {:>{}.2f}", 100 * result.fpr95[static_cast<std::size_t>(definition)], column);
    }
    out += fmt::format("  {:7.4f}  {:6.4f}\n", result.roc_auc, result.average_precision);
  }
  return out;
}

nlohmann::ordered_json as_json(const VerificationResult& result) {
  nlohmann::ordered_json fpr95;
  for (const Fpr95 definition : kDefinitions) {
    fpr95[to_string(definition)] = result.fpr95[static_cast<std::size_t>(definition)];
  }
  return {{"name", result.name},
          {"fpr95", fpr95},
          {"roc_auc", result.roc_auc},
          {"average_precision", result.average_precision}};
}

}  // namespace

ExitCode eval_photo_tour(Session& session, const EvalOptions& options) {
  const std::string list_path = options.pairs.empty() ? default_pair_list(options.dataset).string() : options.pairs;
  const PairList list = read_pair_list(list_path);
  session.no_effect({"--max-keypoints", "--candidates", "--patch-extent"}, "a PhotoTour folder holds patches");
  const auto compared = make_comparers(session, options);
  const PhotoTour dataset = read_photo_tour(options.dataset);
  session.info("{}: {} patches; {}: {} pairs", options.dataset, dataset.patches.size(), list_path, list.pairs.size());

  std::vector<VerificationResult> results;
  for (const auto& comparer : compared.comparers) {
    session.control().check();
    results.push_back(evaluate_pairs(*comparer, dataset.patches.view(), list, session.control()));
  }
  if (!options.report.empty()) {
    write_report(options.report, options.dataset, dataset.patches.view(), list, results);
    session.info("{}/index.html: report", options.report);
  }
  if (!session.options().json) {
    session.print(fmt::format("FPR95 in % under its four definitions, {} matches and {} non-matches:\n",
                              results.front().matches, results.front().others) +
                  table(results));
    return ExitCode::done;
  }
  auto rows = nlohmann::ordered_json::array();
  for (const auto& result : results) rows.push_back(as_json(result));
  session.print_json("twinpatch.eval/1", {{"models", compared.models},
                                          {"device", compared.device},
                                          {"dataset", options.dataset},
                                          {"kind", "photo-tour"},
                                          {"pairs", list_path},
                                          {"matches", results.front().matches},
                                          {"others", results.front().others},
                                          {"results", rows}});
  return ExitCode::done;
}

}  // namespace twinpatch::app
