// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "apps/frame/command.hpp"
#include "apps/frame/session.hpp"
#include "twinpatch/collection/run.hpp"

namespace twinpatch::app {

/// What --pairs says.
struct PairChoice {
  enum class Kind : std::uint8_t { exhaustive, sequential, retrieval, list };
  Kind kind = Kind::exhaustive;
  int neighbours = 0;  ///< N of sequential:N and retrieval:N
  std::string text = "exhaustive";

  /// Throws UsageError for what is no such choice and no file either.
  [[nodiscard]] static PairChoice parse(const std::string& text);
  /// Empty for other choices than a list.
  [[nodiscard]] std::filesystem::path list_path() const { return kind == Kind::list ? text : ""; }
};

/// The images that pairs are chosen among, and what a list says about them.
struct PairCandidates {
  PairChoice choice;
  std::vector<std::string> names;    ///< of the images, in their order in the collection
  std::vector<ImagePair> listed;     ///< of a list: places in `names`
  std::vector<std::string> unknown;  ///< names in a list that no image has

  /// Partial where a list could not be taken as a whole.
  [[nodiscard]] ExitCode exit_code() const { return unknown.empty() ? ExitCode::done : ExitCode::partial; }
};
/// Reads the list where there is one; warns of what is left out of it. Throws IoError, FormatError.
[[nodiscard]] PairCandidates read_candidates(Session& session, const PairChoice& choice,
                                             std::vector<std::string> names);
/// Leaves out the images that no pair of a list names, so that they need not be there.
void keep_listed_images(PairCandidates& candidates);

/// What finds similar images: descriptors of their patches.
struct Retrieval {
  Engine& engine;
  const ImageSource& source;
  DescriptorFolder descriptors;
  int threads = 0;  ///< as --threads
};
/// The pairs that are chosen; only retrieval:N looks at the images. Throws InvalidArgument where a network without
/// descriptors is to find similar images.
[[nodiscard]] PairSelection select_pairs(Session& session, const PairCandidates& candidates,
                                         const Retrieval& retrieval);

}  // namespace twinpatch::app
