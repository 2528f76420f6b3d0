// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "cuda_support.hpp"
#include "support/small_networks.hpp"
#include "twinpatch/cuda/backend.hpp"

using namespace twinpatch;
using namespace twinpatch::test;
namespace tolerance = test::tolerance;

namespace {

Extent test_extent(const NetworkSpec& spec) { return spec.input.value_or(Extent{53, 47}); }

}  // namespace

TEST_CASE("every network of the catalogue gives the reference's scores on the device") {
  if (no_device()) return;
  for (const auto& spec : catalogue()) {
    INFO("network " << spec.name);
    const auto model = shared_model(spec);
    const Patches left(1, test_extent(spec), 21);
    const Patches right(2, test_extent(spec), 22);
    const auto expected = reference::scores(*model, left.view, right.view);
    const Rig rig = cuda_rig(model);
    expect_close(rig.list(left.view, right.view), expected, tolerance::kScoreFp32);
    expect_close(rig.block(left.view, right.view), expected, tolerance::kScoreFp32);
  }
}

TEST_CASE("every network with descriptors gives the reference's on the device, for both sides") {
  if (no_device()) return;
  for (const auto& spec : catalogue()) {
    if (!has_descriptors(spec)) continue;
    INFO("network " << spec.name);
    const auto model = shared_model(spec);
    const Patches patches(3, test_extent(spec), 23);
    ExecutionOptions options = cuda_options();
    options.batch = 2;  // two passes, the second one short
    const auto branch = make_cuda_backend(options)->make_branch(model);
    CHECK(branch->descriptor_size() == branch_size(spec));
    for (const auto side : {Side::left, Side::right}) {
      if (side == Side::right && spec.coupling != Coupling::pseudo_siamese) continue;
      const auto got = branch->descriptors(patches.view, side);
      expect_close(got.span(), reference::descriptors(*model, side == Side::right, patches.view),
                   tolerance::kDescriptorFp32);
    }
  }
}

TEST_CASE("the precisions of a run stay within their tolerances") {
  if (no_device()) return;
  const auto [precision, limit] =
      GENERATE(std::pair{Precision::tf32, tolerance::kScoreTf32}, std::pair{Precision::fp16, tolerance::kScoreFp16},
               std::pair{Precision::bf16, tolerance::kScoreBf16});
  for (const char* name : {"2ch", "siam", "siam-l2", "siam-2stream", "chopra-2005", "2ch-2stream"}) {
    INFO("network " << name << " in " << to_string(precision));
    const auto& spec = network(name);
    const auto model = shared_model(spec, 9);  // scores well apart from 0
    const Patches left(1, test_extent(spec), 24);
    const Patches right(2, test_extent(spec), 25);
    const auto expected = reference::scores(*model, left.view, right.view);
    const Rig rig = cuda_rig(model, cuda_options(precision));
    expect_close(rig.list(left.view, right.view), expected, limit);
    expect_close(rig.block(left.view, right.view), expected, limit);
  }
}

TEST_CASE("results do not depend on the batch, nor on how often a plan ran before") {
  if (no_device()) return;
  for (const char* name : {"chopra-2005", "tfeat", "2ch"}) {
    INFO("network " << name);
    const auto& spec = network(name);
    const auto model = shared_model(spec);
    const bool heavy = spec.coupling == Coupling::two_channel;
    const Patches left(2, test_extent(spec), 31);
    const Patches right(heavy ? 3 : 7, test_extent(spec), 32);
    const auto expected = widened(cpu_rig(model).list(left.view, right.view));
    for (const std::int64_t batch : {1, 4}) {
      ExecutionOptions options = cuda_options();
      options.batch = batch;
      const Rig rig = cuda_rig(model, options);
      const auto first = rig.list(left.view, right.view);  // direct, then captured, then replayed
      expect_close(first, expected, tolerance::kScoreFp32);
      CHECK(rig.list(left.view, right.view) == first);
      CHECK(rig.list(left.view, right.view) == first);
      expect_close(rig.block(left.view, right.view), expected, tolerance::kScoreFp32);
    }
  }
}

TEST_CASE("halves of first convolutions are joined on the device as the reference has it, whatever follows") {
  if (no_device()) return;
  for (const NetworkSpec& spec : joining_networks()) {
    INFO(spec.name);
    const auto model = shared_model(spec, 9);
    const Patches left(3, test_extent(spec), 43);
    const Patches right(5, test_extent(spec), 44);
    const auto expected = reference::scores(*model, left.view, right.view);
    for (const auto& [precision, limit] :
         {std::pair{Precision::fp32, tolerance::kScoreFp32}, std::pair{Precision::fp16, tolerance::kScoreFp16}}) {
      const Rig rig = cuda_rig(model, cuda_options(precision));
      expect_close(rig.list(left.view, right.view), expected, limit);
      expect_close(rig.block(left.view, right.view), expected, limit);
    }
  }
}

TEST_CASE("raw patches are fed to the device as they are") {
  if (no_device()) return;
  for (const char* name : {"2ch", "siam-l2", "siam-2stream-l2"}) {
    INFO("network " << name);
    const auto model = shared_model(network(name));
    const auto values = normal_floats(3 * 64 * 64, 61);
    const PatchView all{PixelType::f32, values.data(), 3, 64, 64};
    expect_close(cuda_rig(model).list(all.slice(0, 1), all.slice(1, 2)),
                 reference::scores(*model, all.slice(0, 1), all.slice(1, 2)), tolerance::kScoreFp32);
  }
}

