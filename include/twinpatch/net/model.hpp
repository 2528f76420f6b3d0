// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "twinpatch/formats/safetensors.hpp"
#include "twinpatch/net/spec.hpp"

namespace twinpatch {

/// A network with its weights.
///
/// Names of tensors: "<branch>.<stream>.<layer>.<field>" and "decision.<layer>.<field>", where branch is `branch`
/// (two_channel, siamese) or `left` / `right` (pseudo_siamese), stream and layer are positions in the spec, and field
/// is as in spec.hpp: branch.0.3.weight. Batch normalisation: weight, bias, running_mean, running_var.
struct Model {
  NetworkSpec spec;
  std::map<std::string, Tensor> weights;
  /// "training": how it was trained, as JSON; "data": what it was trained on; "calibration": JSON {"scale","offset"}
  /// with probability = 1 / (1 + exp(−(scale · score + offset))); "license". Any may be missing.
  std::map<std::string, std::string> metadata;
  /// A tower without its decision part (the originals' "_desc" files): descriptors only, pairs cannot be scored.
  bool descriptor_only = false;
};

/// Names and shapes of the weights of a model of this spec, in order.
struct WeightShape {
  std::string name;
  std::vector<std::int64_t> shape;
};
[[nodiscard]] std::vector<WeightShape> weight_shapes(const NetworkSpec& spec, bool descriptor_only = false);

/// Prefix of the names of one layer's weights: "branch.0.3." and "decision.0.". `right`: the tower of the right
/// patch, which is the same as the left one's unless the network is pseudo-siamese.
[[nodiscard]] std::string branch_prefix(const NetworkSpec& spec, bool right, std::size_t stream, std::size_t layer);
[[nodiscard]] std::string decision_prefix(std::size_t layer);

/// Throws ShapeError naming the first tensor that is missing, unexpected or of another shape than in the spec.
void check(const Model& model);

/// Hash (16 hex digits) of the spec and every weight as stored, and of "activations": names caches and results.
[[nodiscard]] std::string model_hash(const Model& model);

/// How `save_model` will store the weights; the values are unchanged. i8: 8-bit integers with a scale for each output
/// of a layer, and float32 for what has one dimension (biases, batch statistics).
void store_as(Model& model, TensorType type);

/// Weights drawn from N(0, sqrt(2 / fan_in)), biases from a small normal (never zero), deterministic: for tests,
/// benches.
[[nodiscard]] Model random_model(const NetworkSpec& spec, std::uint64_t seed);

/// Metadata keys of a model file: "twinpatch.spec" (JSON), "twinpatch.hash", "twinpatch.descriptor_only" and the
/// model's own; the hash and the flag may be missing (docs/files.md). Throws FormatError where the hash does not fit
/// the weights, ShapeError where weights do not fit the spec. Each reader also has a form that takes the file's bytes;
/// messages then use `path`.
[[nodiscard]] Model load_model(const std::filesystem::path& path);
[[nodiscard]] Model load_model(std::span<const std::byte> bytes, const std::string& path);
/// Values are stored as each tensor's `stored_as` says (i8: NAME as integers [rows, …] and NAME.scale, float32 [rows],
/// value = scale · integer); the hash is that of the rounded values. Throws
/// InvalidArgument for values that are not finite, or too large for the type they are to be stored as.
void save_model(const std::filesystem::path& path, const Model& model);

/// `name_or_path`: a file, or the name of a model that ships ("siam"), searched in $TWINPATCH_MODELS, then where the
/// program was installed or built. Throws IoError listing the folders searched and the models found there.
[[nodiscard]] std::filesystem::path find_model(const std::string& name_or_path);

/// The originals' `.bin` (cvpr15deepcompare; type name inside; size checked against it) and Torch7 `.t7`
/// (nn.Sequential of the 2ch family). Format: docs/networks.md. Throws FormatError.
[[nodiscard]] Model import_deepcompare_bin(const std::filesystem::path& path);
[[nodiscard]] Model import_deepcompare_bin(std::span<const std::byte> bytes, const std::string& path);
[[nodiscard]] Model import_torch7(const std::filesystem::path& path);
[[nodiscard]] Model import_torch7(std::span<const std::byte> bytes, const std::string& path);
/// By content, not by name: safetensors, .bin or .t7.
[[nodiscard]] Model import_model(const std::filesystem::path& path);
[[nodiscard]] Model import_model(std::span<const std::byte> bytes, const std::string& path);

/// The same network with batch normalisations folded into the convolution, linear or subsampling layer before them;
/// where there is none, into a subsampling of 1×1 windows. Engines run this form: it has no batch normalisation left.
[[nodiscard]] Model fold_batch_normalisation(const Model& model);
/// The same without a copy: the model itself, checked, where there is nothing to fold.
[[nodiscard]] std::shared_ptr<const Model> fold_batch_normalisation(const std::shared_ptr<const Model>& model);

/// Input and reference outputs of the originals (`test_data.bin`).
struct GoldenFile {
  struct Entry {
    std::string path;  ///< "networks/2ch/2ch_liberty.bin"
    std::int64_t rows = 0, columns = 0;
    std::vector<float> values;  ///< [rows, columns]
  };
  std::vector<float> input;  ///< [batch, 2, 64, 64], fed unchanged
  std::int64_t batch = 0;
  std::vector<Entry> entries;
};
[[nodiscard]] GoldenFile read_golden(const std::filesystem::path& path);
[[nodiscard]] GoldenFile read_golden(std::span<const std::byte> bytes, const std::string& path);

}  // namespace twinpatch
