// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <algorithm>
#include <filesystem>

#include "arrays.hpp"
#include "bindings.hpp"
#include "call.hpp"
#include "twinpatch/vision/cut_patches.hpp"
#include "twinpatch/vision/draw.hpp"
#include "twinpatch/vision/image.hpp"
#include "twinpatch/vision/refine.hpp"

namespace twinpatch::python {
namespace {

nb::object read(const std::filesystem::path& path) {
  GrayImage image = [&] {
    const nb::gil_scoped_release release;
    return read_image(path);
  }();
  std::uint8_t* pixels = image.row(0);
  const auto height = static_cast<std::size_t>(image.height());
  const auto width = static_cast<std::size_t>(image.width());
  return numpy_array(std::move(image), pixels, {height, width});
}

nb::object detect(const nb::object& image, int max_keypoints) {
  if (max_keypoints < 0) {
    throw InvalidArgument(fmt::format("max_keypoints: expected 0 (all) or more, found {}", max_keypoints));
  }
  const GrayImage pixels = image_of(image, "image");
  const auto keypoints = run_interruptibly(nb::none(), [&](const RunControl& /*control*/) {
    ThreadPool pool(0);
    return detect_keypoints(pixels, {.max_keypoints = max_keypoints, .image = "image"}, pool);
  });
  Matrix rows(static_cast<std::int64_t>(keypoints.size()), 4);
  float* at = rows.data();
  for (const Keypoint& keypoint : keypoints) {
    for (const float value : {keypoint.x, keypoint.y, keypoint.sigma, keypoint.angle}) *at++ = value;
  }
  return numpy_array(std::move(rows));
}

void check(const CutOptions& options) {
  if (options.side < 1 || !(options.extent > 0 && options.extent <= 1000)) {
    throw InvalidArgument(fmt::format("expected a side of 1 pixel or more and an extent in (0, 1000], found {} and {}",
                                      options.side, options.extent));
  }
}

nb::object cut(const nb::object& image, const nb::object& keypoints, const CutOptions& options, int threads) {
  check(options);
  const std::vector<Keypoint> places = keypoints_of(array_of(keypoints, "keypoints"));
  const GrayImage pixels = image_of(image, "image");
  PatchSet patches = run_interruptibly(nb::none(), [&](const RunControl& /*control*/) {
    ThreadPool pool(threads);
    return cut_patches(pixels, places, options, pool);
  });
  const auto count = static_cast<std::size_t>(patches.size());
  const auto side = static_cast<std::size_t>(options.side);
  std::uint8_t* first = count == 0 ? nullptr : patches.mutable_patch(0);
  return numpy_array(std::move(patches), first, {count, side, side});
}

std::vector<Match> matches_of(const std::vector<IndexPair>& pairs) {
  std::vector<Match> matches;
  matches.reserve(pairs.size());
  for (const IndexPair pair : pairs) matches.push_back({pair.left, pair.right, 0});
  return matches;
}

/// Arguments of refine() as they come.
struct Refinement {
  nb::object left, right, keypoints, matches;
  CutOptions cut;
  RefineOptions options;
  int threads = 0;
};

nb::object refined(Refinement asked) {
  Array left = array_of(asked.left, "left");
  Array right = array_of(asked.right, "right");
  const std::vector<Keypoint> centres = keypoints_of(array_of(asked.keypoints, "keypoints"));
  ComparedWindows windows{patches_of(left), patches_of(right), centres, asked.cut};
  windows.cut.side = std::max(1, windows.right.width);
  check(windows.cut);
  if (!(asked.options.min_correlation > 0 && asked.options.min_correlation <= 1 && asked.options.max_move >= 0)) {
    throw InvalidArgument(
        fmt::format("expected a min_correlation in (0, 1] and a max_move of 0 or more, found {} and {}",
                    asked.options.min_correlation, asked.options.max_move));
  }
  const std::vector<Match> matches = matches_of(pairs_of(array_of(asked.matches, "matches")));
  const std::vector<RefinedEnd> ends = run_interruptibly(nb::none(), [&](const RunControl& control) {
    ThreadPool pool(asked.threads);
    return refine(windows, matches, asked.options, pool, control);
  });
  Matrix rows(std::ssize(ends), 3);
  float* at = rows.data();
  for (const RefinedEnd& end : ends) {
    for (const float value : {end.x, end.y, end.correlation}) *at++ = value;
  }
  return numpy_array(std::move(rows));
}

struct Photograph {
  std::filesystem::path path;
  std::vector<Keypoint> keypoints;
};

void draw(const std::filesystem::path& path, const Photograph& left, const Photograph& right,
          const std::vector<IndexPair>& pairs) {
  check_pairs(pairs, std::ssize(left.keypoints), std::ssize(right.keypoints), "matches");
  draw_matches(path, {left.path, left.keypoints}, {right.path, right.keypoints}, matches_of(pairs));
}

constexpr const char* kRead = R"(Grey levels of a photograph, uint8 [H, W].

The pixels are those stored in the file: an EXIF orientation is not applied, so that coordinates refer to them, as in
COLMAP. Raises IoError (cannot be read), FormatError (no image, or a truncated one).)";

constexpr const char* kDetect = R"(SIFT keypoints of a photograph, float32 [N, 4]: x, y, sigma, angle; strongest first.

image: a path, or grey levels, uint8 [H, W].
max_keypoints: keeps the strongest; 0: all.

x and y are pixels, y down, and the centre of the first pixel is (0.5, 0.5), as in COLMAP; OpenCV's coordinates are half a
pixel less. sigma is the scale in pixels (half of OpenCV's size), the angle is in radians from x towards y.

Raises InvalidArgument, IoError, FormatError, OutOfMemory.)";

constexpr const char* kCut = R"(One patch for each keypoint, uint8 [N, side, side].

image: as in detect().
keypoints: float32 or float64 [N, 4] as detect() gives them, or [N, 6]: x, y and the affine shape a11, a12, a21, a22 as
COLMAP stores it, of which only size and direction count unless affine is set.
extent: side of the window in the image, in units of the keypoint's sigma; take Model.patch_extent where it is not None.
side: of a patch, in pixels.
upright: ignore the keypoints' angles.
affine: the window has the keypoint's shape; keypoints must be [N, 6].
threads: 0: all available.

Where the window leaves the image, the nearest pixel is repeated. Raises ShapeError for keypoints without a scale or an
angle, InvalidArgument for one that lies outside the image or has no positive sigma, and with affine for one without a
shape, or with one that is singular, mirrored or more than 10 times as long as wide.)";

