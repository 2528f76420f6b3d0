// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/sfm/colmap_model.hpp"

#include <cmath>

#include "fuzz/fuzz.hpp"
#include "twinpatch/sfm/colmap_tracks.hpp"

namespace twinpatch::fuzz {
namespace {

bool parse(ColmapModel& model, bool text, Bytes cameras, Bytes images, Bytes points) {
  if (text) {
    return !refused([&] {
      parse_cameras_text(as_text(cameras), "x", model);
      parse_images_text(as_text(images), "x", model);
      parse_points_text(as_text(points), "x", model);
    });
  }
  return !refused([&] {
    parse_cameras_bin(cameras, "x", model);
    parse_images_bin(images, "x", model);
    parse_points_bin(points, "x", model);
  });
}

}  // namespace

// The three files of a model one after the other, with the lengths of two of them; or a file of tracks.
void run_target(Bytes bytes) {
  Input input(bytes);
  const int form = input.below(3);
  if (form == 2) {
    ColmapModel empty;
    for (std::uint32_t id = 0; id < 4; ++id) empty.images[id];
    refused([&] { (void)parse_tracks(as_text(input.rest()), "x", empty); });
    return;
  }
  const Bytes cameras = input.bytes(input.number<std::uint16_t>());
  const Bytes images = input.bytes(input.number<std::uint16_t>());
  ColmapModel model;
  if (!parse(model, form == 1, cameras, images, input.rest())) return;
  refused([&] {
    check_colmap_model(model, "x");
    std::map<std::uint32_t, std::vector<Keypoint>> detected;
    for (const auto& [id, image] : model.images) {
      (void)camera_centre(image);
      for (const auto& seen : image.keypoints) {
        detected[id].push_back({static_cast<float>(seen.x), static_cast<float>(seen.y), 2, 0, 1});
      }
      for (const auto& [number, point] : model.points) {
        (void)project(model.cameras.at(image.camera), to_camera(image, point.position));
      }
    }
    (void)points_with_detections(model, detected);
  });
}

}  // namespace twinpatch::fuzz
