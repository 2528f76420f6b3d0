// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "onnx_graph.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/net/onnx.hpp"

namespace twinpatch {

namespace {

using net::OnnxFlow;
using net::OnnxGraph;
using Axes = std::vector<std::int64_t>;

constexpr std::int64_t kAnyBatch = -1;

class Exporter {
 public:
  Exporter(const Model& model, Extent size) : model_(model), spec_(model.spec), size_(size) {}

  OnnxModel run() {
    graph_.model().name = spec_.name;
    const bool metric = std::holds_alternative<DecisionMetric>(spec_.decision);
    if (spec_.coupling == Coupling::siamese && (metric || model_.descriptor_only)) {
      const OnnxFlow vector = unit(branch(normalised(input("patches")), false));
      output("descriptors", {kAnyBatch, branch_size(spec_)}, graph_.add("Identity", {vector.name}));
    } else {
      if (model_.descriptor_only) {
        throw InvalidArgument(
            fmt::format("network {}: two towers without a decision are no single ONNX model", spec_.name));
      }
      const OnnxFlow left = normalised(input("left"));
      const OnnxFlow right = normalised(input("right"));
      const std::string score =
          metric ? distance(unit(branch(left, false)), unit(branch(right, true))) : decided(meeting(left, right));
      output("scores", {kAnyBatch}, score);
    }
    return std::move(graph_.model());
  }

 private:
  OnnxFlow input(const char* name) {
    graph_.model().inputs.push_back({name, {kAnyBatch, 1, size_.height, size_.width}});
    return {name, {1, size_.height, size_.width}};
  }

  /// The last node's output gets the name.
  void output(const char* name, Axes shape, const std::string& from) {
    OnnxNode& last = graph_.model().nodes.back();
    if (last.outputs.front() != from) throw InvalidArgument("an ONNX graph whose output is not its last node's");
    last.outputs.front() = name;
    graph_.model().outputs.push_back({name, std::move(shape)});
  }

  OnnxFlow normalised(OnnxFlow patch) {
    const Normalisation& rule = spec_.normalisation;
    const Axes axes{1, 2, 3};
    if (rule.scale != 1) patch.name = graph_.add("Mul", {patch.name, graph_.number(rule.scale)});
    if (!rule.subtract_mean && !rule.divide_deviation) return patch;
    const std::string mean = graph_.add("ReduceMean", {patch.name}, {{"axes", axes}, {"keepdims", std::int64_t{1}}});
    const std::string centred = graph_.add("Sub", {patch.name, mean});
    if (rule.subtract_mean) patch.name = centred;
    if (!rule.divide_deviation) return patch;
    const std::string square = graph_.add("Mul", {centred, centred});
    std::string variance = graph_.add("ReduceMean", {square}, {{"axes", axes}, {"keepdims", std::int64_t{1}}});
    const double pixels = double{1} * size_.height * size_.width;
    if (rule.unbiased_deviation && pixels > 1) {
      variance = graph_.add("Mul", {variance, graph_.number(pixels / (pixels - 1))});
    }
    const std::string positive = graph_.add("Add", {variance, graph_.number(rule.deviation_epsilon)});
    patch.name = graph_.add("Div", {patch.name, graph_.add("Sqrt", {positive})});
    return patch;
  }

  /// The part of a patch that a stream reads.
  OnnxFlow view(StreamView view, const OnnxFlow& patch) {
    const Extent half{patch.shape.height / 2, patch.shape.width / 2};
    switch (view.kind) {
      case StreamView::Kind::central_crop:
        return graph_.window(patch, {patch.shape.height / 4, patch.shape.width / 4}, half);
      case StreamView::Kind::surround_average:
        return {graph_.add("AveragePool", {patch.name}, {{"kernel_shape", Axes{2, 2}}, {"strides", Axes{2, 2}}}),
                {patch.shape.channels, half.height, half.width}};
      case StreamView::Kind::whole:
        break;
    }
    return patch;
  }

