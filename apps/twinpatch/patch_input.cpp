// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/twinpatch/patch_input.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <fstream>
#include "apps/frame/options.hpp"

#include "apps/frame/run_options.hpp"
#include "twinpatch/vision/image_sequence.hpp"
#include "twinpatch/vision/patch_collections.hpp"

namespace twinpatch::app {
namespace {

namespace fs = std::filesystem;

bool is_npy(const fs::path& path) {
  if (path.extension() == ".npy") return true;  // even if its content says otherwise: the reader explains
  std::ifstream file(path, std::ios::binary);
  char magic[6] = {};
  return file.read(magic, sizeof(magic)) && std::string_view(magic, sizeof(magic)) == "\x93NUMPY";
}

InputKind folder_kind(const fs::path& path) {
  if (is_photo_tour(path)) return InputKind::photo_tour;
  if (is_hpatches(path)) return InputKind::hpatches;
  if (!image_sequences(path).empty()) return InputKind::image_sequence;
  throw InvalidArgument(fmt::format(
      "{}: expected a PhotoTour folder (info.txt and patches0000.bmp, .png or patches.npy), HPatches sequences "
      "(ref.png, e1.png, ...) or image sequences (img1.pgm, img2.pgm, ... and H1to2p, ...), found none",
      path.string()));
}

bool fits(const NetworkSpec& spec, const PatchView& view) {
  return !spec.input || (view.height == spec.input->height && view.width == spec.input->width);
}

/// `patches` at the network's size.
PatchSet fitted(Session& session, PatchSet patches, const NetworkSpec& spec, const std::string& path) {
  const PatchView view = patches.view();
  if (fits(spec, view)) return patches;
  if (spec.input->height != spec.input->width) {
    throw ShapeError(fmt::format("{}: patches are {}x{}, but {} takes {}x{}: only square patches can be resized", path,
                                 view.height, view.width, spec.name, spec.input->height, spec.input->width));
  }
  session.detail("{}: patches of {}x{} resized to {}x{}", path, view.height, view.width, spec.input->height,
                 spec.input->width);
  return resize_patches(view, spec.input->height);
}

void check_size(const NetworkSpec& spec, const PatchView& view, const std::string& path) {
  if (fits(spec, view)) return;
  throw ShapeError(fmt::format("{}: patches are {}x{}, but {} takes {}x{} (use --resize)", path, view.height,
                               view.width, spec.name, spec.input->height, spec.input->width));
}

void visit_sequence(Session& session, const fs::path& folder, const NetworkSpec& spec, const PatchVisitor& visit) {
  HPatchesSequence sequence = read_hpatches_sequence(folder);
  for (std::size_t i = 0; i < sequence.strips.size(); ++i) {
    visit({folder.string(), sequence.name + "/" + sequence.strips[i],
           fitted(session, std::move(sequence.patches[i]), spec, folder.string())});
  }
}

PatchSet read_array(Session& session, const fs::path& path, const NetworkSpec& spec, const PatchReading& reading) {
  PatchSet patches = read_npy_patches(path, reading.raw);
  if (!reading.resize) check_size(spec, patches.view(), path.string());
  if (reading.resize && patches.view().type != PixelType::u8) {
    throw InvalidArgument(path.string() + ": --resize works on uint8 patches, found float32");
  }
  return reading.resize ? fitted(session, std::move(patches), spec, path.string()) : std::move(patches);
}

}  // namespace

void add_reading_options(Options& app, PatchReading& reading) {
  app.add_flag("--raw", reading.raw, "arrays are float32 and fed to the network unchanged")->group(kMainGroup);
  app.add_flag("--resize", reading.resize, "resize arrays of another patch size to the network's")->group(kMainGroup);
}

InputKind input_kind(const fs::path& path) {
  std::error_code failed;
  const auto status = fs::status(path, failed);
  if (!fs::exists(status)) throw IoError(path.string(), "cannot open", ENOENT);
  if (fs::is_directory(status)) return folder_kind(path);
  return is_npy(path) ? InputKind::npy : InputKind::image;
}

void visit_patches(Session& session, const fs::path& path, const NetworkSpec& spec, const PatchReading& reading,
                   const PatchVisitor& visit) {
  switch (input_kind(path)) {
    case InputKind::npy:
      return visit({path.string(), "", read_array(session, path, spec, reading)});
    case InputKind::photo_tour:
      return visit({path.string(), "", fitted(session, std::move(read_photo_tour(path).patches), spec, path.string())});
    case InputKind::hpatches:
      for (const auto& strip : missing_hpatches_strips(path)) session.warn("{}: {} is missing", path.string(), strip);
      for (const auto& folder : hpatches_sequences(path)) visit_sequence(session, folder, spec, visit);
      return;
    case InputKind::image_sequence:
    case InputKind::image:
      break;
  }
  throw InvalidArgument(
      path.string() + ": expected patches (.npy, PhotoTour folder or HPatches sequence), found another kind of input");
}

PatchSet read_one_patch_set(Session& session, const fs::path& path, const NetworkSpec& spec,
                            const PatchReading& reading) {
  if (input_kind(path) == InputKind::hpatches) {
    throw InvalidArgument(path.string() +
                          ": expected one set of patches (.npy or PhotoTour folder), found HPatches strips");
  }
  PatchSet patches;
  visit_patches(session, path, spec, reading, [&](PatchInput input) { patches = std::move(input.patches); });
  return patches;
}

std::optional<NpyArray> read_descriptors(const fs::path& path) {
  NpyArray array = read_npy(path);
  if (array.shape().size() != 2) return std::nullopt;
  const auto values = array.values<float>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) continue;
    const auto columns = static_cast<std::size_t>(array.shape()[1]);
    throw InvalidArgument(fmt::format("{}: descriptor {} has a value that is not finite (column {})", path.string(),
                                      i / columns, i % columns));
  }
  return array;
}

}  // namespace twinpatch::app
