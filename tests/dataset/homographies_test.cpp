// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>

#include "dataset_support.hpp"
#include "sequence.hpp"
#include "support/message.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/dataset/sources.hpp"

using namespace twinpatch;
using namespace twinpatch::test;

namespace {

namespace fs = std::filesystem;

HomographyDatasetOptions options_for(const TemporaryFolder& folder, const std::vector<fs::path>& sequences) {
  HomographyDatasetOptions options;
  options.dataset = quick_options(folder / "set");
  options.folders = sequences;
  return options;
}

DatasetSummary make(const HomographyDatasetOptions& options) {
  ThreadPool pool(2);
  return dataset_from_homographies(options, pool, {});
}

std::string refusal(const TemporaryFolder& folder, const fs::path& sequence) {
  auto message = message_of<Error>([&] { make(options_for(folder, {sequence})); });
  CHECK_FALSE(fs::exists(folder / "set"));
  CHECK_FALSE(fs::exists(folder / "set.tmp"));
  return message;
}

}  // namespace

TEST_CASE("a keypoint is carried over as two points near it are") {
  const Homography h{0.9, -0.25, 40, 0.25, 0.9, -20, 1e-4, -5e-5, 1};
  const Keypoint keypoint{.x = 120.5F, .y = 80.25F, .sigma = 3, .angle = 0.7F};
  const auto carried = carry_over(keypoint, h);
  REQUIRE(carried);
  // By hand, of pixel centres at integers.
  const auto apply = [&](double x, double y) {
    const double w = h[6] * x + h[7] * y + h[8];
    return std::pair((h[0] * x + h[1] * y + h[2]) / w, (h[3] * x + h[4] * y + h[5]) / w);
  };
  const auto [x, y] = apply(120.0, 79.75);
  CHECK(carried->x == Approx(x + 0.5));
  CHECK(carried->y == Approx(y + 0.5));
  constexpr double kStep = 1e-3;
  const auto [ax, ay] = apply(120.0 + kStep * std::cos(0.7), 79.75 + kStep * std::sin(0.7));
  CHECK(carried->angle == Approx(std::atan2(ay - y, ax - x)).margin(1e-4));
  const auto [ux, uy] = apply(120.0 + kStep, 79.75);
  const auto [vx, vy] = apply(120.0, 79.75 + kStep);
  const double area = ((ux - x) * (vy - y) - (uy - y) * (vx - x)) / (kStep * kStep);
  CHECK(carried->sigma == Approx(3.0 * std::sqrt(area)).epsilon(1e-3));

  const auto back = carry_over(*carried, inverse(h));
  REQUIRE(back);
  CHECK(back->x == Approx(keypoint.x));
  CHECK(back->y == Approx(keypoint.y));
  CHECK(back->sigma == Approx(keypoint.sigma).epsilon(1e-4));
  CHECK(back->angle == Approx(keypoint.angle).epsilon(1e-4));
}

TEST_CASE("points beyond a homography's horizon are not carried over, whatever the matrix's sign") {
  const Homography h{1, 0, 0, 0, 1, 0, -0.01, 0, 1};
  Homography negative = h;
  for (double& value : negative) value = -value;
  const Keypoint near{.x = 50, .y = 50, .sigma = 2};
  const Keypoint far{.x = 150, .y = 50, .sigma = 2};
  CHECK(carry_over(near, h));
  CHECK_FALSE(carry_over(far, h));
  REQUIRE(carry_over(near, negative));
  CHECK(carry_over(near, negative)->x == Approx(carry_over(near, h)->x));
  CHECK_FALSE(carry_over(far, negative));
}

TEST_CASE("noise has the deviations that were asked for") {
  dataset::Random random(4);
  const KeypointNoise noise{.position = 0.5, .scale = 0.2, .angle = 10, .use_detected = 0};
  double x = 0;
  double scale = 0;
  double angle = 0;
  constexpr int kDraws = 4000;
  for (int i = 0; i < kDraws; ++i) {
    const Keypoint noisy = dataset::with_noise({.x = 100, .y = 100, .sigma = 4, .angle = 1}, noise, random);
    x += std::pow(noisy.x - 100, 2) / kDraws;
    scale += std::pow(std::log(noisy.sigma / 4), 2) / kDraws;
    angle += std::pow(noisy.angle - 1, 2) / kDraws;
  }
  CHECK(std::sqrt(x) == Approx(2.0).epsilon(0.05));
  CHECK(std::sqrt(scale) == Approx(0.2).epsilon(0.05));
  CHECK(std::sqrt(angle) * 180 / std::numbers::pi == Approx(10).epsilon(0.05));
}

TEST_CASE("a sequence becomes a dataset whose points show one thing") {
  const TemporaryFolder folder;
  const auto sequence = write_sequence(folder, "böat 1", 21);
  const auto summary = make(options_for(folder, {sequence}));
  CHECK(summary.images == 3);
  CHECK(summary.points > 40);
  const ReadDataset read = read_dataset(folder / "set");
  const Likeness like = likeness(read);
  CAPTURE(like.same, like.other);
  CHECK(like.same > 0.75);
  CHECK(like.other < 0.3);
  // One patch of a point in each image, in the images' order.
  for (std::size_t i = 1; i < read.points.size(); ++i) {
    if (read.points[i] == read.points[i - 1]) CHECK(read.images[i] > read.images[i - 1]);
  }
  CHECK(file_contents(folder / "set").at("images.txt") == "0 böat 1/img1.pgm\n1 böat 1/img2.pgm\n2 böat 1/img3.pgm\n");
}

