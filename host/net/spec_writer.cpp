// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "layers.hpp"
#include "spec_names.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch {
namespace {

using Json = nlohmann::ordered_json;

template <class Enum>
std::string to_name(Enum value) {
  for (const auto& [enumerator, name] : net::names(value)) {
    if (enumerator == value) return name;
  }
  throw InvalidArgument("a value that is no enumerator");
}

Json to_json(Extent extent) { return Json::array({extent.height, extent.width}); }

Json to_json(const Normalisation& rule) {
  Json json{{"scale", rule.scale},
            {"subtract_mean", rule.subtract_mean},
            {"divide_deviation", rule.divide_deviation},
            {"deviation_epsilon", rule.deviation_epsilon}};
  if (rule.unbiased_deviation) json["unbiased_deviation"] = true;  // else left out: hashes of older files stay valid
  return json;
}

Json to_json(const Layer& layer) {
  return std::visit(net::Overloaded{
                        [](const Convolution& l) {
                          return Json{{"kind", "convolution"},
                                      {"in", l.in},
                                      {"out", l.out},
                                      {"kernel", to_json(l.kernel)},
                                      {"stride", to_json(l.stride)},
                                      {"padding", to_json(l.padding)},
                                      {"bias", l.bias}};
                        },
                        [](const BatchNormalisation& l) {
                          return Json{{"kind", "batch_normalisation"},
                                      {"channels", l.channels},
                                      {"epsilon", l.epsilon},
                                      {"affine", l.affine}};
                        },
                        [](const Pooling& l) {
                          return Json{{"kind", l.kind == Pooling::Kind::max ? "max_pooling" : "average_pooling"},
                                      {"window", to_json(l.window)},
                                      {"stride", to_json(l.stride)},
                                      {"ceil", l.ceil}};
                        },
                        [](const Subsampling& l) {
                          return Json{{"kind", "subsampling"}, {"channels", l.channels}, {"window", to_json(l.window)}};
                        },
                        [](const SpatialPyramid& l) {
                          return Json{{"kind", "spatial_pyramid"}, {"levels", l.levels}};
                        },
                        [](const Linear& l) {
                          return Json{{"kind", "linear"}, {"in", l.in}, {"out", l.out}};
                        },
                        [](const Activation& l) {
                          return Json{{"kind", l.kind == Activation::Kind::relu ? "relu" : "tanh"}};
                        },
                    },
                    layer);
}

Json to_json(const std::vector<Layer>& layers) {
  Json list = Json::array();
  for (const Layer& layer : layers) list.push_back(to_json(layer));
  return list;
}

Json to_json(const Decision& decision) {
  if (const auto* metric = std::get_if<DecisionMetric>(&decision)) {
    return Json{{"kind", to_name(metric->kind)}, {"normalise", metric->normalise}};
  }
  return Json{{"kind", "layers"}, {"layers", to_json(std::get<DecisionLayers>(decision).layers)}};
}

}  // namespace

std::string to_json(const NetworkSpec& spec) {
  Json streams = Json::array();
  for (const Stream& stream : spec.streams) {
    streams.push_back({{"view", to_name(stream.view.kind)}, {"layers", to_json(stream.layers)}});
  }
  const Json json{{"version", net::kSpecVersion},
                  {"name", spec.name},
                  {"summary", spec.summary},
                  {"input", spec.input ? to_json(*spec.input) : Json("any")},
                  {"minimum_input", to_json(spec.minimum_input)},
                  {"normalisation", to_json(spec.normalisation)},
                  {"coupling", to_name(spec.coupling)},
                  {"streams", std::move(streams)},
                  {"decision", to_json(spec.decision)}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace twinpatch
