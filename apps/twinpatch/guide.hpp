// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/frame/session.hpp"
#include "twinpatch/sfm/geometric_early_exit.hpp"

namespace twinpatch::app {

class Options;

/// What --guided and --band say.
struct GuideChoice {
  enum class Kind { none, matches, database, poses };
  Kind kind = Kind::none;
  std::string model;  ///< folder of the poses
  double band = 2;    ///< pixels

  /// Throws UsageError.
  void validate() const;
};
void add_guide_options(Options& app, GuideChoice& choice);
/// Throws UsageError for a guide that only a command with a database has.
void refuse_database_guide(const GuideChoice& choice);

/// The images that are matched, and what guides them.
struct GuideInput {
  std::vector<std::string> names;
  GuideSource source;
  GuideOptions options{};
  std::function<KnownGeometry()> database{};  ///< its geometries; empty: there is no database
  bool paths = false;                         ///< names are paths, which end with the names of a model's images
  /// Width and height of an image; empty: those of its camera in the source, if that has one.
  std::function<std::pair<int, int>(const std::string& name)> size{};
};
/// The guide that was asked for, or null. Says how many of the images have no known pose. Throws what known_poses()
/// does, UsageError for a database where there is none, and InvalidArgument for a model of other images: none of these,
/// or of another size than their cameras here.
[[nodiscard]] std::unique_ptr<MatchGuide> make_guide(Session& session, const GuideChoice& choice, GuideInput input);

/// The early exit that was asked for, with a sample of so many keypoints; null for none.
[[nodiscard]] std::unique_ptr<EarlyExit> make_early_exit(Session& session, const std::optional<std::int64_t>& keypoints,
                                                         const GuideInput& input);

}  // namespace twinpatch::app
