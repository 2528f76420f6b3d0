// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <filesystem>
#include <optional>

#include "arrays.hpp"
#include "bindings.hpp"
#include "twinpatch/engine/match_rules.hpp"
#include "twinpatch/evaluate/metrics.hpp"
#include "twinpatch/net/foreign_weights.hpp"
#include "twinpatch/net/model.hpp"
#include "twinpatch/net/patch_extent.hpp"

namespace twinpatch::python {
namespace {

namespace fs = std::filesystem;

fs::path file_of(const nb::object& name_or_path) {
  return nb::isinstance<nb::str>(name_or_path) ? find_model(nb::cast<std::string>(name_or_path))
                                               : nb::cast<fs::path>(name_or_path);
}

/// A name of the catalogue, or a specification as JSON.
NetworkSpec spec_of(const std::string& text) {
  return text.starts_with('{') ? spec_from_json(text, "network") : network(text);
}

Tensor tensor_of(const Array& array) {
  Tensor tensor;
  for (std::size_t axis = 0; axis < array.values.ndim(); ++axis) {
    tensor.shape.push_back(static_cast<std::int64_t>(array.values.shape(axis)));
  }
  if (array.values.dtype() != nb::dtype<float>()) {
    throw InvalidArgument(fmt::format("{}: expected weights, float32, found {}", array.name, description(array)));
  }
  const auto* values = static_cast<const float*>(array.values.data());
  tensor.values.assign(values, values + array.values.size());
  return tensor;
}

Model model_from_weights(const std::string& network, const nb::dict& weights,
                         std::map<std::string, std::string> metadata) {
  Model model{.spec = spec_of(network), .weights = {}, .metadata = std::move(metadata)};
  for (const auto& [name, values] : weights) {
    const auto key = nb::cast<std::string>(name);
    model.weights.emplace(key, tensor_of(array_of(values, key.c_str())));
  }
  check(model);
  return model;
}

/// `names`: of tensors in the file, by the weights that they become.
Model model_from_file(const std::string& network, const fs::path& path,
                      const std::map<std::string, std::string>& names) {
  std::vector<WeightSource> map;
  map.reserve(names.size());
  for (const auto& [weight, tensor] : names) map.push_back({weight, tensor});
  return import_weights(path, spec_of(network), map).model;
}

/// A tensor as an array over the model's own memory, which `self` keeps alive.
nb::object weight_array(const Tensor& tensor, const nb::object& self) {
  std::vector<std::size_t> shape(tensor.shape.begin(), tensor.shape.end());
  return nb::cast(
      nb::ndarray<nb::numpy, const float>(tensor.values.data(), shape.size(), shape.data(), nb::handle(self)));
}

nb::dict weight_arrays(const nb::object& self) {
  nb::dict arrays;
  for (const auto& [name, tensor] : nb::cast<const Model&>(self).weights) {
    arrays[name.c_str()] = weight_array(tensor, self);
  }
  return arrays;
}

nb::object probability(const Model& model, const nb::object& scores) {
  const auto found = model.metadata.find("calibration");
  if (found == model.metadata.end()) {
    throw InvalidArgument(
        fmt::format("model {} has no calibration in its metadata: its scores cannot be turned into probabilities",
                    model.spec.name));
  }
  const Calibration calibration = calibration_from_json(found->second);
  std::vector<double> values = numbers_of(array_of(scores, "scores"));
  for (double& value : values) value = calibration.probability(value);
  return numpy_array_of<double>(std::move(values));
}

std::optional<std::pair<int, int>> patch_size(const Model& model) {
  if (!model.spec.input) return std::nullopt;
  return std::pair{model.spec.input->height, model.spec.input->width};
}

std::string representation(const Model& model) {
  return fmt::format("<twinpatch.Model {}, {} parameters>", model.spec.name, cost(model.spec).parameters);
}

constexpr const char* kModel = R"(A network with its weights.

Model(name_or_path) reads the model of that name that ships with twinpatch ("hard128", "siam", "2ch", ...) or that was put
into a folder of $TWINPATCH_MODELS; or a file: safetensors as twinpatch writes them, and the originals' .bin and .t7.

Raises IoError (no such file or name; the names that exist are listed), FormatError.)";

constexpr const char* kFromWeights = R"(A model of arrays, for a network trained elsewhere.

network: a name of catalogue(), or a specification as JSON (docs/networks.md).
weights: float32 arrays by the names that weight_shapes(network) lists; convolutions are [out, in, height, width] and
    linear layers [out, in], as PyTorch has them.
metadata: strings to keep with the model ("license", "patch_extent", ...).

Raises ShapeError naming the first tensor that is missing, unexpected or of another shape; InvalidArgument.)";

