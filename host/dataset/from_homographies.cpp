// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "sequence.hpp"
#include "source_json.hpp"
#include "twinpatch/dataset/sources.hpp"
#include "twinpatch/vision/image_sequence.hpp"

namespace twinpatch {

using dataset::Json;
using dataset::View;

namespace {

std::vector<View> read_views(const std::filesystem::path& folder, Json& inputs) {
  ImageSequence sequence = read_image_sequence(folder);
  if (!sequence.missing.empty()) {
    throw InvalidArgument(
        fmt::format("{}: the sequence is incomplete, missing: {}", folder.string(), fmt::join(sequence.missing, ", ")));
  }
  std::vector<View> views;
  Json names = Json::array();
  for (std::size_t i = 0; i < sequence.images.size(); ++i) {
    View view{std::move(sequence.images[i]), sequence.from_first[i], sequence.name + "/" + sequence.files[i], 0};
    names.push_back({{"name", view.name}, {"width", view.image.width()}, {"height", view.image.height()}});
    views.push_back(std::move(view));
  }
  inputs.push_back({{"folder", sequence.name}, {"images", names}});
  return views;
}

}  // namespace

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
    const std::vector<View> views = read_views(folder, inputs);
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
