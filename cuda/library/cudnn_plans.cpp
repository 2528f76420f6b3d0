// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "library/cudnn_graph.hpp"

namespace twinpatch::cuda {
namespace {

/// The library's proposals for a graph, most promising first.
std::vector<Descriptor> propose(const CudnnTarget& target, const Descriptor& graph, cudnnBackendHeurMode_t mode) {
  Descriptor heuristics(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
  heuristics.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph);
  heuristics.set(CUDNN_ATTR_ENGINEHEUR_MODE, mode);
  if (target.properties != nullptr) heuristics.set(CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, *target.properties);
  if (heuristics.try_finalize() != CUDNN_STATUS_SUCCESS) return {};  // no engine of this kind knows the graph
  std::int64_t count = 0;
  TWINPATCH_CUDA_CHECK(cudnnBackendGetAttribute(heuristics.get(), CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                                CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, &count, nullptr));
  std::vector<Descriptor> configurations;
  std::vector<cudnnBackendDescriptor_t> handles;
  for (std::int64_t i = 0; i < count; ++i) {
    configurations.emplace_back(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
    handles.push_back(configurations.back().get());
  }
  TWINPATCH_CUDA_CHECK(cudnnBackendGetAttribute(heuristics.get(), CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                                CUDNN_TYPE_BACKEND_DESCRIPTOR, count, &count, handles.data()));
  configurations.resize(static_cast<std::size_t>(count));
  return configurations;
}

Descriptor engine_of(const Descriptor& configuration) {
  Descriptor engine(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
  cudnnBackendDescriptor_t handle = engine.get();
  std::int64_t count = 0;
  TWINPATCH_CUDA_CHECK(cudnnBackendGetAttribute(configuration.get(), CUDNN_ATTR_ENGINECFG_ENGINE,
                                                CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &count, &handle));
  return engine;
}

/// Whether planning an engine compiles it, which takes seconds.
bool is_compiled(const Descriptor& engine) {
  const auto notes = engine.get_all<cudnnBackendBehaviorNote_t>(CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE);
  return std::find(notes.begin(), notes.end(), CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION) != notes.end();
}

/// Whether an engine computes what the request promises.
bool accepted(const ConvolutionRequest& request, Parts parts, const Descriptor& engine) {
  const auto notes = engine.get_all<cudnnBackendNumericalNote_t>(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE);
  const auto has = [&](cudnnBackendNumericalNote_t note) {
    return std::find(notes.begin(), notes.end(), note) != notes.end();
  };
  if (has(CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC) || has(CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION)) return false;
  if ((parts & kConvolve) == 0) return true;  // nothing is multiplied
  if (request.precision == Precision::fp32 &&
      (has(CUDNN_NUMERICAL_NOTE_TENSOR_CORE) || has(CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS))) {
    return false;  // tensor cores read floats as tf32
  }
  if (has(CUDNN_NUMERICAL_NOTE_FFT) || has(CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_13x13)) return false;  // errors of 1e-3
  return !(request.exact && has(CUDNN_NUMERICAL_NOTE_WINOGRAD));
}

}  // namespace

PlanSearch find_plans(const CudnnTarget& target, const ConvolutionRequest& request, Parts parts, PlanLimits limits) {
  PlanSearch search;
  const Descriptor graph = make_graph(target, request, parts);
  for (const auto mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK}) {
    for (const Descriptor& configuration : propose(target, graph, mode)) {
      if (limits.ready_made <= 0 && limits.compiled <= 0) return search;
      const Descriptor engine = engine_of(configuration);
      int& left = is_compiled(engine) ? limits.compiled : limits.ready_made;
      if (left <= 0) continue;
      if (!accepted(request, parts, engine)) {
        ++search.refused;
        continue;
      }
      ExecutionPlan found;
      found.parts = parts;
      found.engine = fmt::format("engine {}", engine.get<std::int64_t>(CUDNN_ATTR_ENGINE_GLOBAL_INDEX));
      found.plan = Descriptor(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
      found.plan.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, configuration);
      if (target.handle != nullptr) found.plan.set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, target.handle);
      if (target.properties != nullptr) found.plan.set(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, *target.properties);
      if (const cudnnStatus_t status = found.plan.try_finalize(); status != CUDNN_STATUS_SUCCESS) {
        search.last_error = fmt::format("{}: {}: {}", found.engine, cudnnGetErrorString(status), last_words());
        // The driver's library stub, which answers where there is no device, refuses to load what was compiled for one.
        if (target.handle == nullptr && search.last_error.find("cuLibraryLoadData") != std::string::npos) {
          ++search.compiled_unloaded;
          --left;
        }
        continue;
      }
      found.workspace = found.plan.get<std::int64_t>(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE);
      if (found.workspace > request.workspace_limit) continue;
      search.plans.push_back(std::move(found));
      --left;
    }
  }
  return search;
}

std::string save_plan(const ExecutionPlan& plan) {
  const auto text = plan.plan.get_all<char>(CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION);
  return std::string(text.begin(), std::find(text.begin(), text.end(), '\0'));
}

ExecutionPlan load_plan(const CudnnTarget& target, Parts parts, const std::string& text) {
  ExecutionPlan plan;
  plan.parts = parts;
  plan.plan = Descriptor(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
  if (target.handle != nullptr) plan.plan.set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, target.handle);
  if (target.properties != nullptr) plan.plan.set(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, *target.properties);
  plan.plan.set(CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, std::span<const char>(text.data(), text.size()));
  plan.plan.finalize();
  plan.workspace = plan.plan.get<std::int64_t>(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE);
  plan.engine = "kept plan";
  return plan;
}

}  // namespace twinpatch::cuda