constexpr const char* kRefine =
    R"(Where the left keypoint of each match lies in the right photograph, to a fraction of a pixel:
float32 [K, 3]: x, y, correlation.

left, right: the windows that were compared, uint8 [N, S, S] and [M, S, S], as cut() gives them.
keypoints: float32 or float64 [M, 4] or [M, 6], around which the right windows were cut.
matches: int32 or int64 [K, 2], Matches.indices.
extent, upright, affine: as the windows were cut.
min_correlation: of the two windows once they are aligned; a match below it keeps its keypoint.
max_move: of the window's side; a match that would move farther keeps its keypoint.
threads: 0: all available.

The affine map that aligns the two windows best (enhanced correlation coefficient, Evangelidis & Psarakis 2008). The
correlation is 0 where the keypoint's own place is kept. Another match of the same right keypoint moves it elsewhere:
the result is of this pair of photographs alone. About a millisecond of one core for a match.

Raises ShapeError, InvalidArgument for windows of other types or sizes, or an index out of range.)";

constexpr const char* kDraw = R"(Draws two photographs side by side with their matches as lines.

path: a picture to write, PNG or by its ending; it appears whole or not at all.
left, right: paths of the photographs.
left_keypoints, right_keypoints: float32 or float64 [N, 4] or [N, 6] as cut() takes them, such as detect() gives them.
matches: int32 or int64 [K, 2], Matches.indices.

