// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "candidate_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include "twinpatch/core/error.hpp"
#include "twinpatch/core/file.hpp"
#include "twinpatch/engine/two_stage.hpp"
#include "twinpatch/patches/candidate_lists.hpp"
#include "twinpatch/vision/cut_patches.hpp"

namespace twinpatch {

void check(const CandidateOptions& options) {
  const auto demand = [](bool good, const char* what) {
    if (!good) throw InvalidArgument(what);
  };
  demand(options.extent > 0 && std::isfinite(options.extent), "--patch-extent: must be positive");
  demand(options.max_keypoints >= 0, "--max-keypoints: must not be negative");
  demand(options.nearest >= 1 && options.nearest <= 10'000, "--candidates: must be in 1 … 10000");
}

}  // namespace twinpatch

namespace twinpatch::dataset {
namespace {

constexpr int kSide = 64;
constexpr double kWithin = 3;  // pixels: what the summary counts
constexpr const char* kDescribed = "descriptors.npy";

const CandidateOptions& checked(const CandidateOptions& options, const Engine& first) {
  check(options);
  const NetworkSpec& spec = first.spec();
  check_finds(spec);
  if (spec.coupling != Coupling::siamese)
    throw InvalidArgument(
        fmt::format("{} has a tower for each side: a keypoint would need two descriptors; take a siamese network, such "
                    "as hard128, as -m",
                    spec.name));
  return options;
}

bool is_inside(const Keypoint& keypoint, const GrayImage& image) {
  return std::isfinite(keypoint.sigma) && keypoint.sigma > 0 && std::isfinite(keypoint.angle) && keypoint.x >= 0 &&
         keypoint.y >= 0 && keypoint.x <= static_cast<float>(image.width()) &&
         keypoint.y <= static_cast<float>(image.height());
}

}  // namespace

CandidateWriter::CandidateWriter(const CandidateOptions& options, const CandidateFinder& finder)
    : options_(checked(options, finder.first)),
      finder_(finder),
      folder_(options.folder, options.replace),
      patches_(folder_.path() / "patches.npy", NpyType::u8, {-1, kSide, kSide}),
      lists_(folder_.path() / "lists.npy", NpyType::i32, {-1, 2}),
      candidates_(folder_.path() / "candidates.npy", NpyType::i32, {-1, 2}),
      measures_(folder_.path() / "measures.npy", NpyType::f32, {-1, 4}),
      described_(std::in_place, folder_.path() / kDescribed, NpyType::f32,
                 std::vector<std::int64_t>{-1, finder.first.descriptor_size()}) {}

template <class T>
void CandidateWriter::append(NpyWriter& writer, std::span<const T> values) {
  writer.append(values);
  hash_.add(std::as_bytes(values));
}

int CandidateWriter::add_image(const std::string& name, const GrayImage& image, std::span<const Keypoint> keypoints) {
  Image added{name, {}, patches_count_};
  std::copy_if(keypoints.begin(), keypoints.end(), std::back_inserter(added.keypoints),
               [&](const Keypoint& keypoint) { return is_inside(keypoint, image); });
  const std::int64_t count = std::ssize(added.keypoints);
  if (patches_count_ + count > std::numeric_limits<std::int32_t>::max())
    throw InvalidArgument(fmt::format("{} patches are too many for one dataset", patches_count_ + count));
  if (count > 0) {
    const CutOptions cut{.side = kSide, .extent = options_.extent, .upright = options_.upright};
    const PatchSet patches = cut_patches(image, added.keypoints, cut, finder_.pool);
    const auto* const pixels = static_cast<const std::uint8_t*>(patches.view().pixels);
    append(patches_, std::span(pixels, static_cast<std::size_t>(count * patches.view().patch_bytes())));
    described_->append(
        std::span<const float>(finder_.first.describe(patches.view(), Side::left, finder_.control.quiet()).span()));
  }
  patches_count_ += count;
  images_.push_back(std::move(added));
  return static_cast<int>(images_.size()) - 1;
}

MatrixView CandidateWriter::descriptors(const Image& image) {
  if (!all_described_) {
    described_->finish();
    described_.reset();
    all_described_ = read_npy(folder_.path() / kDescribed);
  }
  const std::int64_t length = finder_.first.descriptor_size();
  return MatrixView{all_described_->values<float>().data(), patches_count_, length}.slice(image.begin,
                                                                                          std::ssize(image.keypoints));
}

void CandidateWriter::add_pair(const KnownPair& pair) {
  const Image& left = images_[static_cast<std::size_t>(pair.left)];
  const Image& right = images_[static_cast<std::size_t>(pair.right)];
  ++summary_.image_pairs;
  if (left.keypoints.empty() || right.keypoints.empty()) return;
  const GridOptions grid{.top_k = options_.nearest};
  const RunControl quiet = finder_.control.quiet();
  const Selected to_right = finder_.first.grid(descriptors(left), descriptors(right), grid, quiet);
  const Selected to_left = finder_.first.grid(descriptors(right), descriptors(left), grid, quiet);
  const Candidates found = unite_candidates(to_right.segment(0), to_left.segment(0));
  std::vector<std::vector<Row>> of_left(left.keypoints.size()), of_right(right.keypoints.size());
  for (std::size_t i = 0; i < found.pairs.size(); ++i) {
    const auto& [l, r] = found.pairs[i];
    of_left[static_cast<std::size_t>(l)].push_back({r, found.mutual[i], found.similarities[i]});
    of_right[static_cast<std::size_t>(r)].push_back({l, found.mutual[i], found.similarities[i]});
  }
  for (std::size_t i = 0; i < of_left.size(); ++i)
    add_list(left, static_cast<std::int64_t>(i), right, pair.to_right, of_left[i]);
  for (std::size_t i = 0; i < of_right.size(); ++i)
    add_list(right, static_cast<std::int64_t>(i), left, pair.to_left, of_right[i]);
}

void CandidateWriter::add_list(const Image& own, std::int64_t keypoint, const Image& other, const Carry& carry,
                               std::vector<Row>& rows) {
  if (rows.empty()) return;
  const auto there = carry(own.keypoints[static_cast<std::size_t>(keypoint)], keypoint);
  if (!there) return;
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.similarity > b.similarity; });
  std::vector<std::int32_t> ids;
  std::vector<float> measures;
  double nearest = std::numeric_limits<double>::infinity();
  for (const Row& row : rows) {
    const Keypoint& candidate = other.keypoints[static_cast<std::size_t>(row.other)];
    const double distance = std::hypot(double{candidate.x} - there->x, double{candidate.y} - there->y);
    const std::array<float, 4> of{
        row.similarity, static_cast<float>(distance), static_cast<float>(std::log2(candidate.sigma / there->sigma)),
        static_cast<float>(std::remainder(double{candidate.angle} - there->angle, 2 * std::numbers::pi))};
    // A keypoint that comes to lie at the horizon has no place.
    if (!std::all_of(of.begin(), of.end(), [](float value) { return std::isfinite(value); })) return;
    nearest = std::min(nearest, distance);
    ids.insert(ids.end(), {static_cast<std::int32_t>(other.begin + row.other), row.mutual});
    measures.insert(measures.end(), of.begin(), of.end());
  }
  const std::array<std::int32_t, 2> list{static_cast<std::int32_t>(own.begin + keypoint),
                                         static_cast<std::int32_t>(rows.size())};
  append(lists_, std::span<const std::int32_t>(list));
  append(candidates_, std::span<const std::int32_t>(ids));
  append(measures_, std::span<const float>(measures));
  ++summary_.lists;
  summary_.candidates += std::ssize(rows);
  if (nearest <= kWithin) ++summary_.lists_within;
}

