// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "plan/dnnl_primitives.hpp"

namespace twinpatch::cpu {
namespace {

dnnl::algorithm algorithm_of(Activation::Kind kind) {
  return kind == Activation::Kind::relu ? dnnl::algorithm::eltwise_relu : dnnl::algorithm::eltwise_tanh;
}

dnnl::primitive_attr attributes() {
  dnnl::primitive_attr result;
  result.set_scratchpad_mode(dnnl::scratchpad_mode::user);  // workers run one primitive at the same time
  return result;
}

dnnl::primitive_attr attributes(ActivationKind activation, const std::vector<float>& factors) {
  dnnl::primitive_attr result = attributes();
  if (activation) {
    dnnl::post_ops after;
#if DNNL_VERSION_MAJOR >= 3
    after.append_eltwise(algorithm_of(*activation), 0.0F, 0.0F);
#else
    after.append_eltwise(1.0F, algorithm_of(*activation), 0.0F, 0.0F);
#endif
    result.set_post_ops(after);
  }
  if (factors.empty()) return result;
#if DNNL_VERSION_MAJOR >= 3
  result.set_scales_mask(DNNL_ARG_WEIGHTS, 1 << 0);  // the first dimension of the weights: the outputs
#else
  result.set_output_scales(1 << 1, factors);  // the second dimension of what comes out
#endif
  return result;
}

template <class Primitive, class... Descriptions>
PlannedPrimitive plan(const dnnl::primitive_attr& attributes, const Descriptions&... descriptions) {
  constexpr auto kUse = dnnl::prop_kind::forward_inference;
#if DNNL_VERSION_MAJOR >= 3
  const typename Primitive::primitive_desc descriptor(dnnl_engine(), kUse, descriptions..., attributes);
#else
  const typename Primitive::primitive_desc descriptor(typename Primitive::desc(kUse, descriptions...), attributes,
                                                      dnnl_engine());
#endif
  return {.primitive = Primitive(descriptor),
          .source = descriptor.query_md(dnnl::query::src_md),
          .weights = descriptor.query_md(dnnl::query::weights_md, 0),
          .bias = descriptor.query_md(dnnl::query::weights_md, 1),
          .destination = descriptor.query_md(dnnl::query::dst_md),
          .scratchpad = descriptor.scratchpad_desc(),
          .implementation = descriptor.impl_info_str()};
}

}  // namespace

const dnnl::engine& dnnl_engine() {
  static const dnnl::engine instance(dnnl::engine::kind::cpu, 0);
  return instance;
}

PlannedPrimitive plan_convolution(const LayerMemory& memory, const WindowSteps& window, ActivationKind activation,
                                  const std::vector<float>& factors) {
  return plan<dnnl::convolution_forward>(attributes(activation, factors), dnnl::algorithm::convolution_direct,
                                         memory.source, memory.weights, memory.bias, memory.destination, window.stride,
                                         window.padding_before, window.padding_after);
}

PlannedPrimitive plan_inner_product(const LayerMemory& memory, ActivationKind activation,
                                    const std::vector<float>& factors) {
  return plan<dnnl::inner_product_forward>(attributes(activation, factors), memory.source, memory.weights, memory.bias,
                                           memory.destination);
}

PlannedPrimitive plan_pooling(dnnl::algorithm algorithm, const LayerMemory& memory, const WindowSteps& window) {
#if DNNL_VERSION_MAJOR >= 3
  const dnnl::memory::dims dense(window.size.size(), 0);
  return plan<dnnl::pooling_forward>(attributes(), algorithm, memory.source, memory.destination, window.stride,
                                     window.size, dense, window.padding_before, window.padding_after);
#else
  return plan<dnnl::pooling_forward>(attributes(), algorithm, memory.source, memory.destination, window.stride,
                                     window.size, window.padding_before, window.padding_after);
#endif
}

PlannedPrimitive plan_activation(Activation::Kind kind, const dnnl::memory::desc& layout) {
#if DNNL_VERSION_MAJOR >= 3
  return plan<dnnl::eltwise_forward>(attributes(), algorithm_of(kind), layout, layout, 0.0F, 0.0F);
#else
  return plan<dnnl::eltwise_forward>(attributes(), algorithm_of(kind), layout, 0.0F, 0.0F);
#endif
}

}  // namespace twinpatch::cpu
