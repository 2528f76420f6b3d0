// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <cuda_runtime.h>

#include "engine_support.hpp"
#include "runtime/device_properties.hpp"
#include "runtime/handle.hpp"
#include "runtime/pinned.hpp"
#include "support/small_networks.hpp"

using namespace twinpatch;
using namespace twinpatch::test;

// What other libraries keep on the device goes into an engine there without passing the host.

namespace {

/// A copy in the memory of a device, as a tensor of PyTorch lies there.
class DeviceCopy {
 public:
  DeviceCopy(const void* from, std::size_t bytes, int device = 0) : guard_(device) {
    TWINPATCH_CUDA_CHECK(cudaMalloc(&memory_, bytes));
    TWINPATCH_CUDA_CHECK(cudaMemcpy(memory_, from, bytes, cudaMemcpyHostToDevice));
  }
  explicit DeviceCopy(const Patches& patches, int device = 0)
      : DeviceCopy(patches.pixels.data(), patches.pixels.size(), device) {}
  ~DeviceCopy() { (void)cudaFree(memory_); }
  DeviceCopy(const DeviceCopy&) = delete;
  DeviceCopy& operator=(const DeviceCopy&) = delete;

  [[nodiscard]] void* data() const { return memory_; }
  [[nodiscard]] PatchView like(PatchView patches) const {
    patches.pixels = memory_;
    return patches;
  }
  [[nodiscard]] MatrixView like(MatrixView matrix) const {
    return {static_cast<const float*>(memory_), matrix.rows, matrix.columns};
  }

 private:
  cuda::DeviceGuard guard_;
  void* memory_ = nullptr;
};

bool same_bits(const Matrix& a, const Matrix& b) { return std::ranges::equal(a.span(), b.span()); }

void check_same(const Selected& a, const Selected& b) {
  CHECK(std::ranges::equal(a.indices.span(), b.indices.span()));
  CHECK(std::ranges::equal(a.scores.span(), b.scores.span()));
  CHECK(std::ranges::equal(a.column_indices.span(), b.column_indices.span()));
}

}  // namespace

TEST_CASE("patches and descriptors in the device's memory give what those on the host give") {
  if (no_device()) return;
  for (const NetworkSpec& spec : tiny_networks()) {
    INFO("network " << spec.name);
    Engine engine = cuda_engine(random_model(spec, 5));
    const Patches left(41, kTinyPatch, 1);  // three batches, the last one short
    const Patches right(23, kTinyPatch, 2);
    const DeviceCopy left_there(left);
    const DeviceCopy right_there(right);
    const PatchView left_view = left_there.like(left.view);
    const PatchView right_view = right_there.like(right.view);
    const GridOptions options{.top_k = 2, .column_best = true};
    const Selected expected = engine.grid(left.view, right.view, options);
    check_same(engine.grid(left_view, right_view, options), expected);
    check_same(engine.grid(left.view, right_view, options), expected);
    if (!has_descriptors(spec)) continue;
    const Matrix descriptors = engine.describe(left.view);
    CHECK(same_bits(engine.describe(left_view), descriptors));
    const DeviceCopy descriptors_there(descriptors.data(), descriptors.span().size_bytes());
    check_same(engine.grid(descriptors_there.like(descriptors.view()), right_view, options),
               engine.grid(descriptors.view(), right.view, options));
  }
}

TEST_CASE("an engine says which device's memory it takes, and refuses another's") {
  const auto machine = machine_of(2);
  if (machine == nullptr) {
    if (!no_device()) WARN("skipped: this case needs 2 CUDA devices");
    return;
  }
  const Model model = random_model(tiny_siamese(DecisionMetric{DecisionMetric::Kind::l2, true}), 5);
  Engine engine = cuda_engine(model, "cuda:1");
  CHECK(engine.cuda_device() == 1);
  CHECK(cpu_engine(model).cuda_device() == std::nullopt);
  CHECK(cuda_engine(model, "cuda:0,1").cuda_device() == std::nullopt);
  const Patches patches(5, kTinyPatch, 1);
  const DeviceCopy there(patches, 1);
  CHECK(same_bits(engine.describe(there.like(patches.view)), engine.describe(patches.view)));
  const DeviceCopy elsewhere(patches, 0);
  CHECK_THROWS_WITH(engine.describe(elsewhere.like(patches.view)),
                    "memory of CUDA device 0 given to the engine of device 1");
  CHECK(same_bits(engine.describe(there.like(patches.view)), engine.describe(patches.view)));
}

TEST_CASE("what another library still computes on the device is waited for") {
  if (no_device()) return;
  const cuda::Stream stream = cuda::make_stream();
  cuda::PinnedBuffer<std::uint8_t> made(1 << 20);
  std::ranges::fill(made.view(), std::uint8_t{7});
  const DeviceCopy there(std::vector<std::uint8_t>(made.view().size(), 1).data(), made.view().size());
  TWINPATCH_CUDA_CHECK(
      cudaMemcpyAsync(there.data(), made.data(), made.view().size(), cudaMemcpyHostToDevice, stream.get()));
  std::vector<std::uint8_t> seen(made.view().size());
  copy_from_cuda_device(0, there.data(), std::ssize(seen), seen.data());
  CHECK(std::ranges::equal(seen, made.view()));
}
