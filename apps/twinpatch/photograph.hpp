// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "apps/frame/session.hpp"
#include "twinpatch/core/thread_pool.hpp"
#include "twinpatch/engine/engine.hpp"
#include "twinpatch/net/model.hpp"
#include "twinpatch/vision/cut_patches.hpp"

namespace twinpatch::app {

class Options;

/// From a photograph to patches.
struct PhotographOptions {
  int max_keypoints = 2000;
  std::optional<float> extent;  ///< side of the window in σ; nothing: the model's
  std::string extent_from;      ///< or the preset it is taken from
  bool upright = false;
  bool affine = false;     ///< CutOptions::affine
  bool stretch = false;    ///< Levels::stretched
  float pixel_origin = 0;  ///< coordinate of the first pixel's centre, in and out: 0 (OpenCV) or 0.5 (COLMAP)

  void validate() const;
};
void add_photograph_options(Options& app, PhotographOptions& options);
/// The same without --pixel-origin, for commands whose keypoints come with a convention of their own.
void add_patch_options(Options& app, PhotographOptions& options);
/// --affine, for commands whose keypoints may have shapes.
void add_affine_option(Options& app, PhotographOptions& options);
/// Square patches as the network takes them, 64 wide where it takes any, of the window that the model was trained on
/// unless the options give one. Throws ShapeError for a network that takes others, InvalidArgument for a model that
/// gives no number.
[[nodiscard]] CutOptions cut_options(const PhotographOptions& options, const Model& model);
/// Said in the help of every command that reads or writes coordinates.
extern const char* const kPixelConvention;

/// Says why a photograph may have none: values of 10 or 12 bits in 16 are almost black.
void explain_no_keypoints(Session& session, const std::filesystem::path& path, const GrayImage& image);

/// "a.jpg", "b.jpg" and 17 more: enough to see what they have in common.
[[nodiscard]] std::string quoted_names(const std::vector<std::string>& names);
/// Throws IoError naming the images that are not in the folder, but for those in `leave_out`.
void check_photographs(const std::filesystem::path& folder, const std::vector<std::string>& names,
                       const std::vector<std::string>& leave_out);

/// Files of one photograph.
struct PhotographFiles {
  std::filesystem::path image;
  std::filesystem::path keypoints;  ///< empty: they are detected
};

struct Photograph {
  std::string path;
  int width = 0;
  int height = 0;
  std::vector<Keypoint> keypoints;  ///< library convention: the first pixel's centre is (0.5, 0.5)
  PatchSet patches;                 ///< row i belongs to keypoint i; none where the device cuts them
  GrayImage pixels;                 ///< likewise only there, with what is to be cut
  PatchWindows cuts;
  int side = 0;  ///< of a patch, in pixels
};
/// On the engine's device, cut there or from the patches.
[[nodiscard]] RowChunks rows_of(Engine& engine, const Photograph& photograph, Side which, const RunControl& control);

/// What detecting and cutting may use.
struct Workers {
  ThreadPool& pool;
  std::int64_t memory = 0;   ///< DetectOptions::memory
  bool device_cuts = false;  ///< Engine::cuts_patches(), and nobody needs the patches themselves
};

/// Decodes, detects (or reads the keypoints), cuts (or finds where to cut). A photograph without keypoints gives a
/// warning and an empty set.
[[nodiscard]] Photograph read_photograph(Session& session, const PhotographFiles& files, const Model& model,
                                         const PhotographOptions& options, Workers workers);

}  // namespace twinpatch::app
