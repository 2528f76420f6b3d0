// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

// A network as data. Sizes are (height, width); "valid" correlations without kernel flip unless padded; no batch axis.
// Paper: Zagoruyko & Komodakis, CVPR 2015 ("the paper" below).

namespace twinpatch {

struct Extent {
  int height = 0;
  int width = 0;
  friend bool operator==(const Extent&, const Extent&) = default;
};

/// y[o] = bias[o] + Σ weight[o,i,kh,kw] · x[i,…]. Weights "weight" [out, in, kernel.height, kernel.width], "bias"
/// [out].
struct Convolution {
  int in = 0;
  int out = 0;
  Extent kernel;
  Extent stride{1, 1};
  Extent padding{0, 0};
  bool bias = true;
  friend bool operator==(const Convolution&, const Convolution&) = default;
};

/// Inference form of batch normalisation over channels: y = (x − running_mean) / sqrt(running_var + epsilon), times
/// "weight" plus "bias" where affine. Folded into the convolution or linear layer before it when a model is planned.
struct BatchNormalisation {
  int channels = 0;
  double epsilon = 1e-5;
  bool affine = false;
  friend bool operator==(const BatchNormalisation&, const BatchNormalisation&) = default;
};

/// Max or average over windows. `ceil` rounds the output size up, windows cut off at the border (average: divided by
/// the number of values really inside).
struct Pooling {
  enum class Kind { max, average } kind = Kind::max;
  Extent window{2, 2};
  Extent stride{2, 2};
  bool ceil = false;
  friend bool operator==(const Pooling&, const Pooling&) = default;
};

/// Trainable subsampling (LeCun 1998, Chopra 2005): "weight"[c] · mean of a window + "bias"[c]; windows do not overlap.
struct Subsampling {
  int channels = 0;
  Extent window{2, 2};
  friend bool operator==(const Subsampling&, const Subsampling&) = default;
};

/// Spatial pyramid max pooling (He et al. 2015): for each level n, n×n bins; bin (i,j) covers rows
/// [floor(i·h/n), ceil((i+1)·h/n)) and columns likewise. Output channels × Σ n², level by level, channel outermost
/// within a level (the order of torch's adaptive_max_pool2d, flattened and concatenated).
struct SpatialPyramid {
  std::vector<int> levels;
  friend bool operator==(const SpatialPyramid&, const SpatialPyramid&) = default;
};

/// Fully connected on the flattened (channel, row, column) input. "weight" [out, in], "bias" [out].
struct Linear {
  int in = 0;
  int out = 0;
  friend bool operator==(const Linear&, const Linear&) = default;
};

struct Activation {
  enum class Kind { relu, tanh } kind = Kind::relu;
  friend bool operator==(const Activation&, const Activation&) = default;
};

using Layer = std::variant<Convolution, BatchNormalisation, Pooling, Subsampling, SpatialPyramid, Linear, Activation>;

/// The part of the patch a stream reads.
struct StreamView {
  enum class Kind {
    whole,            ///< the patch
    central_crop,     ///< the central half: rows and columns [size/4, size/4 + size/2); 16..47 of 64
    surround_average  ///< the whole patch averaged over 2×2: 32×32 of 64×64
  } kind = Kind::whole;
  friend bool operator==(const StreamView&, const StreamView&) = default;
};

/// One convolutional stream of a branch. Its output, flattened, is one part of the branch's vector.
struct Stream {
  StreamView view;
  std::vector<Layer> layers;
  friend bool operator==(const Stream&, const Stream&) = default;
};

/// How the two patches of a pair meet.
enum class Coupling {
  two_channel,    ///< stacked as two channels, one branch (paper 3.1 "2-channel")
  siamese,        ///< one branch each, weights shared (paper 3.1)
  pseudo_siamese  ///< one branch each, separate weights (paper 3.1)
};

/// The decision part: layers on [left ‖ right] (siamese) or on the branch's vector (two_channel) that end in one score.
struct DecisionLayers {
  std::vector<Layer> layers;
  friend bool operator==(const DecisionLayers&, const DecisionLayers&) = default;
};
/// The score is minus a distance, or a cosine, of the two branch vectors.
struct DecisionMetric {
  enum class Kind { l2, l1, cosine } kind = Kind::l2;
  /// Vectors are divided by max(‖v‖₂, 1e-12) first. The cosine implies it.
  bool normalise = true;
  friend bool operator==(const DecisionMetric&, const DecisionMetric&) = default;
};
using Decision = std::variant<DecisionLayers, DecisionMetric>;

/// What happens to uint8 grey levels before the network: (x · scale − mean) / deviation, each optional.
struct Normalisation {
  double scale = 1.0 / 255;
  bool subtract_mean = true;        ///< the mean of that patch (after scaling)
  bool divide_deviation = false;    ///< the standard deviation of that patch
  double deviation_epsilon = 1e-5;  ///< divided by sqrt(variance + epsilon), after scaling
  /// The variance is the sum of squares divided by n − 1 (as PyTorch's std does), not by the number n of pixels.
  bool unbiased_deviation = false;
  friend bool operator==(const Normalisation&, const Normalisation&) = default;
};

/// A complete network as a value. Serialised as JSON in model files.
struct NetworkSpec {
  std::string name;             ///< catalogue name or the user's own
  std::string summary;          ///< one line for people
  std::optional<Extent> input;  ///< patch size; nothing: any size (needs a spatial pyramid in every stream)
  Extent minimum_input{1, 1};   ///< for networks of any input size: the smallest that every layer accepts
  Normalisation normalisation;
  Coupling coupling = Coupling::siamese;
  std::vector<Stream> streams;  ///< in the order of concatenation
  Decision decision;

