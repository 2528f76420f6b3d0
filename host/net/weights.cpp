// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <bit>
#include <cmath>
#include <set>

#include "layers.hpp"
#include "row_quantisation.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/core/half.hpp"
#include "twinpatch/net/activation_ranges.hpp"
#include "twinpatch/net/model.hpp"

namespace twinpatch {
namespace {

void append(std::vector<WeightShape>& all, const Layer& layer, const std::string& prefix) {
  for (const net::Field& field : net::fields(layer)) all.push_back({prefix + field.name, field.shape});
}

std::int64_t count(const std::vector<std::int64_t>& shape) {
  std::int64_t values = 1;
  for (const std::int64_t size : shape) values *= size;  // a checked spec's: below 2^31
  return values;
}

void check_tensor(const Model& model, const WeightShape& expected, const Tensor& tensor) {
  if (tensor.shape != expected.shape) {
    throw ShapeError(fmt::format("network {}: weights {} must be [{}], found [{}]", model.spec.name, expected.name,
                                 fmt::join(expected.shape, ", "), fmt::join(tensor.shape, ", ")));
  }
  if (static_cast<std::int64_t>(tensor.values.size()) != count(expected.shape)) {
    throw ShapeError(fmt::format("network {}: weights {} must have {} values, found {}", model.spec.name, expected.name,
                                 count(expected.shape), tensor.values.size()));
  }
  if (!expected.name.ends_with(".running_var")) return;
  for (const float value : tensor.values) {
    if (value < 0)
      throw ShapeError(fmt::format("network {}: {} has a negative variance", model.spec.name, expected.name));
  }
}

/// FNV-1a with 64 bits: h ← (h ⊕ byte) · prime. It finds damage and tells models apart; it is no signature.
class Fnv1a {
 public:
  void add(std::uint8_t byte) { hash_ = (hash_ ^ byte) * 0x100000001b3U; }
  template <class Unsigned>
  void add_integer(Unsigned value) {  // little-endian
    for (std::size_t i = 0; i < sizeof(Unsigned); ++i) add(static_cast<std::uint8_t>(value >> (8 * i)));
  }
  void add_text(std::string_view text) {
    add_integer(static_cast<std::uint64_t>(text.size()));
    for (const char c : text) add(static_cast<std::uint8_t>(c));
  }
  void add_tensor(const Tensor& tensor) {
    add(static_cast<std::uint8_t>(tensor.stored_as));
    if (tensor.stored_as == TensorType::i8) {
      const auto rows = net::quantise_rows(tensor);
      for (const float scale : rows.scales) add_integer(std::bit_cast<std::uint32_t>(scale));
      for (const std::int8_t value : rows.values) add(static_cast<std::uint8_t>(value));
      return;
    }
    for (const float value : tensor.values) {
      switch (tensor.stored_as) {
        case TensorType::f32:
          add_integer(std::bit_cast<std::uint32_t>(value));
          break;
        case TensorType::f16:
          add_integer(to_half(value));
          break;
        case TensorType::bf16:
          add_integer(to_bfloat16(value));
          break;
        case TensorType::i8:
          break;  // above
      }
    }
  }
  [[nodiscard]] std::uint64_t value() const { return hash_; }

 private:
  std::uint64_t hash_ = 0xcbf29ce484222325U;
};

}  // namespace

std::string branch_prefix(const NetworkSpec& spec, bool right, std::size_t stream, std::size_t layer) {
  const char* branch = spec.coupling != Coupling::pseudo_siamese ? "branch" : right ? "right" : "left";
  return fmt::format("{}.{}.{}.", branch, stream, layer);
}

std::string decision_prefix(std::size_t layer) { return fmt::format("decision.{}.", layer); }

std::vector<WeightShape> weight_shapes(const NetworkSpec& spec, bool descriptor_only) {
  std::vector<WeightShape> all;
  for (const bool right : {false, true}) {
    if (right && spec.coupling != Coupling::pseudo_siamese) break;
    for (std::size_t s = 0; s < spec.streams.size(); ++s) {
      const auto& layers = spec.streams[s].layers;
      for (std::size_t i = 0; i < layers.size(); ++i) append(all, layers[i], branch_prefix(spec, right, s, i));
    }
  }
  const auto* decision = std::get_if<DecisionLayers>(&spec.decision);
  if (decision == nullptr || descriptor_only) return all;
  for (std::size_t i = 0; i < decision->layers.size(); ++i) append(all, decision->layers[i], decision_prefix(i));
  return all;
}

void check(const Model& model) {
  check(model.spec);
  if (model.descriptor_only && !has_descriptors(model.spec)) {
    throw ShapeError(fmt::format(
        "network {}: a 2-channel network has no descriptors, so its model cannot be descriptor-only", model.spec.name));
  }
  std::set<std::string> expected;
  for (const WeightShape& shape : weight_shapes(model.spec, model.descriptor_only)) {
    const auto found = model.weights.find(shape.name);
    if (found == model.weights.end()) {
      throw ShapeError(fmt::format("network {}: weights {} are missing", model.spec.name, shape.name));
    }
    check_tensor(model, shape, found->second);
    expected.insert(shape.name);
  }
  for (const auto& [name, tensor] : model.weights) {
    if (!expected.contains(name)) {
      throw ShapeError(fmt::format("network {}: unexpected weights {}", model.spec.name, name));
    }
  }
}

std::string model_hash(const Model& model) {
  Fnv1a hash;
  hash.add_text(to_json(model.spec));
  hash.add(model.descriptor_only ? 1 : 0);
  for (const WeightShape& shape : weight_shapes(model.spec, model.descriptor_only)) {
    const auto found = model.weights.find(shape.name);
    if (found == model.weights.end()) {
      throw ShapeError(fmt::format("network {}: weights {} are missing", model.spec.name, shape.name));
    }
    hash.add_text(shape.name);
    hash.add_tensor(found->second);
  }
  const auto calibrated = model.metadata.find(kActivationsKey);  // decides what int8 makes of the weights
  if (calibrated != model.metadata.end()) hash.add_text(calibrated->second);
  return fmt::format("{:016x}", hash.value());
}

void store_as(Model& model, TensorType type) {
  for (auto& [name, tensor] : model.weights)
    tensor.stored_as = type == TensorType::i8 && tensor.shape.size() < 2 ? TensorType::f32 : type;
}

}  // namespace twinpatch
