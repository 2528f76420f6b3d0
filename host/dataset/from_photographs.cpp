// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "photograph_views.hpp"
#include "sequence.hpp"
#include "source_json.hpp"
#include "twinpatch/dataset/sources.hpp"

namespace twinpatch {

using dataset::Json;
using dataset::PhotographFile;
using dataset::Random;

DatasetSummary dataset_from_photographs(const PhotographDatasetOptions& options, ThreadPool& pool,
                                        const RunControl& control) {
  dataset::check_views(options.paths, options.warp);
  std::vector<LeftOutInput> left_out;
  const auto photographs = dataset::find_photographs(options.paths, left_out);
  DatasetWriter writer(options.dataset);
  const dataset::SequenceTarget target{options.sequence, options.dataset, writer, pool};
  Json inputs = Json::array();
  std::int64_t points = 0;
  control.begin("cut", static_cast<std::int64_t>(photographs.size()), "photographs");
  for (const PhotographFile& photograph : photographs) {
    control.check();
    control.advance(1);
    auto image = dataset::read_photograph(photograph, options.max_side, left_out);
    if (!image) continue;
    Json entry{{"name", photograph.name}, {"width", image->width()}, {"height", image->height()}};
    Random random = Random::part(options.dataset.seed, photograph.name);
    const auto views = dataset::make_views(photograph.name, std::move(*image), options.warp, random);
    const auto found = dataset::add_sequence(target, views, points, random);
    points += found;
    entry["points"] = found;
    inputs.push_back(std::move(entry));
  }
  control.end();
  if (inputs.empty()) dataset::throw_without_photographs(options.paths, photographs.size(), left_out);
  const Json source{{"kind", "photographs"},
                    {"sequence_options", dataset::to_json(options.sequence)},
                    {"warp_options", dataset::to_json(options.warp, options.max_side)},
                    {"inputs", inputs},
                    {"left_out", dataset::to_json(left_out)}};
  DatasetSummary summary = writer.finish(source.dump(-1, ' ', false, Json::error_handler_t::replace), pool, control);
  summary.left_out = std::move(left_out);
  return summary;
}

}  // namespace twinpatch
