// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "onnx_import.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "onnx_chain.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch::net {

namespace {

constexpr std::int64_t kNowhere = -1;

std::string words(const std::vector<Layer>& layers) {
  std::vector<std::string> all;
  all.reserve(layers.size());
  for (const Layer& layer : layers) all.push_back(describe(layer));
  return fmt::format("{}", fmt::join(all, " – "));
}

/// The network with the layers as the graph has them: its own, or with batch normalisations folded as exporters do.
NetworkSpec as_in_graph(const NetworkSpec& spec, const OnnxChain& chain, const std::string& path) {
  if (spec.streams[0].layers == chain.layers) return spec;
  NetworkSpec folded = fold_batch_normalisation(random_model(spec, 1)).spec;
  if (folded.streams[0].layers == chain.layers) return folded;
  throw ShapeError(fmt::format("{}: its layers are not those of network {}: found {}; expected {}", path, spec.name,
                               words(chain.layers), words(spec.streams[0].layers)));
}

Extent patch_size(const OnnxModel& graph, const NetworkSpec& spec, const std::string& path) {
  const auto shape = graph.inputs.empty() ? std::vector<std::int64_t>{} : graph.inputs.front().shape;
  const Extent expected = spec.input.value_or(spec.minimum_input);
  const bool fits =
      shape.empty() || (shape.size() == 4 && (shape[1] == 1 || shape[1] < 0) &&
                        (shape[2] == expected.height || shape[2] < 0) && (shape[3] == expected.width || shape[3] < 0));
  if (fits && spec.input) return expected;
  throw FormatError(path, kNowhere,
                    fmt::format("ONNX graph: expected an input [N, 1, {}, {}] of network {}, found [{}]",
                                expected.height, expected.width, spec.name, fmt::join(shape, ", ")));
}

}  // namespace

ForeignModel import_onnx(std::span<const std::byte> bytes, const std::string& path, const NetworkSpec& spec) {
  const auto* metric = std::get_if<DecisionMetric>(&spec.decision);
  if (spec.coupling != Coupling::siamese || spec.streams.size() != 1 || metric == nullptr ||
      spec.streams[0].view.kind != StreamView::Kind::whole || !spec.input) {
    throw InvalidArgument(fmt::format(
        "network {}: ONNX is read for networks of one size, one stream over the whole patch and a metric", spec.name));
  }
  const OnnxModel graph = parse_onnx(bytes, path);
  const Extent size = patch_size(graph, spec, path);
  const OnnxChain chain = read_onnx_chain(graph, {1, size.height, size.width}, path);
  const bool normalises = metric->normalise || metric->kind == DecisionMetric::Kind::cosine;
  if (chain.unit && !normalises) {
    throw FormatError(path, kNowhere,
                      fmt::format("ONNX graph: it ends in an L2 normalisation, which network {} has not", spec.name));
  }
  ForeignModel result;
  result.model.spec = as_in_graph(spec, chain, path);
  result.model.metadata = {{"imported", "ONNX"}, {"license", "weights of another program: their authors' terms apply"}};
  for (std::size_t i = 0; i < chain.layers.size(); ++i) {
    for (const auto& [field, weight] : chain.weights[i]) {
      const std::string name = branch_prefix(spec, false, 0, i) + field;
      result.model.weights[name] = weight.tensor;
      if (!weight.constant.empty()) result.sources.push_back({name, weight.constant});
    }
  }
  check(result.model);
  return result;
}

}  // namespace twinpatch::net
