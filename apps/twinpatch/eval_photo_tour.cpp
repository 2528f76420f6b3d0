// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "apps/twinpatch/eval_datasets.hpp"
#include "twinpatch/evaluate/report.hpp"
#include "twinpatch/evaluate/snn.hpp"
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

/// SNN-mAP of each comparer; empty if not asked for.
using SnnColumn = std::vector<std::optional<SnnPrecision>>;

SnnColumn snn_column(Session& session, const EvalOptions& options, const Compared& compared, const PhotoTour& dataset) {
  if (!options.snn) return {};
  const auto images = read_reference_images(options.dataset, dataset.patches.size());
  if (images.empty())
    throw InvalidArgument(options.dataset + ": --snn needs interest.txt with the reference image of each patch");
  SnnColumn column;
  for (const auto& comparer : compared.comparers) {
    column.push_back(snn_precision(*comparer, dataset.patches.view(), dataset.points, images, session.control()));
  }
  return column;
}

std::string snn_table(const std::vector<VerificationResult>& results, const SnnColumn& column) {
  std::string out =
      "\nSNN-mAP in %, matching within images by the ratio to the second nearest; as brown_phototour_revisited's "
      "tables, and with every anchor's nearest negative:\n";
  for (std::size_t i = 0; i < column.size(); ++i) {
    out += results[i].name + ": ";
    out += column[i] ? fmt::format("{:.2f}, {:.2f} ({} pairs in {} images)\n", 100 * column[i]->published,
                                   100 * column[i]->nearest, column[i]->pairs, column[i]->images)
                     : "none: its scores are no distances, or no image has two patches of a point\n";
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
  session.no_effect({"--max-keypoints", "--candidates", "--patch-extent", "--tasks", "--split"},
                    "a PhotoTour folder holds patches");
  auto compared = make_comparers(session, options);
  const PhotoTour dataset = read_photo_tour(options.dataset);
  session.info("{}: {} patches; {}: {} pairs", options.dataset, dataset.patches.size(), list_path, list.pairs.size());

  std::vector<VerificationResult> results;
  for (const auto& comparer : compared.comparers) {
    session.control().check();
    results.push_back(evaluate_pairs(*comparer, dataset.patches.view(), list, session.control()));
  }
  const SnnColumn snn = snn_column(session, options, compared, dataset);
  report_saturation(session, compared);
  if (!options.report.empty()) {
    write_report(options.report, options.dataset, dataset.patches.view(), list, results);
    session.info("{}/index.html: report", options.report);
  }
  if (!session.options().json) {
    session.print(fmt::format("FPR95 in % under its four definitions, {} matches and {} non-matches:\n",
                              results.front().matches, results.front().others) +
                  table(results) + (snn.empty() ? "" : snn_table(results, snn)));
    return ExitCode::done;
  }
  auto rows = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < results.size(); ++i) {
    rows.push_back(as_json(results[i]));
    if (snn.empty() || !snn[i]) continue;
    rows.back()["snn_map"] = {{"published", snn[i]->published},
                              {"nearest", snn[i]->nearest},
                              {"images", snn[i]->images},
                              {"pairs", snn[i]->pairs}};
  }
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
