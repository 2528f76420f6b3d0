// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <memory>
#include <vector>

#include "apps/twinpatch/eval_datasets.hpp"
#include "twinpatch/evaluate/hpatches_tasks.hpp"

namespace twinpatch::app {
namespace {

using Json = nlohmann::ordered_json;

std::string percent(std::optional<double> value) { return value ? fmt::format("{:.2f}", 100 * *value) : "-"; }
Json number(std::optional<double> value) { return value ? Json(*value) : Json(nullptr); }

std::string table(const std::vector<HPatchesResult>& results) {
  std::size_t width = 5;
  for (const auto& result : results) width = std::max(width, result.name.size());
  std::string out = fmt::format(
      "{:<{}}  level    matching: illum.   viewp.    verification: AP same   other    ROC same   other"
      "    retrieval\n",
      "", width);
  const auto row = [&](const std::string& name, const std::string& level, const std::array<std::string, 7>& cells) {
    out += fmt::format("{:<{}}  {:<5}  {:>17}  {:>7}  {:>22}  {:>6}  {:>10}  {:>6}  {:>11}\n", name, width, level,
                       cells[0], cells[1], cells[2], cells[3], cells[4], cells[5], cells[6]);
  };
  for (const auto& result : results) {
    for (const HPatchesLevel& level : result.levels) {
      const auto of_verified = [&](double HPatchesVerification::*figure) {
        return level.verification ? percent((*level.verification).*figure) : "-";
      };
      row(result.name, std::string(1, level.level),
          {percent(level.matching.illumination), percent(level.matching.viewpoint),
           of_verified(&HPatchesVerification::same_precision), of_verified(&HPatchesVerification::other_precision),
           of_verified(&HPatchesVerification::same_roc_area), of_verified(&HPatchesVerification::other_roc_area),
           percent(level.retrieval)});
    }
    row(result.name, "mean",
        {percent(result.matching), "", percent(result.verification_precision), "",
         percent(result.verification_roc_area), "", percent(result.retrieval)});
  }
  return out;
}

Json as_json(const HPatchesResult& result) {
  auto levels = Json::array();
  for (const auto& [level, matching, verified, retrieval] : result.levels) {
    Json row{{"level", std::string(1, level)},
             {"matching_illumination", number(matching.illumination)},
             {"matching_viewpoint", number(matching.viewpoint)}};
    if (verified) {
      row["verification_precision_same"] = verified->same_precision;
      row["verification_precision_other"] = verified->other_precision;
      row["verification_roc_area_same"] = verified->same_roc_area;
      row["verification_roc_area_other"] = verified->other_roc_area;
    }
    if (retrieval) row["retrieval"] = *retrieval;
    levels.push_back(row);
  }
  return {{"name", result.name},
          {"matching", number(result.matching)},
          {"verification_precision", number(result.verification_precision)},
          {"verification_roc_area", number(result.verification_roc_area)},
          {"retrieval", number(result.retrieval)},
          {"levels", levels}};
}

using Folders = std::map<std::string, std::filesystem::path>;

Folders find_sequences(const std::string& dataset) {
  Folders folders;
  for (const auto& folder : hpatches_sequences(dataset)) {
    const auto name = folder.has_filename() ? folder.filename() : folder.parent_path().filename();
    folders.emplace(name.string(), folder);
  }
  return folders;
}

std::vector<std::int64_t> count_patches(Session& session, const EvalOptions& options, const Folders& folders,
                                        const std::vector<std::string>& names) {
  std::vector<std::string> missing;
  std::vector<std::int64_t> counts;
  for (const std::string& name : names) {
    session.control().check();
    const auto found = folders.find(name);
    if (found == folders.end()) {
      missing.push_back(name);
    } else {
      counts.push_back(hpatches_patch_count(found->second));
    }
  }
  if (missing.empty()) return counts;
  throw InvalidArgument(fmt::format("{}: {} of the {} sequences of split {} are not there: {}", options.dataset,
                                    missing.size(), names.size(), options.split, quoted_names(missing)));
}

/// With task files their split and tasks; without, matching on all that is there.
HPatchesProtocol make_protocol(Session& session, const EvalOptions& options, const Folders& folders) {
  HPatchesProtocol protocol;
  if (options.tasks.empty()) {
    for (const auto& [name, folder] : folders) protocol.sequences.push_back(name);
    session.info("{}: {} sequences; verification and retrieval need --tasks", options.dataset, folders.size());
    return protocol;
  }
  protocol.split = options.split;
  protocol.sequences = hpatches_split(options.tasks, options.split);
  const auto counts = count_patches(session, options, folders, protocol.sequences);
  const HPatchesSequences sequences{protocol.sequences, counts};
  protocol.retrieval = read_hpatches_retrieval(options.tasks, options.split, sequences);
  if (!protocol.retrieval) session.warn("{}: no files for retrieval on split {}", options.tasks, options.split);
  protocol.verification = read_hpatches_verification(options.tasks, options.split, sequences);
  if (!protocol.verification) {
    session.info("{}: no files for verification on split {}; drawn as the authors' program draws them", options.tasks,
                 options.split);
    protocol.verification = draw_hpatches_verification(counts);
  }
  session.info("{}: split {}, {} sequences, {} pairs to verify", options.dataset, options.split,
               protocol.sequences.size(), 3 * protocol.verification->positives.size());
  return protocol;
}

}  // namespace

ExitCode eval_hpatches(Session& session, const EvalOptions& options) {
  if (!options.pairs.empty() || !options.report.empty())
    throw UsageError("--pairs and --report are for PhotoTour folders; HPatches has --tasks");
  session.no_effect({"--max-keypoints", "--candidates", "--patch-extent", "--snn"}, "HPatches holds patches");
  if (options.tasks.empty()) session.no_effect({"--split"}, "splits are in the folder of --tasks");
  auto compared = make_comparers(session, options);
  const Folders folders = find_sequences(options.dataset);
  const auto missing = missing_hpatches_strips(options.dataset);
  for (const auto& strip : missing) session.warn("{}: {} is missing: it does not count", options.dataset, strip);
  const HPatchesProtocol protocol = make_protocol(session, options, folders);
  const HPatchesSource source{[&](const std::string& name) { return read_hpatches_sequence(folders.at(name)); }};

  std::vector<HPatchesResult> results;
  for (const auto& comparer : compared.comparers)
    results.push_back(evaluate_hpatches(*comparer, source, protocol, session.control()));
  report_saturation(session, compared);
  const bool complete = missing.empty() && (options.tasks.empty() || protocol.retrieval.has_value());
  const ExitCode code = complete ? ExitCode::done : ExitCode::partial;
  if (!session.options().json) {
    session.print("HPatches' tasks as its authors' program computes them, in %:\n" + table(results));
    return code;
  }
  auto rows = Json::array();
  for (const auto& result : results) rows.push_back(as_json(result));
  session.print_json("twinpatch.eval/1", {{"models", compared.models},
                                          {"device", compared.device},
                                          {"dataset", options.dataset},
                                          {"kind", "hpatches"},
                                          {"split", protocol.split},
                                          {"sequences", protocol.sequences.size()},
                                          {"missing", missing},
                                          {"results", rows}});
  return code;
}

}  // namespace twinpatch::app
