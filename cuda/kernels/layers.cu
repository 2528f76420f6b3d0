// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "launch_helpers.cuh"

namespace twinpatch::cuda::kernels {
namespace {

/// Pooling of maps.
/// in [count, in_shape], out [count, out_shape], the channels of both the same; gain, bias [channels] or null.
/// Thread: one output value at a time, neighbouring channels (grid-stride). No shared memory. Float arithmetic.
/// Reference: reference::apply(Pooling), reference::apply(Subsampling).
template <class T>
__global__ void pool_kernel(const T* in, std::int64_t count, MapShape in_shape, PoolRule rule, MapShape out_shape,
                            T* out) {
  const std::int64_t item = out_shape.size();
  const int channels = out_shape.channels;
  for (std::int64_t n = global_thread(); n < count * item; n += all_threads()) {
    const int c = static_cast<int>(n % channels);
    const int x = static_cast<int>(n / channels % out_shape.width) * rule.stride_width;
    const int y = static_cast<int>(n % item / channels / out_shape.width) * rule.stride_height;
    const int bottom = min(y + rule.window_height, in_shape.height);
    const int right = min(x + rule.window_width, in_shape.width);
    const T* const map = in + n / item * in_shape.size() + c;
    float result = rule.average ? 0.0F : to_float(map[(std::int64_t{y} * in_shape.width + x) * channels]);
    for (int row = y; row < bottom; ++row) {
      for (int column = x; column < right; ++column) {
        const float value = to_float(map[(std::int64_t{row} * in_shape.width + column) * channels]);
        result = rule.average ? result + value : larger(result, value);
      }
    }
    if (rule.average) result /= static_cast<float>((bottom - y) * (right - x));
    if (rule.gain != nullptr) result = rule.gain[c] * result + rule.bias[c];
    store(out[n], result);
  }
}

/// One level of a spatial pyramid.
/// in [count, shape], out: see pyramid_level(). Bin (i, j) covers rows [⌊i·h/n⌋, ⌈(i+1)·h/n⌉) and columns likewise.
/// Thread: one bin of one channel at a time, neighbouring channels (grid-stride). No shared memory.
/// Reference: reference::apply(SpatialPyramid).
template <class T>
__global__ void pyramid_kernel(const T* in, std::int64_t count, MapShape shape, int n, T* out,
                               std::int64_t out_stride) {
  const int channels = shape.channels;
  const std::int64_t bins = std::int64_t{n} * n;
  for (std::int64_t at = global_thread(); at < count * bins * channels; at += all_threads()) {
    const int c = static_cast<int>(at % channels);
    const std::int64_t bin = at / channels % bins;
    const std::int64_t item = at / channels / bins;
    const std::int64_t i = bin / n;
    const std::int64_t j = bin % n;
    const auto top = static_cast<int>(i * shape.height / n);
    const auto bottom = static_cast<int>(((i + 1) * shape.height + n - 1) / n);
    const auto left = static_cast<int>(j * shape.width / n);
    const auto right = static_cast<int>(((j + 1) * shape.width + n - 1) / n);
    const T* const map = in + item * shape.size() + c;
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
__global__ void squash_kernel(Squash kind, T* values, std::int64_t size) {
  for (std::int64_t n = global_thread(); n < size; n += all_threads()) {
    store(values[n], squashed(kind, to_float(values[n])));
  }
}

/// Maps to rows. in [count, shape]; out: see flatten().
/// Thread: one value at a time, neighbours in the input (grid-stride).
template <class T>
__global__ void flatten_kernel(const T* in, std::int64_t count, MapShape shape, float* out, std::int64_t out_stride) {
  const std::int64_t item = shape.size();
  const std::int64_t pixels = item / shape.channels;
  for (std::int64_t n = global_thread(); n < count * item; n += all_threads()) {
    const std::int64_t at = n % item;
    out[n / item * out_stride + at % shape.channels * pixels + at / shape.channels] = to_float(in[n]);
  }
}

/// Sums of halves.
/// left, right [·, shape]; pairs [count, 2]; out [count, shape], or with half the height and width where pooled.
/// Thread: one output value at a time, neighbouring channels (grid-stride). Float arithmetic.
/// Reference: the first convolution of a pair, its activation and pooling (docs: conv([p;q]) = convₚ(p) + conv_q(q)).
template <class T>
__global__ void join_kernel(const T* left, const T* right, const std::int32_t* pairs, std::int64_t count,
                            MapShape shape, Squash kind, bool pool, MapShape out_shape, T* out) {
  const std::int64_t item = out_shape.size();
  const std::int64_t row = std::int64_t{shape.width} * shape.channels;
  const int step = pool ? 2 : 1;
  for (std::int64_t n = global_thread(); n < count * item; n += all_threads()) {
    const std::int64_t pair = n / item;
    const std::int64_t at = n % item;
    const std::int64_t c = at % shape.channels;
    const std::int64_t x = at / shape.channels % out_shape.width * step;
    const std::int64_t y = at / shape.channels / out_shape.width * step;
    const std::int64_t offset = y * row + x * shape.channels + c;
    const T* const a = left + pairs[2 * pair] * shape.size() + offset;
    const T* const b = right + pairs[2 * pair + 1] * shape.size() + offset;
    float result = to_float(a[0]) + to_float(b[0]);
    if (pool) {
      for (int k = 1; k < 4; ++k) {
        const std::int64_t neighbour = (k / 2) * row + (k % 2) * shape.channels;
        const float value = to_float(a[neighbour]) + to_float(b[neighbour]);
        result = larger(result, value);
      }
    }
    store(out[n], squashed(kind, result));  // rising functions: the maximum of them is that of their arguments
  }
}

/// in, out [size]. Thread: one value at a time (grid-stride).
template <class T>
__global__ void convert_kernel(const float* in, std::int64_t size, T* out) {
  for (std::int64_t n = global_thread(); n < size; n += all_threads()) store(out[n], in[n]);
}

}  // namespace

void pool(cudaStream_t stream, NumberType type, const void* in, std::int64_t count, MapShape in_shape, PoolRule rule,
          MapShape out_shape, void* out) {
  const std::int64_t items = count * out_shape.size();
  if (items == 0) return;
  visit_number(type, [&]<class T>(T) {
    launch(stream, per_item(items), "pool", &pool_kernel<T>, static_cast<const T*>(in), count, in_shape, rule,
           out_shape, static_cast<T*>(out));
  });
}

void pyramid_level(cudaStream_t stream, NumberType type, const void* in, std::int64_t count, MapShape shape, int n,
                   void* out, std::int64_t out_stride) {
  const std::int64_t items = count * n * n * shape.channels;
  if (items == 0) return;
  visit_number(type, [&]<class T>(T) {
    launch(stream, per_item(items), "pyramid", &pyramid_kernel<T>, static_cast<const T*>(in), count, shape, n,
           static_cast<T*>(out), out_stride);
  });
}

void squash(cudaStream_t stream, NumberType type, Squash kind, void* values, std::int64_t size) {
  if (size == 0 || kind == Squash::none) return;
  visit_number(type, [&]<class T>(T) {
    launch(stream, per_item(size), "squash", &squash_kernel<T>, kind, static_cast<T*>(values), size);
  });
}

void flatten(cudaStream_t stream, NumberType type, const void* in, std::int64_t count, MapShape shape, float* out,
             std::int64_t out_stride) {
  const std::int64_t items = count * shape.size();
  if (items == 0) return;
  visit_number(type, [&]<class T>(T) {
    launch(stream, per_item(items), "flatten", &flatten_kernel<T>, static_cast<const T*>(in), count, shape, out,
           out_stride);
  });
}

void join_halves(cudaStream_t stream, NumberType type, const void* left, const void* right, const std::int32_t* pairs,
                 std::int64_t count, MapShape shape, Squash kind, bool pool, void* out) {
  const MapShape out_shape = pool ? MapShape{shape.height / 2, shape.width / 2, shape.channels} : shape;
  const std::int64_t items = count * out_shape.size();
  if (items == 0) return;
  visit_number(type, [&]<class T>(T) {
    launch(stream, per_item(items), "join_halves", &join_kernel<T>, static_cast<const T*>(left),
           static_cast<const T*>(right), pairs, count, shape, kind, pool, out_shape, static_cast<T*>(out));
  });
}

void convert(cudaStream_t stream, const float* in, std::int64_t size, NumberType type, void* out) {
  if (size == 0) return;
  visit_number(type, [&]<class T>(T) {
    launch(stream, per_item(size), "convert", &convert_kernel<T>, in, size, static_cast<T*>(out));
  });
}

}  // namespace twinpatch::cuda::kernels
