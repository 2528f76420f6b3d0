// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>
#include <span>

#include "twinpatch/core/error.hpp"
#include "twinpatch/net/spec.hpp"

// Every network by name. A plain name is the form whose weights were released; "-paper" follows the paper's text and
// "-mlp" the released training script where those differ; "-l2" compares vectors by distance; "-spp" takes any size.

namespace twinpatch {
namespace {

using Layers = std::vector<Layer>;

constexpr Extent kPatch{64, 64};
constexpr Activation kRelu{Activation::Kind::relu};
constexpr Activation kTanh{Activation::Kind::tanh};
constexpr Pooling kPool{};  // max 2×2 stride 2

Layer conv(int in, int out, int kernel, int stride = 1) {
  return Convolution{.in = in, .out = out, .kernel = {kernel, kernel}, .stride = {stride, stride}};
}

Layers concatenated(std::initializer_list<Layers> parts) {
  Layers result;
  for (const Layers& part : parts) result.insert(result.end(), part.begin(), part.end());
  return result;
}

/// linear – relu – … – linear to one score: sizes {512, 512} is F(512)-ReLU-F(1) on 512 values.
DecisionLayers head(std::initializer_list<int> sizes) {
  DecisionLayers decision;
  const int* previous = sizes.begin();
  for (const int* size = previous + 1; size != sizes.end(); previous = size++) {
    decision.layers.push_back(Linear{*previous, *size});
    decision.layers.push_back(kRelu);
  }
  decision.layers.push_back(Linear{*previous, 1});
  return decision;
}

constexpr DecisionMetric kL2{DecisionMetric::Kind::l2, true};

/// The three convolutions that 2ch, siam and pseudo-siam share; 64×64 → 256.
Layers tower(int channels) {
  return {conv(channels, 96, 7, 3), kRelu, kPool, conv(96, 192, 5), kRelu, kPool, conv(192, 256, 3), kRelu};
}

/// The same without its second pooling, so that the last map of a 64×64 patch is 4×4 and not 1×1: the 4×4 bins of the
/// paper's pyramid then are its cells. Smaller maps (patches down to 46×46) repeat cells, larger ones pool them.
Layers pyramid_tower(int channels) {
  return {conv(channels, 96, 7, 3), kRelu, kPool, conv(96, 192, 5), kRelu, conv(192, 256, 3), kRelu,
          SpatialPyramid{{4}}};
}

Layers deep_tower() {
  Layers layers{conv(2, 96, 4, 3), kRelu};
  for (int i = 0; i < 3; ++i) layers = concatenated({layers, {conv(96, 96, 3), kRelu}});
  layers.push_back(Pooling{.kind = Pooling::Kind::max, .ceil = true});  // 15 → 8
  layers = concatenated({layers, {conv(96, 192, 3), kRelu}});
  for (int i = 0; i < 2; ++i) layers = concatenated({layers, {conv(192, 192, 3), kRelu}});
  return layers;
}

/// One stream of 2ch-2stream, 2×32×32 → 768.
Layers two_channel_stream() {
  return {conv(2, 96, 5),    kRelu, kPool, conv(96, 96, 3), kRelu, kPool, conv(96, 192, 3), kRelu,
          conv(192, 192, 3), kRelu};
}

/// One stream of siam-2stream, 1×32×32 → 256. The released networks have no ReLU at the end, the paper's notation has.
Layers siamese_stream(bool last_relu) {
  Layers layers{conv(1, 96, 4, 2), kRelu, kPool, conv(96, 192, 3), kRelu, conv(192, 256, 3), kRelu, conv(256, 256, 3)};
  if (last_relu) layers.push_back(kRelu);
  return layers;
}

constexpr StreamView kWhole{StreamView::Kind::whole};
constexpr StreamView kCentral{StreamView::Kind::central_crop};
constexpr StreamView kSurround{StreamView::Kind::surround_average};

NetworkSpec make(std::string name, std::string summary, Coupling coupling, std::vector<Stream> streams,
                 Decision decision) {
  NetworkSpec spec;
  spec.name = std::move(name);
  spec.summary = std::move(summary);
  spec.input = kPatch;
  spec.coupling = coupling;
  spec.streams = std::move(streams);
  spec.decision = std::move(decision);
  return spec;
}

void add_two_channel(std::vector<NetworkSpec>& all) {
  const auto add = [&](const char* name, const char* summary, std::vector<Stream> streams, DecisionLayers decision) {
    all.push_back(make(name, summary, Coupling::two_channel, std::move(streams), std::move(decision)));
  };
  const std::vector<Stream> two_streams{{kSurround, two_channel_stream()}, {kCentral, two_channel_stream()}};
  add("2ch", "2-channel network as released: linear decision", {{kWhole, tower(2)}}, head({256}));
  add("2ch-paper", "2-channel network as in the paper's text and the training script: decision F(256)-ReLU-F(1)",
      {{kWhole, tower(2)}}, head({256, 256}));
  add("2ch-deep", "deep 2-channel network of 3×3 layers as released: linear decision", {{kWhole, deep_tower()}},
      head({768}));
  add("2ch-deep-mlp", "2ch-deep as in the training script: decision F(768)-ReLU-F(1)", {{kWhole, deep_tower()}},
      head({768, 768}));
  add("2ch-2stream", "2-channel network, surround and central streams: the most accurate of the paper", two_streams,
      head({1536, 768}));
}

void add_siamese(std::vector<NetworkSpec>& all) {
  const auto add = [&](const char* name, const char* summary, Coupling coupling, std::vector<Stream> streams,
                       Decision decision) {
    all.push_back(make(name, summary, coupling, std::move(streams), std::move(decision)));
  };
  const std::vector<Stream> one{{kWhole, tower(1)}};
  const std::vector<Stream> two{{kCentral, siamese_stream(false)}, {kSurround, siamese_stream(false)}};
  const std::vector<Stream> two_paper{{kCentral, siamese_stream(true)}, {kSurround, siamese_stream(true)}};
  add("siam", "siamese network with a learned decision: one tower for both patches", Coupling::siamese, one,
      head({512, 512}));
  add("siam-l2", "siamese network, 256-d descriptors compared by Euclidean distance", Coupling::siamese, one, kL2);
  add("pseudo-siam", "siam with a tower of its own for each patch", Coupling::pseudo_siamese, one, head({512, 512}));
  add("pseudo-siam-l2", "siam-l2 with a tower of its own for each patch", Coupling::pseudo_siamese, one, kL2);
  add("siam-2stream", "siamese network, central and surround streams, as released", Coupling::siamese, two,
      head({1024, 1024}));
  add("siam-2stream-paper", "siam-2stream as in the paper's text: ReLU after each stream, decision F(512)-ReLU-F(1)",
      Coupling::siamese, two_paper, head({1024, 512}));
  add("siam-2stream-mlp", "siam-2stream as in the training script: decision F(1024)-ReLU-F(1024)-ReLU-F(1)",
      Coupling::siamese, two, head({1024, 1024, 1024}));
  add("siam-2stream-l2", "siamese network, two streams, 512-d descriptors compared by Euclidean distance",
      Coupling::siamese, two, kL2);
}

/// Networks of any input size: a spatial pyramid of one 4×4 level, as the paper's, before the top.
void add_pyramids(std::vector<NetworkSpec>& all) {
  const auto add = [&](const char* name, const char* summary, Coupling coupling, int channels, Decision decision) {
    all.push_back(make(name, summary, coupling, {{kWhole, pyramid_tower(channels)}}, std::move(decision)));
    all.back().input.reset();
    all.back().minimum_input = {46, 46};  // 46 → 14 → 7 → 3 → 1
  };
  add("siam-spp", "siam for patches of any size: no second pooling, 4×4 spatial pyramid, decision F(512)-ReLU-F(1)",
      Coupling::siamese, 1, head({8192, 512}));
  add("siam-spp-l2", "siam-l2 for patches of any size: no second pooling, 4×4 spatial pyramid, 4096-d descriptors",
      Coupling::siamese, 1, kL2);
  add("2ch-spp", "2ch for patches of any size: no second pooling, 4×4 spatial pyramid, decision F(256)-ReLU-F(1)",
      Coupling::two_channel, 2, head({4096, 256}));
}

/// Chopra, Hadsell, LeCun 2005. Squashing after every convolution, subsampling and the output, which bounds the energy
/// (their loss needs an upper bound). The original's second convolution was not connected to every map; here it is.
NetworkSpec chopra_2005() {
  const Layers layers{conv(1, 15, 7),          kTanh, Subsampling{15, {2, 2}}, kTanh, conv(15, 45, 6), kTanh,
                      Subsampling{45, {4, 3}}, kTanh, conv(45, 250, 5),        kTanh, Linear{250, 50}, kTanh};
  NetworkSpec spec = make("chopra-2005", "face verification of Chopra, Hadsell, LeCun 2005: 56×46, energy ‖·‖₁",
                          Coupling::siamese, {{kWhole, layers}}, DecisionMetric{DecisionMetric::Kind::l1, false});
  spec.input = Extent{56, 46};
  return spec;
}

/// Bromley et al. 1994: 8 features of a pen's path (rows) over 200 steps (columns), convolved along time.
NetworkSpec bromley_1994() {
  const Layers layers{Convolution{.in = 1, .out = 12, .kernel = {8, 11}, .stride = {1, 3}}, kTanh,
                      Convolution{.in = 12, .out = 16, .kernel = {1, 10}, .stride = {1, 3}}, kTanh};
  NetworkSpec spec =
      make("bromley-1994", "signature verification of Bromley et al. 1994: 8 features × 200 steps, cosine",
           Coupling::siamese, {{kWhole, layers}}, DecisionMetric{DecisionMetric::Kind::cosine, true});
  spec.input = Extent{8, 200};
  return spec;
}

/// InstanceNorm of grey levels from 0 to 255, as published code of PyTorch has it.
constexpr Normalisation kInstanceNorm{.scale = 1, .divide_deviation = true, .deviation_epsilon = 1e-5};

NetworkSpec tfeat() {
  const Layers layers{conv(1, 32, 7), kTanh, kPool, conv(32, 64, 6), kTanh, Linear{4096, 128}, kTanh};
  NetworkSpec spec = make("tfeat", "TFeat (Balntas et al. 2016): 32×32, 128-d descriptors, Euclidean distance",
                          Coupling::siamese, {{kWhole, layers}}, DecisionMetric{DecisionMetric::Kind::l2, false});
  spec.input = Extent{32, 32};
  spec.normalisation = kInstanceNorm;
  return spec;
}

struct ConvolutionSize {
  int out, kernel, stride, padding;
  bool pool = false;  ///< of the ReLU's outputs
};

/// Convolutions without bias, each followed by batch normalisation without gain, and by a ReLU but for the last.
Layers normalised_convolutions(std::span<const ConvolutionSize> sizes) {
  Layers layers;
  int channels = 1;
  bool pool = false;
  for (const ConvolutionSize& size : sizes) {
    if (channels != 1) layers.push_back(kRelu);
    if (pool) layers.push_back(kPool);
    layers.push_back(Convolution{.in = channels,
                                 .out = size.out,
                                 .kernel = {size.kernel, size.kernel},
                                 .stride = {size.stride, size.stride},
                                 .padding = {size.padding, size.padding},
                                 .bias = false});
    layers.push_back(BatchNormalisation{.channels = size.out});
    channels = size.out;
    pool = size.pool;
  }
  return layers;
}

NetworkSpec descriptor(std::string name, std::string summary, StreamView view, Extent input,
                       std::span<const ConvolutionSize> sizes) {
  NetworkSpec spec =
      make(std::move(name), std::move(summary), Coupling::siamese, {{view, normalised_convolutions(sizes)}}, kL2);
  spec.input = input;
  spec.normalisation.divide_deviation = true;
  // Small beside the variance of one grey level in one pixel of 32×32 (1.5e-8), enough to divide a flat patch by.
  spec.normalisation.deviation_epsilon = 1e-10;
  return spec;
}

/// L2-Net's shape (Tian et al. 2017) as its successors have it: 32×32 → 128.
NetworkSpec l2_net(std::string name, std::string summary) {
  constexpr ConvolutionSize kSizes[] = {{32, 3, 1, 1},  {32, 3, 1, 1},  {64, 3, 2, 1}, {64, 3, 1, 1},
                                        {128, 3, 2, 1}, {128, 3, 1, 1}, {128, 8, 1, 0}};
  return descriptor(std::move(name), std::move(summary), kWhole, {32, 32}, kSizes);
}

/// Mishchuk et al. 2017.
NetworkSpec hardnet() {
  NetworkSpec spec = l2_net("hardnet", "L2-Net / HardNet shape: 32×32, 128-d descriptors, Euclidean distance");
  spec.normalisation.unbiased_deviation = true;  // torch.std, as in the published code
  return spec;
}

/// Tian et al. 2019. The published code adds 1e-10 to each number of a descriptor before it divides by the length.
NetworkSpec sosnet() {
  NetworkSpec spec = l2_net("sosnet", "SOSNet (Tian et al. 2019): hardnet's layers, patches normalised as TFeat's");
  spec.normalisation = kInstanceNorm;
  return spec;
}

/// HardNet's kind at a third of its cost: 64×64 patches averaged over 2×2, and the first convolution halves them again,
/// so that no layer works on 32×32 maps. 13 million multiply-adds a patch; siam's tower takes 19.
NetworkSpec hard128() {
  constexpr ConvolutionSize kSizes[] = {{32, 3, 2, 1}, {64, 3, 1, 1}, {64, 3, 2, 1}, {128, 3, 1, 1}, {128, 8, 1, 0}};
  return descriptor("hard128", "3×3 convolutions with batch normalisation on 64×64 patches: 128-d descriptors",
                    kSurround, kPatch, kSizes);
}

/// hard128 for processors: no layer but the first works on more than 8×8, those that follow have no stride, as
/// Winograd's method wants it, and 64 numbers take half the memory and less time to compare. 5.2 million multiply-adds
/// a patch.
NetworkSpec hard64() {
  constexpr ConvolutionSize kSizes[] = {{32, 3, 2, 1, true}, {64, 3, 1, 1}, {96, 3, 1, 1}, {64, 8, 1, 0}};
  return descriptor(
      "hard64",
      "3×3 convolutions with batch normalisation on 64×64 patches: 64-d descriptors at a third of hard128's cost",
      kSurround, kPatch, kSizes);
}

std::vector<NetworkSpec> make_catalogue() {
  std::vector<NetworkSpec> all;
  add_two_channel(all);
  add_siamese(all);
  add_pyramids(all);
  all.push_back(chopra_2005());
  all.push_back(bromley_1994());
  all.push_back(tfeat());
  all.push_back(hardnet());
  all.push_back(sosnet());
  all.push_back(hard128());
  all.push_back(hard64());
  for (const NetworkSpec& spec : all) check(spec);
  return all;
}

/// Levenshtein distance.
std::size_t edits(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

}  // namespace

const std::vector<NetworkSpec>& catalogue() {
  static const std::vector<NetworkSpec> all = make_catalogue();
  return all;
}

const NetworkSpec& network(std::string_view name) {
  for (const NetworkSpec& spec : catalogue()) {
    if (spec.name == name) return spec;
  }
  std::vector<std::pair<std::size_t, std::string>> names;
  const std::string_view bounded = name.substr(0, 64);  // the search is quadratic
  for (const NetworkSpec& spec : catalogue()) names.emplace_back(edits(bounded, spec.name), spec.name);
  std::stable_sort(names.begin(), names.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  throw InvalidArgument(fmt::format("unknown network \"{}\"; the nearest names are {}, {} and {}", bounded,
                                    names[0].second, names[1].second, names[2].second));
}

}  // namespace twinpatch
