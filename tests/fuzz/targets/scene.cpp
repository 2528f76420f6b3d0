// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "fuzz/fuzz.hpp"
#include "twinpatch/train/training_set.hpp"

namespace twinpatch::fuzz {
namespace {

constexpr std::array kFiles = {"interest.txt", "manifest.json", "m50_2_2_0.txt", "info.txt", "patches.npy"};

/// Four patches of 2 × 2 pixels, an .npy of version 1.
std::string patches() {
  std::string header = "{'descr': '|u1', 'fortran_order': False, 'shape': (4, 2, 2), }";
  header.resize(117, ' ');
  return std::string("\x93NUMPY\1\0", 8) + static_cast<char>(118) + '\0' + header + '\n' + "0123456789abcdef";
}

void write_text(const std::filesystem::path& path, std::string_view text) {
  write_bytes(path, std::as_bytes(std::span(text)));
}

}  // namespace

// A folder to train on, of four patches of two points: some of its files are anybody's.
void run_target(Bytes bytes) {
  Input input(bytes);
  const auto folder = scratch_folder();
  write_text(folder / "info.txt", "0 0\n0 0\n1 0\n1 0\n");
  write_text(folder / "patches.npy", patches());
  while (!input.empty()) {
    const auto* const name = kFiles[static_cast<std::size_t>(input.below(static_cast<int>(kFiles.size())))];
    const std::string text = input.below(2) == 0 ? std::string(as_text(input.rest())) : input.text();
    write_text(folder / name, text);
  }
  refused([&] {
    const Scene scene(folder, folder / "cache");
    require(scene.points().size() == static_cast<std::size_t>(scene.patches().count), "a point for each patch");
    for (std::int32_t i = 0; i < scene.patches().count; ++i) (void)scene.overlapping(0, i);
    (void)read_scene_pairs(scene);
  });
}

}  // namespace twinpatch::fuzz
