// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <limits>
#include <set>

#include "layers.hpp"
#include "limits.hpp"
#include "spec_names.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/formats/json.hpp"
#include "twinpatch/net/spec.hpp"

namespace twinpatch {
namespace {

constexpr std::int64_t kNowhere = -1;  // what is wrong stands in the text's meaning, not at a byte of it
constexpr int kDepth = 8;              // the deepest value is spec.streams[].layers[].kernel[]: 6

/// Where a value stands, for messages: the file, and the way to it in the text ("streams[0].layers[3]").
struct Place {
  const std::string* path;
  std::string way;

  [[nodiscard]] Place at(const std::string& key) const { return {path, way.empty() ? key : way + "." + key}; }
  [[nodiscard]] Place at(std::size_t index) const { return {path, fmt::format("{}[{}]", way, index)}; }
  [[noreturn]] void fail(const std::string& what) const {
    throw FormatError(*path, kNowhere,
                      fmt::format("network specification{}{}: {}", way.empty() ? "" : ", ", way, what));
  }
};

void read(const JsonValue& json, const Place& place, bool& value) {
  if (!json.is_boolean()) place.fail("must be true or false");
  value = json.boolean();
}

void read(const JsonValue& json, const Place& place, int& value) {
  constexpr auto kMax = std::numeric_limits<int>::max();
  const bool fits = json.is_integer() && json.number() >= 0 && json.number() <= kMax;
  if (!fits) place.fail(fmt::format("must be an integer from 0 to {}", kMax));
  value = static_cast<int>(json.integer(0, kMax));
}

void read(const JsonValue& json, const Place& place, double& value) {
  if (!json.is_number()) place.fail("must be a number");
  value = json.number();
}

void read(const JsonValue& json, const Place& place, std::string& value) {
  if (!json.is_text()) place.fail("must be a string");
  value = json.text();
}

void read(const JsonValue& json, const Place& place, Extent& value) {
  if (!json.is_list() || json.list().size() != 2) place.fail("must be [height, width]");
  read(json.list()[0], place.at(std::size_t{0}), value.height);
  read(json.list()[1], place.at(std::size_t{1}), value.width);
}

template <class T>
void read_list(const JsonValue& json, const Place& place, std::size_t most, std::vector<T>& values);

void read(const JsonValue& json, const Place& place, std::vector<int>& value) {
  read_list(json, place, limits::kPyramidLevels, value);
}

/// The fields of an object: each is asked for by name, and what nobody asked for is refused.
class Object {
 public:
  Object(const JsonValue& json, Place place) : json_(json), place_(std::move(place)) {
    if (!json.is_object()) place_.fail("must be an object");
  }
  template <class T>
  void required(const char* key, T& value) {
    if (!optional(key, value)) place_.fail(fmt::format("\"{}\" is missing", key));
  }
  template <class T>
  bool optional(const char* key, T& value) {
    const JsonValue* field = find(key);
    if (field != nullptr) read(*field, place_.at(key), value);
    return field != nullptr;
  }
  [[nodiscard]] const JsonValue* find(const char* key) {
    known_.insert(key);
    return json_.find(key);
  }
  template <class Enum>
  void enumerator(const char* key, Enum& value) {
    std::string text;
    required(key, text);
    std::string known;
    for (const auto& [candidate, name] : net::names(value)) {
      if (text == name) {
        value = candidate;
        return;
      }
      known += fmt::format("{}{}", known.empty() ? "" : ", ", name);
    }
    place_.at(key).fail(fmt::format("must be one of {}, found \"{}\"", known, text));
  }
  void done() const {
    for (const auto& [key, value] : json_.members()) {
      if (!known_.contains(key)) place_.fail(fmt::format("unknown key \"{}\"", key));
    }
  }
  [[nodiscard]] const Place& place() const { return place_; }