  friend bool operator==(const NetworkSpec&, const NetworkSpec&) = default;
};

/// Shape of an activation: channels × height × width.
struct Shape {
  int channels = 0;
  int height = 0;
  int width = 0;
  [[nodiscard]] std::int64_t size() const { return std::int64_t{channels} * height * width; }
  friend bool operator==(const Shape&, const Shape&) = default;
};

/// Output shape of one layer. Throws ShapeError with what the layer expected and got.
[[nodiscard]] Shape output_shape(const Layer& layer, Shape input);
/// Input shape of a stream for a patch of `input` size (before its layers). `channels` is 2 for two_channel, else 1.
[[nodiscard]] Shape stream_input(const NetworkSpec& spec, const Stream& stream, Extent input);
/// Length of the branch's vector: the streams' flattened outputs, concatenated.
[[nodiscard]] std::int64_t branch_size(const NetworkSpec& spec);
/// Checks the whole network: every layer's shapes, the decision's width, one score at the end. Throws ShapeError.
void check(const NetworkSpec& spec);
/// Throws ShapeError unless patches of this size fit the network.
void check_patch_size(const NetworkSpec& spec, int height, int width);
/// True for networks whose branch sees one patch: descriptors exist.
[[nodiscard]] bool has_descriptors(const NetworkSpec& spec);
/// Throws InvalidArgument unless descriptors exist.
void check_has_descriptors(const NetworkSpec& spec);
/// True if score(a, b) == score(b, a) for every pair by construction.
[[nodiscard]] bool is_symmetric(const NetworkSpec& spec);

/// "conv 96 7×7 / 3", "max pool 2×2", …: a layer in words.
[[nodiscard]] std::string describe(const Layer& layer);

struct Cost {
  std::int64_t parameters = 0;
  std::int64_t branch_parameters = 0;  ///< those of the branch or branches
  std::int64_t macs_per_patch = 0;     ///< of one branch; 0 for two_channel
  std::int64_t macs_per_pair = 0;      ///< everything for one pair, nothing cached
};
/// For networks of any input size: at 64×64.
[[nodiscard]] Cost cost(const NetworkSpec& spec);

[[nodiscard]] std::string to_json(const NetworkSpec& spec);
/// Throws FormatError (`path` names the source in messages): unknown keys, kinds, or values out of range.
[[nodiscard]] NetworkSpec spec_from_json(std::string_view text, const std::string& path);

/// Every network of the catalogue, in the order `model list` prints them.
[[nodiscard]] const std::vector<NetworkSpec>& catalogue();
/// By name. Throws InvalidArgument with the nearest names.
[[nodiscard]] const NetworkSpec& network(std::string_view name);
/// A network of the catalogue by name, or the one of a file that ends in .json. Throws as `network`, spec_from_json and
/// check do, and IoError.
[[nodiscard]] NetworkSpec find_network(const std::string& name_or_path);

}  // namespace twinpatch
