// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>
#include <iterator>

#include "apps/twinpatch/eval_datasets.hpp"

namespace twinpatch::app {

std::vector<std::unique_ptr<Comparer>> make_comparers(Session& session, const EvalOptions& options) {
  std::vector<std::unique_ptr<Comparer>> comparers;
  std::vector<std::string> models{options.engine.model};
  models.insert(models.end(), options.beside.begin(), options.beside.end());
  for (const std::string& model : models) {
    session.control().check();
    EngineOptions one = options.engine;
    one.model = model;
    // Two models may share a network: the file tells them apart.
    comparers.push_back(network_comparer(std::filesystem::path(find_model(model)).stem().string(),
                                         std::make_shared<Engine>(make_engine(session, one))));
  }
  if (!options.no_baselines) std::ranges::move(baselines(), std::back_inserter(comparers));
  return comparers;
}

}  // namespace twinpatch::app
