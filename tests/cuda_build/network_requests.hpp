// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "library/convolution_request.hpp"
#include "twinpatch/net/spec.hpp"
#include "twinpatch/net/two_channel.hpp"

namespace twinpatch::test {

/// Every convolution that the networks of the catalogue contain, with the ReLU and the max pooling that follow it, by
/// its text, each once; of 2-channel networks the halves of the first layer too, the bias with the left one.
inline std::map<std::string, cuda::ConvolutionRequest> network_requests(Precision precision, std::int64_t batch) {
  std::map<std::string, cuda::ConvolutionRequest> requests;
  const auto add = [&](const cuda::ConvolutionRequest& request) { requests.emplace(cuda::to_text(request), request); };
  for (const NetworkSpec& spec : catalogue()) {
    const Extent size = spec.input.value_or(Extent{64, 64});
    for (const Stream& stream : spec.streams) {
      Shape shape = stream_input(spec, stream, size);
      for (std::size_t i = 0; i < stream.layers.size(); ++i) {
        if (const auto* layer = std::get_if<Convolution>(&stream.layers[i])) {
          cuda::ConvolutionRequest request{.batch = batch, .input = shape, .layer = *layer, .precision = precision};
          std::size_t next = i + 1;
          const auto follows = [&]<class Kind>(std::type_identity<Kind>) -> const Kind* {
            return next < stream.layers.size() ? std::get_if<Kind>(&stream.layers[next]) : nullptr;
          };
          // Normalisation is folded into the convolution when a model is planned.
          if (follows(std::type_identity<BatchNormalisation>{}) != nullptr) {
            request.layer.bias = true;
            ++next;
          }
          if (const auto* activation = follows(std::type_identity<Activation>{})) {
            request.relu = activation->kind == Activation::Kind::relu;
            ++next;
          }
          const auto* pooling = follows(std::type_identity<Pooling>{});
          if (request.relu && pooling != nullptr && pooling->kind == Pooling::Kind::max) request.pooling = *pooling;
          add(request);
          if (spec.coupling == Coupling::two_channel && layer->in == 2) {
            for (const bool first : {true, false}) {
              const Shape one{1, shape.height, shape.width};
              add({.batch = batch, .input = one, .layer = half_of(*layer, first), .precision = precision});
            }
          }
        }
        shape = output_shape(stream.layers[i], shape);
      }
    }
  }
  return requests;
}

}  // namespace twinpatch::test