constexpr const char* kFromFile =
    R"(A model of weights in a file of another program: safetensors, or what torch.save wrote.

network: as in from_weights().
path: the file. No code in it runs: tensors and dictionaries are read, anything else is refused by its name.
names: the tensor for each weight, such as {"branch.0.0.weight": "features.0.weight"}; empty: by the order of layers.

Raises ShapeError naming every tensor that is missing, left over or of another size; FormatError, IoError.)";

constexpr const char* kProbability = R"(Probability that a pair is a match, float64 [M], by the model's calibration.

scores: float32 or float64 [M], as Engine.score() gives them.

The logistic function of a line that was fitted to labelled pairs of the training's validation data (Platt 1999): right for
pairs as frequent and as difficult as those. Raises InvalidArgument if the model has no calibration.)";

}  // namespace

void bind_model(nb::module_& module) {
  nb::class_<Model>(module, "Model", kModel)
      .def(
          "__init__",
          [](Model* self, const nb::object& name_or_path) {
            const fs::path file = file_of(name_or_path);
            const nb::gil_scoped_release release;
            new (self) Model(import_model(file));
          },
          nb::arg("name_or_path"), nb::sig("def __init__(self, name_or_path: str | os.PathLike[str]) -> None"))
      .def_static(
          "from_weights", &model_from_weights, nb::arg("network"), nb::arg("weights"), nb::arg("metadata") = nb::dict(),
          kFromWeights,
          nb::sig("def from_weights(network: str, weights: collections.abc.Mapping[str, twinpatch._typing.Array], "
                  "metadata: dict[str, str] = {}) -> Model"))
      .def_static("from_file", &model_from_file, nb::arg("network"), nb::arg("path"),
                  nb::arg("names") = std::map<std::string, std::string>(), nb::call_guard<nb::gil_scoped_release>(),
                  kFromFile,
                  nb::sig("def from_file(network: str, path: str | os.PathLike[str], names: dict[str, str] = {}) -> "
                          "Model"))
      .def(
          "save", [](const Model& model, const fs::path& path) { save_model(path, model); }, nb::arg("path"),
          nb::call_guard<nb::gil_scoped_release>(),
          "Writes a safetensors file with the network inside; it appears whole or not at all. Raises IoError.",
          nb::sig("def save(self, path: str | os.PathLike[str]) -> None"))
      .def("probability", &probability, nb::arg("scores"), kProbability,
           nb::sig("def probability(self, scores: twinpatch._typing.Array) -> "
                   "numpy.typing.NDArray[numpy.float64]"))
      .def_prop_ro(
          "name", [](const Model& model) { return model.spec.name; }, "The network's name.")
      .def_prop_ro("hash", &model_hash, "16 hex digits of the network and every weight: names caches and results.")
      .def_prop_ro(
          "spec", [](const Model& model) { return to_json(model.spec); },
          "The network as JSON: layers, normalisation, decision (docs/networks.md).")
      .def_prop_ro(
          "metadata", [](const Model& model) { return model.metadata; },
          "A copy of what the file says about the model: \"training\", \"data\", \"license\", \"calibration\", ...")
      .def_prop_ro("weights", &weight_arrays, "float32 arrays by name, read-only, over the model's own memory.",
                   nb::sig("def weights(self) -> dict[str, numpy.typing.NDArray[numpy.float32]]"))
      .def_prop_ro("patch_size", &patch_size,
                   "(height, width) of a patch in pixels; None where the network takes any size.")
      .def_prop_ro(
          "patch_extent", &patch_extent,
          "Side of the window around a keypoint, in its sigma, that the model was trained on: cut()'s `extent`. "
          "None where the model does not say.")
      .def_prop_ro(
          "has_descriptors", [](const Model& model) { return has_descriptors(model.spec); },
          "False for 2-channel networks, which see both patches at once.")
      .def_prop_ro(
          "scores_are_distances", [](const Model& model) { return scores_are_distances(model.spec); },
          "True where a score is a negated distance, so that a ratio test means something.")
      .def("__repr__", &representation);

  module.def(
      "catalogue",
      [] {
        std::vector<std::string> names;
        for (const NetworkSpec& spec : catalogue()) names.push_back(spec.name);
        return names;
      },
      "Names of the networks that twinpatch knows, with or without trained weights.");
  module.def(
      "weight_shapes",
      [](const std::string& network) {
        std::map<std::string, std::vector<std::int64_t>> shapes;
        for (auto& [name, shape] : weight_shapes(spec_of(network))) shapes.emplace(name, std::move(shape));
        return shapes;
      },
      nb::arg("network"),
      "Shapes of the weights of a network by name. network: as in Model.from_weights(). Raises InvalidArgument with "
      "the "
      "nearest names of the catalogue, FormatError.");
}

}  // namespace twinpatch::python
