// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "layers.hpp"
#include "torch7_reader.hpp"
#include "twinpatch/net/model.hpp"

namespace twinpatch {
namespace {

using net::Torch7File;
using net::Torch7Object;
using Kind = Torch7Object::Kind;

/// A layer of the file with the module that holds its weights.
struct FileLayer {
  Layer layer;
  const Torch7Object* module;
};

/// nn.Sequential of a 2-channel network: what comes before and after its nn.View.
struct FileNetwork {
  std::vector<FileLayer> stream;
  std::vector<FileLayer> decision;
};

/// A whole number under a module's key; `fallback` where there is none.
int integer(const Torch7File& file, const Torch7Object& module, const char* key, int fallback) {
  const Torch7Object* value = module.find(key);
  if (value == nullptr || value->kind == Kind::nil) return fallback;
  if (value->kind != Kind::number || !(value->number >= 0 && value->number <= 65536) ||
      value->number != std::floor(value->number)) {
    file.fail(*value, fmt::format("{} of a {} must be an integer from 0 to 65536", key, module.text));
  }
  return static_cast<int>(value->number);
}

int integer(const Torch7File& file, const Torch7Object& module, const char* key) {
  const int value = integer(file, module, key, -1);
  if (value < 0) file.fail(module, fmt::format("a {} without {}", module.text, key));
  return value;
}

Extent extent(const Torch7File& file, const Torch7Object& module, const char* height, const char* width) {
  return {integer(file, module, height), integer(file, module, width)};
}

Layer convolution(const Torch7File& file, const Torch7Object& module) {
  Convolution layer;
  layer.in = integer(file, module, "nInputPlane");
  layer.out = integer(file, module, "nOutputPlane");
  layer.kernel = extent(file, module, "kH", "kW");
  layer.stride = extent(file, module, "dH", "dW");
  const int padding = integer(file, module, "padding", 0);
  layer.padding = {integer(file, module, "padH", padding), integer(file, module, "padW", padding)};
  return layer;
}

Layer pooling(const Torch7File& file, const Torch7Object& module) {
  const int padding = integer(file, module, "padH", 0) + integer(file, module, "padW", 0);
  if (padding != 0) file.fail(module, "a pooling with padding");
  const Torch7Object* ceil = module.find("ceil_mode");
  return Pooling{.kind = Pooling::Kind::max,
                 .window = extent(file, module, "kH", "kW"),
                 .stride = extent(file, module, "dH", "dW"),
                 .ceil = ceil != nullptr && ceil->kind == Kind::boolean && ceil->number != 0};
}

Layer linear(const Torch7File& file, const Torch7Object& module) {
  const Torch7Object* weight = module.find("weight");
  if (weight == nullptr || weight->kind != Kind::tensor || weight->sizes.size() != 2) {
    file.fail(module, fmt::format("a {} without a matrix of weights", module.text));
  }
  for (const std::int64_t size : weight->sizes) {
    if (size < 1 || size > 65536) file.fail(*weight, fmt::format("a {} of {} values", module.text, size));
  }
  return Linear{static_cast<int>(weight->sizes[1]), static_cast<int>(weight->sizes[0])};
}

FileNetwork read_network(const Torch7File& file) {
  const Torch7Object& root = file.root();
  const Torch7Object* modules = root.kind == Kind::other ? root.find("modules") : nullptr;
  if (root.text != "nn.Sequential" || modules == nullptr) file.fail(root, "expected an nn.Sequential with modules");
  FileNetwork network;
  auto* part = &network.stream;
  for (const Torch7Object* module : modules->list()) {
    if (module == nullptr || module->kind != Kind::other) file.fail(*modules, "expected a list of modules");
    std::string_view name = module->text;
    name.remove_prefix(std::min(name.find('.') + 1, name.size()));  // nn. or cudnn.
    if (name == "SpatialConvolution" || name == "SpatialConvolutionMM") {
      part->push_back({convolution(file, *module), module});
    } else if (name == "SpatialMaxPooling") {
      part->push_back({pooling(file, *module), module});
    } else if (name == "ReLU") {
      part->push_back({Activation{Activation::Kind::relu}, module});
    } else if (name == "Linear") {
      part->push_back({linear(file, *module), module});
    } else if (name == "View" || name == "Reshape") {
      part = &network.decision;
    } else {
      file.fail(*module, fmt::format("a module of class \"{}\", which no 2-channel network has", module->text));
    }
  }
  return network;
}

bool same(const std::vector<FileLayer>& found, const std::vector<Layer>& layers) {
  return std::equal(found.begin(), found.end(), layers.begin(), layers.end(),
                    [](const FileLayer& a, const Layer& b) { return a.layer == b; });
}

/// The network of the catalogue that has these layers.
const NetworkSpec& recognise(const Torch7File& file, const FileNetwork& found) {
  for (const NetworkSpec& spec : catalogue()) {
    const auto* decision = std::get_if<DecisionLayers>(&spec.decision);
    if (spec.coupling == Coupling::two_channel && spec.streams.size() == 1 && decision != nullptr &&
        same(found.stream, spec.streams[0].layers) && same(found.decision, decision->layers)) {
      return spec;
    }
  }
  std::string words;
  for (const auto* part : {&found.stream, &found.decision}) {
    for (const FileLayer& layer : *part) {
      if (words.size() < 400) words += fmt::format("{}{}", words.empty() ? "" : " – ", describe(layer.layer));
    }
  }
  file.fail(file.root(), fmt::format("its layers are those of no 2-channel network of the catalogue: {}", words));
}

void copy_weights(const Torch7File& file, const FileLayer& layer, const std::string& prefix, Model& model) {
  for (const net::Field& field : net::fields(layer.layer)) {
    const Torch7Object* tensor = layer.module->find(field.name);
    if (tensor == nullptr) file.fail(*layer.module, fmt::format("a {} without {}", layer.module->text, field.name));
    std::int64_t count = 1;
    for (const std::int64_t size : field.shape) count *= size;
    model.weights[prefix + field.name] = {.shape = field.shape, .values = file.floats(*tensor, count)};
  }
}

}  // namespace

Model import_torch7(std::span<const std::byte> bytes, const std::string& path) {
  const Torch7File file(bytes, path);
  const FileNetwork found = read_network(file);
  Model model;
  model.spec = recognise(file, found);
  model.metadata["imported"] = "Torch7 .t7";
  model.metadata["license"] = "weights by the authors of cvpr15deepcompare: their terms apply";
  for (std::size_t i = 0; i < found.stream.size(); ++i) {
    copy_weights(file, found.stream[i], branch_prefix(model.spec, false, 0, i), model);
  }
  for (std::size_t i = 0; i < found.decision.size(); ++i) {
    copy_weights(file, found.decision[i], decision_prefix(i), model);
  }
  check(model);
  return model;
}

Model import_torch7(const std::filesystem::path& path) {
  return import_torch7(MappedFile(path).bytes(), path.string());
}

}  // namespace twinpatch
