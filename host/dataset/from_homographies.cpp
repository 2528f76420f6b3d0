// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "sequence.hpp"
#include "source_json.hpp"
#include "twinpatch/dataset/sources.hpp"

namespace twinpatch {

using dataset::Json;
using dataset::View;

DatasetSummary dataset_from_homographies(const HomographyDatasetOptions& options, ThreadPool& pool,
                                         const RunControl& control) {
  if (options.folders.empty()) throw InvalidArgument("expected a folder with a sequence, found none");
  DatasetWriter writer(options.dataset);
  const dataset::SequenceTarget target{options.sequence, options.dataset, writer, pool};
  Json inputs = Json::array();
  std::int64_t points = 0;
  control.begin("cut", static_cast<std::int64_t>(options.folders.size()), "sequences");
  for (const std::filesystem::path& folder : options.folders) {
    control.check();
    const std::vector<View> views = dataset::read_views(folder, inputs);
    auto random = dataset::Random::part(options.dataset.seed, views.front().name);
    points += dataset::add_sequence(target, views, points, random);
    control.advance(1);
  }
  control.end();
  const Json source{
      {"kind", "homographies"}, {"sequence_options", dataset::to_json(options.sequence)}, {"inputs", inputs}};
  return writer.finish(source.dump(-1, ' ', false, Json::error_handler_t::replace), pool, control);
}

}  // namespace twinpatch
