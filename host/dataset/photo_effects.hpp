// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "random.hpp"
#include "twinpatch/dataset/sources.hpp"
#include "twinpatch/vision/homography.hpp"
#include "twinpatch/vision/image.hpp"

namespace twinpatch::dataset {

/// A view of a flat picture from somewhere else: turned, nearer or farther, from the side, with perspective. Maps the
/// picture's pixels to those of an image of the same size; the picture's middle stays about in the middle.
[[nodiscard]] Homography random_homography(int width, int height, const WarpOptions& options, Random& random);
/// The picture as seen through the homography, without aliasing; beyond its border it is mirrored.
[[nodiscard]] GrayImage warp(const GrayImage& image, const Homography& homography);
struct Degraded {
  GrayImage image;
  double blur = 0;  ///< sigma of the blur, pixels
};
/// Other light, blur, noise and compression, each present in some of the cases, in the order in which a camera adds
/// them.
[[nodiscard]] Degraded degrade(const GrayImage& image, const WarpOptions& options, Random& random);

// The parts of degrade(), in place.
void change_light(GrayImage& image, double gamma, double contrast, double brightness);
void add_noise(GrayImage& image, double deviation, Random& random);
/// What JPEG does to a grey picture at this quality (1 … 100): 8×8 cosine transform, quantised by the standard's table.
/// Entropy coding changes nothing, so that no file has to be made.
void compress(GrayImage& image, int quality);

}  // namespace twinpatch::dataset