 private:
  const JsonValue& json_;
  Place place_;
  std::set<std::string> known_;
};

Layer read_layer_of(const std::string& kind, Object& object) {
  if (kind == "convolution") {
    Convolution layer;
    object.required("in", layer.in);
    object.required("out", layer.out);
    object.required("kernel", layer.kernel);
    object.optional("stride", layer.stride);
    object.optional("padding", layer.padding);
    object.optional("bias", layer.bias);
    return layer;
  }
  if (kind == "batch_normalisation") {
    BatchNormalisation layer;
    object.required("channels", layer.channels);
    object.optional("epsilon", layer.epsilon);
    object.optional("affine", layer.affine);
    return layer;
  }
  if (kind == "max_pooling" || kind == "average_pooling") {
    Pooling layer{.kind = kind == "max_pooling" ? Pooling::Kind::max : Pooling::Kind::average};
    object.required("window", layer.window);
    object.required("stride", layer.stride);
    object.optional("ceil", layer.ceil);
    return layer;
  }
  if (kind == "subsampling") {
    Subsampling layer;
    object.required("channels", layer.channels);
    object.required("window", layer.window);
    return layer;
  }
  if (kind == "spatial_pyramid") {
    SpatialPyramid layer;
    object.required("levels", layer.levels);
    return layer;
  }
  if (kind == "linear") {
    Linear layer;
    object.required("in", layer.in);
    object.required("out", layer.out);
    return layer;
  }
  if (kind == "relu") return Activation{Activation::Kind::relu};
  if (kind == "tanh") return Activation{Activation::Kind::tanh};
  object.place().at("kind").fail(fmt::format(
      "must be convolution, batch_normalisation, max_pooling, average_pooling, subsampling, spatial_pyramid, "
      "linear, relu or tanh, found \"{}\"",
      kind));
}

void read(const JsonValue& json, const Place& place, Layer& value) {
  Object object(json, place);
  std::string kind;
  object.required("kind", kind);
  value = read_layer_of(kind, object);
  object.done();
}

template <class T>
void read_list(const JsonValue& json, const Place& place, std::size_t most, std::vector<T>& values) {
  if (!json.is_list()) place.fail("must be a list");
  const auto& list = json.list();
  if (list.size() > most) place.fail(fmt::format("must have at most {} entries, found {}", most, list.size()));
  values.resize(list.size());
  for (std::size_t i = 0; i < list.size(); ++i) read(list[i], place.at(i), values[i]);
}

void read(const JsonValue& json, const Place& place, std::vector<Layer>& value) {
  read_list(json, place, limits::kLayers, value);
}

void read(const JsonValue& json, const Place& place, Stream& value) {
  Object object(json, place);
  object.enumerator("view", value.view.kind);
  object.required("layers", value.layers);
  object.done();
}

void read(const JsonValue& json, const Place& place, std::vector<Stream>& value) {
  read_list(json, place, limits::kStreams, value);
}

void read(const JsonValue& json, const Place& place, Decision& value) {
  Object object(json, place);
  std::string kind;
  object.required("kind", kind);
  if (kind == "layers") {
    DecisionLayers decision;
    object.required("layers", decision.layers);
    value = std::move(decision);
  } else if (kind != "l2" && kind != "l1" && kind != "cosine") {
    place.at("kind").fail(fmt::format("must be layers, l2, l1 or cosine, found \"{}\"", kind));
  } else {
    DecisionMetric metric;
    object.enumerator("kind", metric.kind);
    object.optional("normalise", metric.normalise);
    value = metric;
  }
  object.done();
}

void read(const JsonValue& json, const Place& place, Normalisation& value) {
  Object object(json, place);
  object.optional("scale", value.scale);
  object.optional("subtract_mean", value.subtract_mean);
  object.optional("divide_deviation", value.divide_deviation);
  object.optional("deviation_epsilon", value.deviation_epsilon);
  object.optional("unbiased_deviation", value.unbiased_deviation);
  object.done();
}

void read(const JsonValue& json, const Place& place, std::optional<Extent>& value) {
  if (json.is_text() && json.text() == "any") {
    value.reset();
  } else {
    read(json, place, value.emplace());
  }
}

JsonValue parse(std::string_view text, const std::string& path) {
  if (text.size() > limits::kSpecText) {
    throw FormatError(path, kNowhere,
                      fmt::format("network specification: at most {} bytes, found {}", limits::kSpecText, text.size()));
  }
  // The text may stand inside of a model, whose bytes are not the text's.
  return parse_json(text, path + ": network specification", kDepth);
}

}  // namespace

NetworkSpec spec_from_json(std::string_view text, const std::string& path) {
  const JsonValue json = parse(text, path);
  Object object(json, {&path, ""});
  int version = 0;
  object.required("version", version);
  if (version != net::kSpecVersion)
    object.place().at("version").fail(fmt::format("must be {}, found {}", net::kSpecVersion, version));
  NetworkSpec spec;
  object.required("name", spec.name);
  object.optional("summary", spec.summary);
  object.required("input", spec.input);
  object.optional("minimum_input", spec.minimum_input);
  object.optional("normalisation", spec.normalisation);
  object.enumerator("coupling", spec.coupling);
  object.required("streams", spec.streams);
  object.required("decision", spec.decision);
  object.done();
  try {
    check(spec);
  } catch (const InvalidArgument& error) {
    throw FormatError(path, kNowhere, error.what());
  }
  return spec;
}

}  // namespace twinpatch
