// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "fuzz/fuzz.hpp"
#include "twinpatch/patches/pair_list.hpp"
#include "twinpatch/sfm/image_pair_list.hpp"

namespace twinpatch::fuzz {
namespace {

void read_image_list(Bytes input) {
  static const std::vector<std::string> names{"a", "b", "a b", "b a", "dir/c.jpg", "\xff", "#x", "x y z"};
  ImagePairList list;
  if (refused([&] { list = parse_image_pairs(as_text(input), "x", names); })) return;
  (void)list.warnings();
  std::string text;
  if (refused([&] { text = format_image_pairs(list.pairs, names); })) return;
  require(parse_image_pairs(text, "y", names).pairs == list.pairs, "pairs that do not come back");
}

}  // namespace

// Lists of pairs of patches and of images, and a PhotoTour folder's info.txt.
void run_target(Bytes input) {
  Input choice(input);
  const int reader = choice.below(3);
  const Bytes rest = choice.rest();
  if (reader == 0) return read_image_list(rest);
  const auto path = scratch_file(rest, ".txt");
  refused([&] {
    if (reader == 1) return (void)read_photo_tour_info(path);
    const PairList list = read_pair_list(path);
    check_pairs(list.pairs, 10, 10, list.path);
  });
}

}  // namespace twinpatch::fuzz
