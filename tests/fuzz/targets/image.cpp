// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/vision/image.hpp"

#include "fuzz/fuzz.hpp"
#include "twinpatch/vision/image_sequence.hpp"
#include "twinpatch/vision/patch_collections.hpp"

namespace twinpatch::fuzz {
namespace {

/// A folder of up to four files with the names that the readers of folders look for.
void read_folder(Input input) {
  constexpr std::string_view kNames[] = {"img1.pgm", "img2.pgm",     "H1to2p",   "ref.png",
                                         "e1.png",   "patches0.bmp", "info.txt", "patches.npy"};
  const auto folder = scratch_folder();
  for (int i = 0; i < 4 && !input.empty(); ++i) {
    const auto name = kNames[input.below(std::size(kNames))];
    write_bytes(folder / name, input.bytes(input.number<std::uint16_t>()));
  }
  refused([&] {
    if (is_image_sequence(folder)) (void)read_image_sequence(folder);
  });
  refused([&] {
    if (is_photo_tour(folder)) (void)read_photo_tour(folder);
  });
  refused([&] {
    if (is_hpatches(folder)) (void)read_hpatches_sequence(folder);
  });
}

}  // namespace

// OpenCV and the codecs' libraries below it are not instrumented: what they do wrong inside shows as a signal only.
void run_target(Bytes input) {
  Input choice(input);
  if (choice.flag()) return read_folder(choice);
  const auto path = scratch_file(choice.rest(), ".image");
  refused([&] {
    const GrayImage image = read_image(path);
    require(image.width() > 0 && image.height() > 0, "an image without pixels");
    volatile unsigned sum = 0;
    for (int y = 0; y < image.height(); ++y) sum = sum + image.row(y)[image.width() - 1];
  });
}

}  // namespace twinpatch::fuzz
