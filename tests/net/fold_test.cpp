// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "support/random.hpp"
#include "support/reference.hpp"

using namespace twinpatch;

namespace {

bool has_batch_normalisation(const std::vector<Layer>& layers) {
  for (const Layer& layer : layers) {
    if (std::holds_alternative<BatchNormalisation>(layer)) return true;
  }
  return false;
}

/// Folding must not change scores beyond the rounding of folded weights to float.
void same_scores(const NetworkSpec& spec) {
  CAPTURE(spec.name);
  const Model model = random_model(spec, 11);
  const Model folded = fold_batch_normalisation(model);
  CHECK_NOTHROW(check(folded));
  for (const Stream& stream : folded.spec.streams) CHECK_FALSE(has_batch_normalisation(stream.layers));
  if (const auto* decision = std::get_if<DecisionLayers>(&folded.spec.decision)) {
    CHECK_FALSE(has_batch_normalisation(decision->layers));
  }
  const Extent size = spec.input.value_or(Extent{64, 64});
  const auto pixels = test::structured_patches(2, size.height, size.width, 3);
  const PatchView both{PixelType::u8, pixels.data(), 2, size.height, size.width};
  const double before = reference::scores(model, both.slice(0, 1), both.slice(1, 1)).at(0);
  const double after = reference::scores(folded, both.slice(0, 1), both.slice(1, 1)).at(0);
  CHECK(after == Approx(before).epsilon(1e-5));
}

}  // namespace

TEST_CASE("batch normalisations fold into the layers before them") {
  same_scores(network("hardnet"));
  same_scores(network("hard128"));
}

TEST_CASE("batch normalisations fold wherever they stand") {
  NetworkSpec spec = network("pseudo-siam");
  spec.name = "everywhere";
  spec.input = Extent{12, 9};
  const BatchNormalisation affine{.channels = 4, .affine = true};
  spec.streams[0].layers = {BatchNormalisation{.channels = 1, .affine = true},
                            BatchNormalisation{.channels = 1},
                            Convolution{.in = 1, .out = 4, .kernel = {3, 2}, .bias = false},
                            affine,
                            affine,
                            Activation{},
                            affine,
                            Subsampling{4, {2, 2}},
                            affine,
                            Linear{80, 6},
                            BatchNormalisation{.channels = 6},
                            Activation{Activation::Kind::tanh}};
  spec.decision = DecisionLayers{{Linear{12, 5}, BatchNormalisation{.channels = 5, .affine = true}, Activation{},
                                  Linear{5, 1}, BatchNormalisation{.channels = 1}}};
  same_scores(spec);
}

TEST_CASE("a network without batch normalisation is left as it is") {
  const Model model = random_model(network("siam-2stream-l2"), 11);
  CHECK(model_hash(fold_batch_normalisation(model)) == model_hash(model));
  const auto shared = std::make_shared<const Model>(model);
  CHECK(fold_batch_normalisation(shared) == shared);  // nothing to fold: no copy
}
