// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "candidate_writer.hpp"
#include "photograph_views.hpp"
#include "sequence.hpp"
#include "source_json.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch {

using dataset::CandidateWriter;
using dataset::Json;
using dataset::KnownPair;
using dataset::View;

namespace {

/// Images in groups, within which every two are views of one thing.
class ViewGroups {
 public:
  ViewGroups(const CandidateOptions& options, const CandidateFinder& finder)
      : options_(options), finder_(finder), writer_(options, finder) {}

  void add(const std::vector<View>& views) {
    Group group;
    for (const View& view : views) {
      const auto keypoints =
          detect_keypoints(view.image, {.max_keypoints = options_.max_keypoints, .image = view.name}, finder_.pool);
      group.push_back({writer_.add_image(view.name, view.image, keypoints), view.from_first});
    }
    groups_.push_back(std::move(group));
  }

  CandidateSummary finish(const Json& source) {
    finder_.control.begin("compare", std::ssize(groups_), "groups of images");
    for (const Group& group : groups_) {
      for (std::size_t i = 0; i < group.size(); ++i)
        for (std::size_t j = i + 1; j < group.size(); ++j) {
          finder_.control.check();
          writer_.add_pair(known_pair(group[i], group[j]));
        }
      finder_.control.advance(1);
    }
    finder_.control.end();
    return writer_.finish(source);
  }

 private:
  struct Placed {
    int image = 0;
    Homography from_first;
  };
  using Group = std::vector<Placed>;

  static KnownPair known_pair(const Placed& left, const Placed& right) {
    const auto carry_by = [](const Homography& homography) {
      return
          [homography](const Keypoint& keypoint, std::int64_t /*index*/) { return carry_over(keypoint, homography); };
    };
    return {left.image, right.image, carry_by(product(right.from_first, inverse(left.from_first))),
            carry_by(product(left.from_first, inverse(right.from_first)))};
  }

  const CandidateOptions& options_;
  const CandidateFinder& finder_;
  CandidateWriter writer_;
  std::vector<Group> groups_;
};

}  // namespace

CandidateSummary candidates_from_homographies(const CandidateOptions& options,
                                              const std::vector<std::filesystem::path>& folders,
                                              const CandidateFinder& finder) {
  if (folders.empty()) throw InvalidArgument("expected a folder with a sequence, found none");
  ViewGroups groups(options, finder);
  Json inputs = Json::array();
  finder.control.begin("describe", std::ssize(folders), "sequences");
  for (const std::filesystem::path& folder : folders) {
    finder.control.check();
    groups.add(dataset::read_views(folder, inputs));
    finder.control.advance(1);
  }
  finder.control.end();
  return groups.finish({{"kind", "homographies"}, {"inputs", inputs}});
}

CandidateSummary candidates_from_photographs(const CandidateOptions& options, const PhotographViews& photographs,
                                             const CandidateFinder& finder) {
  dataset::check_views(photographs.paths, photographs.warp);
  std::vector<LeftOutInput> left_out;
  const auto files = dataset::find_photographs(photographs.paths, left_out);
  ViewGroups groups(options, finder);
  Json inputs = Json::array();
  finder.control.begin("describe", std::ssize(files), "photographs");
  for (const auto& file : files) {
    finder.control.check();
    finder.control.advance(1);
    auto image = dataset::read_photograph(file, photographs.max_side, left_out);
    if (!image) continue;
    inputs.push_back({{"name", file.name}, {"width", image->width()}, {"height", image->height()}});
    auto random = dataset::Random::part(options.seed, file.name);
    groups.add(dataset::make_views(file.name, std::move(*image), photographs.warp, random));
  }
  finder.control.end();
  if (inputs.empty()) dataset::throw_without_photographs(photographs.paths, files.size(), left_out);
  CandidateSummary summary = groups.finish({{"kind", "photographs"},
                                            {"warp_options", dataset::to_json(photographs.warp, photographs.max_side)},
                                            {"inputs", inputs},
                                            {"left_out", dataset::to_json(left_out)}});
  summary.left_out = std::move(left_out);
  return summary;
}

}  // namespace twinpatch
