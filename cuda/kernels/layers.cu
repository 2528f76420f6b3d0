// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "channels.cuh"

namespace twinpatch::cuda::kernels {
namespace {

/// Blocks for maps of so many items, one map at a time each; fewer than 2³¹ items (limits::kActivation).
LaunchShape per_map(std::int64_t count, std::int64_t items) {
  const std::int64_t warps = std::clamp<std::int64_t>(items / kWarp, 1, kItemThreads / kWarp);
  return per_block(count, static_cast<int>(warps) * kWarp);
}

/// Pooling of maps.
/// in [count, shape], out [count, out_shape], the channels of both the same; gain, bias [channels] or null.
/// Block: one map at a time (grid-stride). Thread: kWidth neighbouring channels of every n-th position, n threads in
/// all. No shared memory. Float arithmetic. Reference: reference::apply(Pooling), reference::apply(Subsampling).
template <class T, int kWidth>
__global__ void pool_kernel(Maps maps, PoolRule rule, MapShape out_shape, T* out) {
  using Few = Channels<T, kWidth>;
  const T* const in = static_cast<const T*>(maps.values);
  const MapShape in_shape = maps.shape;
  const int few = out_shape.channels / kWidth;  // of a position
  const int items = out_shape.height * out_shape.width * few;
  for (std::int64_t map = blockIdx.x; map < maps.count; map += gridDim.x) {
    const auto* const from = reinterpret_cast<const Few*>(in + map * in_shape.size());
    auto* const to = reinterpret_cast<Few*>(out + map * out_shape.size());
    for (int n = static_cast<int>(threadIdx.x); n < items; n += static_cast<int>(blockDim.x)) {
      const int c = n % few;
      const int position = n / few;
      const int x = position % out_shape.width * rule.stride_width;
      const int y = position / out_shape.width * rule.stride_height;
      const int bottom = min(y + rule.window_height, in_shape.height);
      const int right = min(x + rule.window_width, in_shape.width);
      const Few corner = from[(y * in_shape.width + x) * few + c];
      float results[kWidth];
      TWINPATCH_UNROLL
      for (int k = 0; k < kWidth; ++k) results[k] = rule.average ? 0.0F : to_float(corner.values[k]);
      for (int row = y; row < bottom; ++row) {
        for (int column = x; column < right; ++column) {
          const Few values = from[(row * in_shape.width + column) * few + c];
          TWINPATCH_UNROLL
          for (int k = 0; k < kWidth; ++k) {
            const float value = to_float(values.values[k]);
            results[k] = rule.average ? results[k] + value : larger(results[k], value);
          }
        }
      }
      Few done;
      TWINPATCH_UNROLL
      for (int k = 0; k < kWidth; ++k) {
        float result = results[k];
        if (rule.average) result /= static_cast<float>((bottom - y) * (right - x));
        if (rule.gain != nullptr) result = rule.gain[c * kWidth + k] * result + rule.bias[c * kWidth + k];
        store(done.values[k], result);
      }
      to[n] = done;
    }
  }
}

/// One level of a spatial pyramid.
/// in [count, shape], out: see pyramid_level(). Bin (i, j) covers rows [⌊i·h/n⌋, ⌈(i+1)·h/n⌉) and columns likewise.
/// Thread: one bin of one channel at a time, neighbouring channels (grid-stride). No shared memory.
/// Reference: reference::apply(SpatialPyramid).
template <class T>
__global__ void pyramid_kernel(Maps maps, int n, T* out, std::int64_t out_stride) {
  const MapShape shape = maps.shape;
  const int channels = shape.channels;
  const std::int64_t bins = std::int64_t{n} * n;
  for (std::int64_t at = global_thread(); at < maps.count * bins * channels; at += all_threads()) {
    const int c = static_cast<int>(at % channels);
    const std::int64_t bin = at / channels % bins;
    const std::int64_t item = at / channels / bins;
    const std::int64_t i = bin / n;
    const std::int64_t j = bin % n;
    const auto top = static_cast<int>(i * shape.height / n);
    const auto bottom = static_cast<int>(((i + 1) * shape.height + n - 1) / n);
    const auto left = static_cast<int>(j * shape.width / n);
    const auto right = static_cast<int>(((j + 1) * shape.width + n - 1) / n);
    const T* const map = static_cast<const T*>(maps.values) + item * shape.size() + c;
    float result = to_float(map[(std::int64_t{top} * shape.width + left) * channels]);
    for (int row = top; row < bottom; ++row) {
      for (int column = left; column < right; ++column) {
        const float value = to_float(map[(std::int64_t{row} * shape.width + column) * channels]);
        result = larger(result, value);
      }
    }
    store(out[item * out_stride + c * bins + bin], result);
  }
}

/// values [size]. Thread: one value at a time (grid-stride).
template <class T>
__global__ void activate_kernel(ActivationKind kind, T* values, std::int64_t size) {
  for (std::int64_t n = global_thread(); n < size; n += all_threads()) {
    store(values[n], activated(kind, to_float(values[n])));
  }
}

/// Maps to rows. in [count, shape]; out: see flatten().
/// Thread: one value at a time, neighbours in the input (grid-stride).
template <class T>
__global__ void flatten_kernel(Maps maps, float* out, std::int64_t out_stride) {
  const T* const in = static_cast<const T*>(maps.values);
  const int channels = maps.shape.channels;
  const std::int64_t item = maps.shape.size();
  const std::int64_t pixels = item / channels;
  for (std::int64_t n = global_thread(); n < maps.count * item; n += all_threads()) {
    const std::int64_t at = n % item;
    out[n / item * out_stride + at % channels * pixels + at / channels] = to_float(in[n]);
  }
}

/// in, out [size]. Thread: one value at a time (grid-stride).
template <class T>
__global__ void convert_kernel(const float* in, std::int64_t size, T* out) {
  for (std::int64_t n = global_thread(); n < size; n += all_threads()) store(out[n], in[n]);
}

}  // namespace

void pool(cudaStream_t stream, const Maps& in, const PoolRule& rule, MapShape out_shape, void* out) {
  visit_number(in.type, [&]<class T>(T) {
    visit_width<T>(out_shape.channels, [&]<int kWidth>(std::integral_constant<int, kWidth>) {
      launch(stream, per_map(in.count, out_shape.size() / kWidth), "pool", &pool_kernel<T, kWidth>, in, rule, out_shape,
             static_cast<T*>(out));
    });
  });
}

void pyramid_level(cudaStream_t stream, const Maps& in, int n, void* out, std::int64_t out_stride) {
  const std::int64_t items = in.count * n * n * in.shape.channels;
  if (items == 0) return;
  visit_number(in.type, [&]<class T>(T) {
    launch(stream, per_item(items), "pyramid", &pyramid_kernel<T>, in, n, static_cast<T*>(out), out_stride);
  });
}

void activate(cudaStream_t stream, NumberType type, ActivationKind kind, void* values, std::int64_t size) {
  if (size == 0 || kind == ActivationKind::none) return;
  visit_number(type, [&]<class T>(T) {
    launch(stream, per_item(size), "activate", &activate_kernel<T>, kind, static_cast<T*>(values), size);
  });
}

void flatten(cudaStream_t stream, const Maps& in, float* out, std::int64_t out_stride) {
  const std::int64_t items = in.count * in.shape.size();
  if (items == 0) return;
  visit_number(in.type, [&]<class T>(T) {
    launch(stream, per_item(items), "flatten", &flatten_kernel<T>, in, out, out_stride);
  });
}

void convert(cudaStream_t stream, const float* in, std::int64_t size, NumberType type, void* out) {
  if (size == 0) return;
  visit_number(type, [&]<class T>(T) {
    launch(stream, per_item(size), "convert", &convert_kernel<T>, in, size, static_cast<T*>(out));
  });
}

}  // namespace twinpatch::cuda::kernels
