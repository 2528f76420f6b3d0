// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/formats/npy.hpp"

#include "fuzz/fuzz.hpp"
#include "twinpatch/patches/pair_list.hpp"
#include "twinpatch/patches/patch_set.hpp"
#include "twinpatch/vision/keypoint.hpp"

namespace twinpatch::fuzz {
namespace {

void touch(const PatchSet& patches) {
  volatile unsigned sum = 0;
  const PatchView view = patches.view();
  const auto* const bytes = static_cast<const std::byte*>(view.pixels);
  for (std::int64_t i = 0; i < view.count * view.patch_bytes(); ++i) sum = sum + std::to_integer<unsigned>(bytes[i]);
  patches.release(0, view.count);
}

}  // namespace

void run_target(Bytes input) {
  // What the header's reader refuses, no reader of a file can accept.
  if (refused([&] { (void)parse_npy(input, "x"); })) return;
  const auto path = scratch_file(input, ".npy");
  refused([&] { touch(read_npy_patches(path, false)); });
  refused([&] { touch(read_npy_patches(path, true)); });
  refused([&] {
    const PairList list = read_pair_list(path);
    check_pairs(list.pairs, 100, 100, list.path);
  });
  refused([&] { (void)read_keypoints(path); });
}

}  // namespace twinpatch::fuzz