void CandidateWriter::write_tables() {
  std::vector<std::int32_t> counts;
  NpyWriter keypoints(folder_.path() / "keypoints.npy", NpyType::f32, {-1, 4});
  fmt::memory_buffer names;
  for (const Image& image : images_) {
    std::vector<float> rows;
    for (const Keypoint& k : image.keypoints) rows.insert(rows.end(), {k.x, k.y, k.sigma, k.angle});
    append(keypoints, std::span<const float>(rows));
    fmt::format_to(std::back_inserter(names), "{} {}\n", counts.size(), image.name);
    counts.push_back(static_cast<std::int32_t>(image.keypoints.size()));
  }
  keypoints.finish();
  NpyWriter images(folder_.path() / "images.npy", NpyType::i32, {-1});
  append(images, std::span<const std::int32_t>(counts));
  images.finish();
  AtomicFile file(folder_.path() / "images.txt");
  file.write(std::string_view(names.data(), names.size()));
  file.commit();
}

void CandidateWriter::write_manifest(const Json& source) {
  const Json manifest{{"schema", CandidateLists::kSchema},
                      {"source", source},
                      {"options",
                       {{"seed", options_.seed},
                        {"patch_extent", options_.extent},
                        {"upright", options_.upright},
                        {"max_keypoints", options_.max_keypoints},
                        {"first", finder_.first.spec().name},
                        {"first_hash", model_hash(finder_.first.model())},
                        {"candidates", options_.nearest}}},
                      {"counts",
                       {{"images", summary_.images},
                        {"image_pairs", summary_.image_pairs},
                        {"patches", summary_.patches},
                        {"lists", summary_.lists},
                        {"lists_within_3_pixels", summary_.lists_within},
                        {"candidates", summary_.candidates}}},
                      {"content_hash", summary_.content_hash}};
  AtomicFile file(folder_.path() / "manifest.json");
  file.write(manifest.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  file.commit();
}

CandidateSummary CandidateWriter::finish(const Json& source) {
  if (summary_.lists == 0)
    throw Error(fmt::format("{}: no list: {} keypoints in {} images, and none whose place in another is known",
                            options_.folder.string(), patches_count_, images_.size()));
  summary_.images = std::ssize(images_);
  summary_.patches = patches_count_;
  all_described_.reset();
  std::filesystem::remove(folder_.path() / kDescribed);
  for (NpyWriter* writer : {&patches_, &lists_, &candidates_, &measures_}) writer->finish();
  write_tables();
  summary_.content_hash = hash_.text();
  write_manifest(source);
  folder_.commit();
  return summary_;
}

}  // namespace twinpatch::dataset
