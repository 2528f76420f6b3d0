// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>
#include <iterator>

#include "apps/twinpatch/eval_datasets.hpp"
#include "twinpatch/net/patch_extent.hpp"

namespace twinpatch::app {

Compared make_comparers(Session& session, const EvalOptions& options) {
  Compared compared;
  std::vector<std::string> models{options.engine.model};
  models.insert(models.end(), options.beside.begin(), options.beside.end());
  for (const std::string& model : models) {
    session.control().check();
    EngineOptions one = options.engine;
    one.model = model;
    const auto engine = std::make_shared<Engine>(make_engine(session, one));
    // Two models may share a network: the file tells them apart.
    const std::string name = std::filesystem::path(find_model(model)).stem().string();
    compared.models.push_back({{"name", name},
                               {"network", engine->spec().name},
                               {"hash", model_hash(engine->model())},
                               {"precision", to_string(engine->precision().precision)}});
    compared.device = engine->device();
    compared.comparers.push_back(network_comparer(name, engine));
    compared.engines.push_back(engine);
    compared.sees_pairs.push_back(!has_descriptors(engine->spec()));
    compared.extents.push_back(patch_extent(engine->model()));
  }
  if (!options.no_baselines) std::ranges::move(baselines(), std::back_inserter(compared.comparers));
  compared.sees_pairs.resize(compared.comparers.size(), false);
  compared.extents.resize(compared.comparers.size());
  return compared;
}

void report_saturation(Session& session, Compared& compared) {
  for (std::size_t i = 0; i < compared.engines.size(); ++i) {
    report_saturation(session, *compared.engines[i]);
    if (auto found = saturation_json(*compared.engines[i]); !found.is_null()) {
      compared.models[i]["saturation"] = std::move(found);
    }
  }
}

}  // namespace twinpatch::app