TEST_CASE("without noise the patches of a point are nearly the same, with it they differ") {
  const TemporaryFolder folder;
  const auto sequence = write_sequence(folder, "sequence", 22);
  auto options = options_for(folder, {sequence});
  options.sequence.noise = {.position = 0, .scale = 0, .angle = 0, .use_detected = 0};
  make(options);
  const double exact = likeness(read_dataset(folder / "set")).same;
  options.sequence.noise = {.position = 0.5, .scale = 0.2, .angle = 15, .use_detected = 0};
  options.dataset.replace = true;
  make(options);
  const double noisy = likeness(read_dataset(folder / "set")).same;
  CAPTURE(exact, noisy);
  CHECK(exact > 0.9);
  CHECK(noisy < exact - 0.1);
}

TEST_CASE("points keep their distance, and are no more than asked for") {
  const TemporaryFolder folder;
  const auto sequence = write_sequence(folder, "sequence", 23);
  auto options = options_for(folder, {sequence, write_sequence(folder, "second", 24)});
  options.sequence.max_points = 25;
  options.sequence.detect_in_all = false;
  const auto summary = make(options);
  CHECK(summary.images == 6);
  CHECK(summary.points <= 50);
  CHECK(summary.points > 30);
}

TEST_CASE("the same sequence and seed give the same dataset with any number of threads") {
  const TemporaryFolder folder;
  const auto sequence = write_sequence(folder, "sequence", 25);
  auto options = options_for(folder, {sequence});
  ThreadPool one(1);
  ThreadPool three(3);
  const auto a = dataset_from_homographies(options, one, {});
  options.dataset.folder = folder / "other";
  const auto b = dataset_from_homographies(options, three, {});
  CHECK(a.content_hash == b.content_hash);
  CHECK(file_contents(folder / "set") == file_contents(folder / "other"));
}

TEST_CASE("folders that are no sequence are refused with the reason") {
  const TemporaryFolder folder;
  CHECK(refusal(folder, folder / "absent").find("is not a folder") != std::string::npos);
  fs::create_directory(folder / "empty");
  CHECK(refusal(folder, folder / "empty").find("expected img1.pgm, img2.pgm") != std::string::npos);

  const auto sequence = write_sequence(folder, "sequence", 26);
  fs::remove(sequence / "H1to3p");
  CHECK(refusal(folder, sequence).find("incomplete, missing: H1to3p") != std::string::npos);
  write_text(sequence / "H1to3p", "1 0 0 0 1 0 0 0");
  CHECK(refusal(folder, sequence).find("H1to3p") != std::string::npos);
  write_text(sequence / "H1to3p", "1 0 0\n0 1 zero\n0 0 1\n");
  CHECK(refusal(folder, sequence).find("H1to3p") != std::string::npos);
  write_text(sequence / "H1to3p", "1 2 0\n2 4 0\n0 0 1\n");
  CHECK(refusal(folder, sequence).find("is singular") != std::string::npos);
  write_text(sequence / "H1to3p", "1 2 0\n2 4.00000000000001 0\n0 0 1\n");
  CHECK(refusal(folder, sequence).find("H1to3p: the homography is singular") != std::string::npos);
  write_text(sequence / "H1to3p", "0 0 0\n0 0 0\n0 0 0\n");
  CHECK(refusal(folder, sequence).find("singular") != std::string::npos);
  write_text(sequence / "H1to3p", "-1 0 300\n0 1 0\n0 0 1\n");
  CHECK(refusal(folder, sequence).find("mirrors the image") != std::string::npos);
  fs::remove(sequence / "H1to3p");
  fs::remove(sequence / "img3.pgm");
  fs::remove(sequence / "img2.pgm");
  CHECK(refusal(folder, sequence).find("missing: image 2") != std::string::npos);
  CHECK_THROWS_AS(make(options_for(folder, {})), InvalidArgument);
}

TEST_CASE("a half-written image of a sequence is named") {
  const TemporaryFolder folder;
  const auto sequence = write_sequence(folder, "sequence", 27);
  fs::resize_file(sequence / "img2.pgm", 5000);
  CHECK(refusal(folder, sequence).find("img2.pgm") != std::string::npos);
}

TEST_CASE("a sequence whose views share nothing has cannot make pairs") {
  const TemporaryFolder folder;
  const auto sequence = write_sequence(folder, "sequence", 28);
  write_text(sequence / "H1to2p", "1 0 5000\n0 1 0\n0 0 1\n");
  write_text(sequence / "H1to3p", "1 0 0\n0 1 9000\n0 0 1\n");
  CHECK(refusal(folder, sequence).find("cannot make pairs") != std::string::npos);
}

TEST_CASE("a run that is stopped leaves nothing") {
  const TemporaryFolder folder;
  const auto sequence = write_sequence(folder, "sequence", 29);
  std::stop_source source;
  source.request_stop();
  RunControl control;
  control.stop = source.get_token();
  ThreadPool pool(1);
  const auto options = options_for(folder, {sequence});
  CHECK_THROWS_AS(dataset_from_homographies(options, pool, control), Interrupted);
  CHECK_FALSE(fs::exists(folder / "set.tmp"));
}