Raises InvalidArgument for an index out of range, IoError, FormatError.)";

}  // namespace

void bind_images(nb::module_& module) {
  using namespace nb::literals;
  module.def("read_image", &read, "path"_a, kRead,
             nb::sig("def read_image(path: str | os.PathLike[str]) -> numpy.typing.NDArray[numpy.uint8]"));
  module.def(
      "detect", &detect, "image"_a, "max_keypoints"_a = 2000, kDetect,
      nb::sig("def detect(image: str | os.PathLike[str] | twinpatch._typing.Array, max_keypoints: int = 2000) -> "
              "numpy.typing.NDArray[numpy.float32]"));
  module.def(
      "cut",
      [](const nb::object& image, const nb::object& keypoints, float extent, int side, bool upright, bool affine,
         int threads) {
        return cut(image, keypoints, {.side = side, .extent = extent, .upright = upright, .affine = affine}, threads);
      },
      "image"_a, "keypoints"_a, "extent"_a = 12.0F, nb::kw_only(), "side"_a = 64, "upright"_a = false,
      "affine"_a = false, "threads"_a = 0, kCut,
      nb::sig("def cut(image: str | os.PathLike[str] | twinpatch._typing.Array, keypoints: twinpatch._typing.Array, "
              "extent: float = 12.0, *, side: int = 64, upright: bool = False, affine: bool = False, "
              "threads: int = 0) -> "
              "numpy.typing.NDArray[numpy.uint8]"));
  module.def(
      "refine",
      [](nb::object left, nb::object right, nb::object keypoints, nb::object matches, float extent, bool upright,
         bool affine, double min_correlation, double max_move, int threads) {
        return refined({std::move(left),
                        std::move(right),
                        std::move(keypoints),
                        std::move(matches),
                        {.extent = extent, .upright = upright, .affine = affine},
                        {min_correlation, max_move},
                        threads});
      },
      "left"_a, "right"_a, "keypoints"_a, "matches"_a, "extent"_a = 12.0F, nb::kw_only(), "upright"_a = false,
      "affine"_a = false, "min_correlation"_a = RefineOptions{}.min_correlation,
      "max_move"_a = RefineOptions{}.max_move, "threads"_a = 0, kRefine,
      nb::sig("def refine(left: twinpatch._typing.Array, right: twinpatch._typing.Array, "
              "keypoints: twinpatch._typing.Array, matches: twinpatch._typing.Array, extent: float = 12.0, *, "
              "upright: bool = False, affine: bool = False, min_correlation: float = 0.8, max_move: float = 0.25, "
              "threads: int = 0) -> "
              "numpy.typing.NDArray[numpy.float32]"));
  module.def(
      "draw_matches",
      [](const std::filesystem::path& path, const std::filesystem::path& left, const nb::object& left_keypoints,
         const std::filesystem::path& right, const nb::object& right_keypoints, const nb::object& matches) {
        draw(path, {left, keypoints_of(array_of(left_keypoints, "left_keypoints"))},
             {right, keypoints_of(array_of(right_keypoints, "right_keypoints"))},
             pairs_of(array_of(matches, "matches")));
      },
      "path"_a, "left"_a, "left_keypoints"_a, "right"_a, "right_keypoints"_a, "matches"_a, kDraw,
      nb::sig("def draw_matches(path: str | os.PathLike[str], left: str | os.PathLike[str], "
              "left_keypoints: twinpatch._typing.Array, right: str | os.PathLike[str], "
              "right_keypoints: twinpatch._typing.Array, matches: twinpatch._typing.Array) -> None"));
}

}  // namespace twinpatch::python
