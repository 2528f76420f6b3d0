// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "apps/frame/session.hpp"
#include "twinpatch/formats/npy.hpp"
#include "twinpatch/net/spec.hpp"
#include "twinpatch/patches/patch_set.hpp"

namespace twinpatch::app {

class Options;

/// What kind of thing a path given as input is. Files are told apart by content, folders by what lies in them.
enum class InputKind { npy, photo_tour, hpatches, image_sequence, image };
/// Throws IoError where nothing is there, InvalidArgument for a folder of neither kind.
[[nodiscard]] InputKind input_kind(const std::filesystem::path& path);

struct PatchReading {
  bool raw = false;     ///< .npy of float32, fed to the network as it is
  bool resize = false;  ///< .npy of another patch size than the network's: resize, do not refuse
};

/// --raw and --resize.
void add_reading_options(Options& app, PatchReading& reading);

/// Patches of one place: the whole of an array or PhotoTour folder, one strip of an HPatches sequence.
struct PatchInput {
  std::string path;
  std::string part;  ///< "v_graffiti/e1" of an HPatches folder; else empty
  PatchSet patches;
};

/// Reads patches, one set a part, and hands them out one after the other, so that only one set is in memory. At the
/// network's size: PhotoTour and HPatches patches are resized where the network takes another one, arrays only if asked
/// to. Images are not read here (see photograph.hpp).
using PatchVisitor = std::function<void(PatchInput)>;
void visit_patches(Session& session, const std::filesystem::path& path, const NetworkSpec& spec,
                   const PatchReading& reading, const PatchVisitor& visit);

/// The patches of an input that is one set: an array or a PhotoTour folder.
[[nodiscard]] PatchSet read_one_patch_set(Session& session, const std::filesystem::path& path, const NetworkSpec& spec,
                                          const PatchReading& reading);

/// Descriptors float32 [N,D] of an array; nothing if the array is not of rank two. Throws FormatError for another type
/// or a value that is not finite.
[[nodiscard]] std::optional<NpyArray> read_descriptors(const std::filesystem::path& path);

}  // namespace twinpatch::app