  OnnxFlow branch(const OnnxFlow& patch, bool right) {
    std::vector<std::string> parts;
    Shape shape{0, 1, 1};
    for (std::size_t s = 0; s < spec_.streams.size(); ++s) {
      OnnxFlow flow = view(spec_.streams[s].view, patch);
      for (std::size_t i = 0; i < spec_.streams[s].layers.size(); ++i) {
        flow = add_layer(graph_, spec_.streams[s].layers[i], flow, model_, branch_prefix(spec_, right, s, i));
      }
      parts.push_back(graph_.flattened(flow).name);
      shape.channels += static_cast<int>(flow.shape.size());
    }
    return concatenated(parts, shape);
  }

  OnnxFlow concatenated(const std::vector<std::string>& parts, Shape shape) {
    if (parts.size() == 1) return {parts.front(), shape, true};
    return {graph_.add("Concat", parts, {{"axis", std::int64_t{1}}}), shape, true};
  }

  /// v / max(‖v‖₂, 1e-12), where the decision asks for it.
  OnnxFlow unit(OnnxFlow vector) {
    const auto* metric = std::get_if<DecisionMetric>(&spec_.decision);
    if (metric == nullptr || !(metric->normalise || metric->kind == DecisionMetric::Kind::cosine)) return vector;
    const std::string norm = graph_.add("ReduceL2", {vector.name}, {{"axes", Axes{1}}, {"keepdims", std::int64_t{1}}});
    vector.name = graph_.add("Div", {vector.name, graph_.add("Max", {norm, graph_.number(1e-12)})});
    return vector;
  }

  /// The cosine, or minus the distance, of two vectors: [N].
  std::string distance(const OnnxFlow& left, const OnnxFlow& right) {
    const auto kind = std::get<DecisionMetric>(spec_.decision).kind;
    if (kind == DecisionMetric::Kind::cosine) {
      const std::string product = graph_.add("Mul", {left.name, right.name});
      return graph_.add("ReduceSum", {product, graph_.integers({1})}, {{"keepdims", std::int64_t{0}}});
    }
    const std::string difference = graph_.add("Sub", {left.name, right.name});
    const char* const norm = kind == DecisionMetric::Kind::l2 ? "ReduceL2" : "ReduceL1";
    return graph_.add("Neg", {graph_.add(norm, {difference}, {{"axes", Axes{1}}, {"keepdims", std::int64_t{0}}})});
  }

  /// What the decision part sees of a pair.
  OnnxFlow meeting(const OnnxFlow& left, const OnnxFlow& right) {
    if (spec_.coupling == Coupling::two_channel) {
      const std::string both = graph_.add("Concat", {left.name, right.name}, {{"axis", std::int64_t{1}}});
      return branch({both, {2, size_.height, size_.width}}, false);
    }
    const OnnxFlow first = branch(left, false);
    const OnnxFlow second = branch(right, true);
    return concatenated({first.name, second.name}, {2 * first.shape.channels, 1, 1});
  }

  /// The decision part's score: [N].
  std::string decided(OnnxFlow flow) {
    const auto& layers = std::get<DecisionLayers>(spec_.decision).layers;
    for (std::size_t i = 0; i < layers.size(); ++i)
      flow = add_layer(graph_, layers[i], flow, model_, decision_prefix(i));
    return graph_.add("Reshape", {flow.name, graph_.integers({kAnyBatch})});
  }

  const Model& model_;
  const NetworkSpec& spec_;
  Extent size_;
  OnnxGraph graph_;
};

}  // namespace

OnnxModel to_onnx(const Model& model, std::optional<Extent> size) {
  constexpr Extent kUsual{64, 64};
  const Extent patch = size.value_or(model.spec.input.value_or(kUsual));
  const Model folded = fold_batch_normalisation(model);
  check_patch_size(model.spec, patch.height, patch.width);
  OnnxModel result = Exporter(folded, patch).run();
  result.metadata = {{"twinpatch.hash", model_hash(model)}, {"twinpatch.spec", to_json(model.spec)}};
  if (const auto licence = model.metadata.find("license"); licence != model.metadata.end()) {
    result.metadata.insert(*licence);
  }
  return result;
}

}  // namespace twinpatch
