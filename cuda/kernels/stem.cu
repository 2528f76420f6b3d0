// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "kernels/stem.hpp"

#include "kernels/patch_view.cuh"
#include "kernels/tensor_core.cuh"
#include "runtime/shared_memory.cuh"

namespace twinpatch::cuda::kernels {
namespace {

constexpr int kThreads = 128;
constexpr int kWarps = kThreads / kWarp;
constexpr int kWide = 12;  ///< products of 8 outputs, at most
constexpr int kGroup = 8;  ///< pooled positions that a warp takes at a time

/// A view of a patch in T, twice, the second time a column further to the left: so that two neighbours are always found
/// in one word. Rows of pitch() numbers, channels one after another.
template <class T>
struct Image {
  T* even;
  T* odd;
  StemShape shape;

  __device__ Image(const StemShape& of, void* memory)
      : even(static_cast<T*>(memory)), odd(even + of.channels * of.height * of.pitch()), shape(of) {}
  /// Numbers `at` and at + 1.
  __device__ unsigned pair(int at) const {
    const T* const from = at % 2 == 0 ? even + at : odd + at - 1;
    return *reinterpret_cast<const unsigned*>(from);
  }
  /// A channel of the view.
  __device__ void load(const Patch& patch, int channel, const Load& of) const {
    const int begin = channel * shape.height * shape.pitch();
    for (int n = static_cast<int>(threadIdx.x); n < shape.height * shape.pitch(); n += kThreads) {
      const int x = n % shape.pitch();
      T value{};
      store(value, x < shape.width ? view_pixel(patch, n / shape.pitch(), x, of.height, of.view) : 0.0F);
      even[begin + n] = value;
      if (begin + n > 0) odd[begin + n - 1] = value;
    }
  }
};

using StemSums = float[2][kWide][4];

/// The left side of one step: for each of the four cells of a pooled position, which lie at `cells`, the numbers of two
/// rows of the kernel; sums of cells 0 and 1 are those of the first product, 2 and 3 of the second.
template <class T>
__device__ void load_cells(const Image<T>& image, int step, const int (&cells)[4], unsigned (&to)[2][4]) {
  const StemShape& shape = image.shape;
  TWINPATCH_UNROLL
  for (int half = 0; half < 2; ++half) {
    const int row = step * 2 + half;  // of all channels' kernels
    const bool there = row < shape.channels * shape.kernel_height;
    const int channel = row / shape.kernel_height;
    const int offset = (channel * shape.height + row % shape.kernel_height) * shape.pitch() + lane_index() % 4 * 2;
    TWINPATCH_UNROLL
    for (int cell = 0; cell < 4; ++cell) {
      to[cell / 2][half * 2 + cell % 2] = there ? image.pair(cells[cell] + offset) : 0U;
    }
  }
}

/// What a lane has of a pooled position: outputs 2 · pair and + 1 of each eight.
template <class T>
__device__ void store_pooled(const StemSums& sums, const Stem& stem, T* to) {
  TWINPATCH_UNROLL
  for (int j = 0; j < kWide; ++j) {
    if (j >= stem.shape.outputs / 8) break;
    TWINPATCH_UNROLL
    for (int e = 0; e < 2; ++e) {
      const int output = j * 8 + lane_index() % 4 * 2 + e;
      const float most = larger(larger(sums[0][j][e], sums[0][j][e + 2]), larger(sums[1][j][e], sums[1][j][e + 2]));
      store(to[output], activated(ActivationKind::relu, most + stem.bias[output]));
    }
  }
}

/// Pixels to the pooled first map.
/// Sources: patches [·, height, width]; out [count, pooled_height, pooled_width, outputs].
/// Block: one patch at a time (grid-stride), in shared memory as the stream sees it, with the filter. Warp: 8 pooled
/// positions at a time, their 4 cells each as the 32 rows of two products, so that a lane has all four cells of a sum
/// and pools in registers. Shared: StemShape::shared_bytes().
/// Floor, 7 × 7 on 64 × 64 to 96: 3.8 M operations and 23 KB of memory a patch, where the library's convolution, pool
/// and loading move 190 KB. Reference: reference::apply(Convolution), (Activation), (Pooling).
template <class T>
__global__ void __launch_bounds__(kThreads, 3) stem_kernel(Load load, Stem stem, T* out) {
  const StemShape& shape = stem.shape;
  auto* const filter = reinterpret_cast<uint2*>(dynamic_shared_memory());
  const auto filter_pairs = static_cast<int>(shape.filter_size() / 2);
  const Image<T> image(shape, filter + filter_pairs);
  const int lane = lane_index();
  const int wide = shape.outputs / 8;
  const int pooled = shape.pooled_height * shape.pooled_width;
  for (int n = static_cast<int>(threadIdx.x); n < filter_pairs; n += kThreads) {
    filter[n] = reinterpret_cast<const uint2*>(stem.filter)[n];
  }
  if (threadIdx.x == 0) store(image.odd[shape.channels * shape.height * shape.pitch() - 1], 0.0F);
  for (std::int64_t item = blockIdx.x; item < load.count; item += gridDim.x) {
    __syncthreads();  // the patch before is done with
    image.load(Patch(load.sources[0], item, load), 0, load);
    if (shape.channels == 2) image.load(Patch(load.sources[1], item, load), 1, load);
    __syncthreads();
    for (int first = static_cast<int>(threadIdx.x) / kWarp * kGroup; first < pooled; first += kWarps * kGroup) {
      const int position = first + lane / 4;
      const int near = min(position, pooled - 1);
      int cells[4];
      TWINPATCH_UNROLL
      for (int cell = 0; cell < 4; ++cell) {
        const int y = near / shape.pooled_width * 2 + cell / 2;
        const int x = near % shape.pooled_width * 2 + cell % 2;
        cells[cell] = y * shape.stride_height * shape.pitch() + x * shape.stride_width;
      }
      StemSums sums = {};
      for (int step = 0; step < shape.steps(); ++step) {
        unsigned left[2][4];
        load_cells(image, step, cells, left);
        TWINPATCH_UNROLL
        for (int j = 0; j < kWide; ++j) {
          if (j >= wide) break;
          const uint2 right = filter[(step * wide + j) * kWarp + lane];
          multiply_add<T>(sums[0][j], left[0], right.x, right.y);
          multiply_add<T>(sums[1][j], left[1], right.x, right.y);
        }
      }
      if (position < pooled) store_pooled(sums, stem, out + (item * pooled + position) * shape.outputs);
      __syncwarp();
    }
  }
}

}  // namespace

void stem(cudaStream_t stream, const Stem& stem, const PatchLoad& load, void* out) {
  const LaunchShape shape{
      .grid = {blocks_for(load.count, 1, kMostBlocks)}, .block = dim3(kThreads), .shared = stem.shape.shared_bytes()};
  const auto run = [&]<class T>(T) {
    launch(stream, shape, "stem", &stem_kernel<T>, as_read(load), stem, static_cast<T*>(out));
  };
  load.type == NumberType::bf16 ? run(Bfloat16{}) : run(Half{});
}

}  // namespace twinpatch::cuda::kernels