TEST_CASE("patches of different sizes go through one network of any input size on the device") {
  if (no_device()) return;
  const auto& spec = network("siam-spp-l2");
  const auto model = shared_model(spec);
  const auto branch = make_cuda_backend(cuda_options())->make_branch(model);
  for (const auto& size : {Extent{64, 64}, Extent{48, 71}, Extent{64, 64}, Extent{46, 49}}) {
    const Patches patches(1, size, 71);
    expect_close(branch->descriptors(patches.view, Side::left).span(),
                 reference::descriptors(*model, false, patches.view), tolerance::kDescriptorFp32);
  }
}

TEST_CASE("a device makes nothing of nothing") {
  if (no_device()) return;
  const auto backend = make_cuda_backend(cuda_options());
  for (const char* name : {"2ch", "siam", "siam-l2"}) {
    const auto model = shared_model(network(name));
    const auto branch = backend->make_branch(model);
    const auto scorer = backend->make_scorer(model);
    const PatchView none{PixelType::u8, nullptr, 0, 64, 64};
    const Patches one(1, {64, 64}, 81);
    const auto empty = branch->rows(none, Side::left);
    CHECK(empty->size() == 0);
    const auto right = branch->rows(one.view, Side::right);
    scorer->score_list(*empty, *right, {}, {});
    scorer->score_block(*empty, *right, nullptr, 1);
    const auto selection = backend->make_selection({.rows = 0, .columns = 1, .top_k = 1, .column_best = true});
    scorer->score_tile({empty.get(), 0}, {right.get(), 0}, *selection);
    CHECK(selection->read().column_indices[0] == -1);
    if (branch->descriptor_size() > 0) CHECK(branch->descriptors(none, Side::left).rows() == 0);
  }
}

TEST_CASE("what does not fit is refused by the device with one line") {
  if (no_device()) return;
  const auto backend = make_cuda_backend(cuda_options());
  const auto pair = shared_model(network("2ch"));
  const auto tower = shared_model(network("siam"));
  const Patches small(1, {32, 32}, 91);
  const auto pair_branch = backend->make_branch(pair);
  const auto tower_branch = backend->make_branch(tower);
  CHECK_THROWS_AS(pair_branch->rows(small.view, Side::left), ShapeError);
  CHECK_THROWS_WITH(tower_branch->descriptors(small.view, Side::left),
                    "network siam takes patches of 64×64, got 32×32");
  CHECK_THROWS_WITH(pair_branch->descriptors(Patches(1, {64, 64}, 92).view, Side::left),
                    "network 2ch sees both patches of a pair at once: it has no descriptors");
  const Matrix wrong(1, 17);
  CHECK_THROWS_AS(tower_branch->rows(wrong.view(), Side::left), ShapeError);
  CHECK_THROWS_AS(pair_branch->rows(wrong.view(), Side::left), InvalidArgument);

  const Patches whole(1, {64, 64}, 93);
  const auto rows = tower_branch->rows(whole.view, Side::left);
  float score = 0;
  CHECK_THROWS_AS(backend->make_scorer(pair)->score_block(*rows, *rows, &score, 1), InvalidArgument);

  ExecutionOptions options = cuda_options();
  options.precision = Precision::int8;
  CHECK_THROWS_WITH(make_cuda_backend(options),
                    "the CUDA engine runs in fp32, tf32, fp16 or bf16, precision int8 was asked for");
  options = cuda_options();
  options.kernels = Kernels::fused;
  CHECK_THROWS_AS(make_cuda_backend(options), DeviceError);

  std::stop_source stop;
  stop.request_stop();
  CHECK_THROWS_AS(tower_branch->descriptors(whole.view, Side::left, {stop.get_token(), nullptr}), Interrupted);

  Model descriptors_only = random_model(network("siam"), 4);
  std::erase_if(descriptors_only.weights, [](const auto& entry) { return entry.first.starts_with("decision."); });
  descriptors_only.descriptor_only = true;
  const auto only = std::make_shared<const Model>(descriptors_only);
  CHECK_THROWS_WITH(backend->make_scorer(only), Catch::Contains("pairs cannot be scored"));
  CHECK(backend->make_branch(only)->descriptors(whole.view, Side::left).columns() == 256);
}

TEST_CASE("the device says what it is and what it did") {
  if (no_device()) return;
  const Rig rig = cuda_rig(shared_model(network("chopra-2005")));
  CHECK_THAT(rig.backend->description(), Catch::Contains("CUDA device 0") && Catch::Contains("fp32"));
  const Patches patches(5, {56, 46}, 94);
  (void)rig.list(patches.view, patches.view);
  const auto summaries = rig.backend->summaries();
  REQUIRE(summaries.size() == 1);
  CHECK(summaries[0].patches == 10);
  CHECK(summaries[0].pairs == 25);
  CHECK(summaries[0].operations > 1e6);
  REQUIRE(summaries[0].slowest() != nullptr);
  CHECK(summaries[0].text().size() == 2);
}
