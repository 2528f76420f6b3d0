// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "cases.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "twinpatch/core/split_mix.hpp"
#include "twinpatch/engine/engine.hpp"
#include "twinpatch/formats/npy.hpp"
#include "twinpatch/net/model.hpp"
#include "twinpatch/patches/patch_set.hpp"

// Rates are of the public interface. Weights are random (speed does not depend on them), so are patches and
// descriptors. Grids and lists start from rows that lie on the device and end with results on the host; towers start
// from patches in host memory.

namespace twinpatch::bench {
namespace {

PatchSet make_patches(std::int64_t count, std::uint64_t seed) {
  PatchSet patches(count, 64, 64);
  SplitMix64 random(seed);
  for (std::int64_t i = 0; i < count; ++i) {
    std::uint8_t* pixels = patches.mutable_patch(i);
    for (int p = 0; p < 64 * 64; p += 8) {
      const std::uint64_t bits = random.next();
      for (int b = 0; b < 8; ++b) pixels[p + b] = static_cast<std::uint8_t>(bits >> (8 * b));
    }
  }
  return patches;
}

Matrix make_descriptors(std::int64_t count, std::int64_t size, std::uint64_t seed) {
  Matrix matrix(count, size);
  SplitMix64 random(seed);
  for (std::int64_t i = 0; i < count * size; ++i) {
    matrix.data()[i] = static_cast<float>(static_cast<double>(random.next() >> 40) * 0x1p-24);
  }
  return matrix;
}

std::unique_ptr<Backend> open(const CaseOptions& options, std::string& why) {
  return select_backend(options.execution, why);
}

std::shared_ptr<const Model> model_of(const char* name) {
  return std::make_shared<const Model>(random_model(network(name), 1));
}

void tower(const CaseOptions& options, Measure& measure) {
  const std::int64_t count = options.tiny ? 48 : 131072;
  std::string why;
  const auto backend = open(options, why);
  const auto branch = backend->make_branch(model_of("siam"));
  const PatchSet patches = make_patches(count, 1);
  measure.unit = "patches";
  measure.count = count;
  time_runs(measure, *backend, options.seconds, 3, [&] { (void)branch->rows(patches.view(), Side::left); });
}

void list(const CaseOptions& options, Measure& measure) {
  const std::int64_t patches_a_side = options.tiny ? 24 : 16384;
  const std::int64_t count = options.tiny ? 64 : 262144;
  std::string why;
  const auto backend = open(options, why);
  const auto model = model_of("2ch");
  const auto branch = backend->make_branch(model);
  const auto left = branch->rows(make_patches(patches_a_side, 2).view(), Side::left);
  const auto right = branch->rows(make_patches(patches_a_side, 3).view(), Side::right);
  const auto scorer = backend->make_scorer(model);
  std::vector<IndexPair> pairs;
  SplitMix64 random(4);
  for (std::int64_t i = 0; i < count; ++i) {
    const auto side = static_cast<std::uint64_t>(patches_a_side);
    pairs.push_back({static_cast<std::int32_t>(random.next() % side), static_cast<std::int32_t>(random.next() % side)});
  }
  std::vector<float> scores(pairs.size());
  measure.unit = "pairs";
  measure.count = count;
  time_runs(measure, *backend, options.seconds, 3, [&] { scorer->score_list(*left, *right, pairs, scores); });
}

/// Blocks of rows that stay on the device, in the tiles the backend asks for.
struct Blocks {
  std::vector<std::shared_ptr<const Rows>> rows;
  std::vector<std::int64_t> begins;
};

Blocks make_blocks(std::int64_t size, std::int64_t tile,
                   const std::function<std::shared_ptr<const Rows>(std::int64_t, std::int64_t)>& make) {
  Blocks blocks;
  for (std::int64_t begin = 0; begin < size; begin += tile) {
    blocks.begins.push_back(begin);
    blocks.rows.push_back(make(begin, std::min(tile, size - begin)));
  }
  return blocks;
}

/// Both sides of a grid on a device, and what scores them.
struct GridWork {
  Backend& backend;
  PairScorer& scorer;
  std::int64_t side;
  const Blocks& left;
  const Blocks& right;
};

/// Every left block against every right block: the best of each row and of each column.
void time_grid(const CaseOptions& options, Measure& measure, const GridWork& work) {
  measure.unit = "pairs";
  measure.count = work.side * work.side;
  time_runs(measure, work.backend, options.seconds, 3, [&] {
    const Blocks& left = work.left;
    const Blocks& right = work.right;
    const auto selection =
        work.backend.make_selection({.rows = work.side, .columns = work.side, .top_k = 1, .column_best = true});
    for (std::size_t i = 0; i < left.rows.size(); ++i) {
      for (std::size_t j = 0; j < right.rows.size(); ++j) {
        work.scorer.score_tile({left.rows[i].get(), left.begins[i]}, {right.rows[j].get(), right.begins[j]},
                               *selection);
      }
    }
    (void)selection->read();
  });
}

void descriptor_grid(const CaseOptions& options, Measure& measure, const char* name, std::int64_t side) {
  std::string why;
  const auto backend = open(options, why);
  const auto model = model_of(name);
  const auto branch = backend->make_branch(model);
  const auto scorer = backend->make_scorer(model);
  const auto tile = backend->tile_size(*model, 64, 64);
  const Matrix descriptors = make_descriptors(side, branch->descriptor_size(), 5);
  const auto make = [&](Side which) {
    return [&, which](std::int64_t begin, std::int64_t count) {
      return branch->rows(descriptors.view().slice(begin, count), which);
    };
  };
  const Blocks left = make_blocks(side, tile.rows, make(Side::left));
  const Blocks right = make_blocks(side, tile.columns, make(Side::right));
  time_grid(options, measure, {*backend, *scorer, side, left, right});
}

void head_grid(const CaseOptions& options, Measure& measure) {
  descriptor_grid(options, measure, "siam", options.tiny ? 70 : 65536);
}

void l1_grid(const CaseOptions& options, Measure& measure) {
  descriptor_grid(options, measure, "chopra-2005", options.tiny ? 70 : 65536);
}

void l2_grid(const CaseOptions& options, Measure& measure) {
  descriptor_grid(options, measure, "siam-l2", options.tiny ? 70 : 131072);
}

/// A prime number of rows: no tile is full at the end, no row begins where vector loads like it.
void l2_odd(const CaseOptions& options, Measure& measure) {
  descriptor_grid(options, measure, "siam-l2", options.tiny ? 67 : 99991);
}

/// Image pairs of a collection: one image against 25 others at once, the best two of each row in each of them (what a
/// ratio test needs) and the best of each column. Rows stay on the device, as between the images of a block.
void l2_batch(const CaseOptions& options, Measure& measure) {
  const std::int64_t keypoints = options.tiny ? 40 : 4096;
  const std::size_t images = options.tiny ? 3 : 25;
  std::string why;
  auto opened = open(options, why);
  const Backend& backend = *opened;
  Engine engine(random_model(network("siam-l2"), 1), std::move(opened), options.execution);
  const auto rows = [&](Side side, std::uint64_t seed) {
    return engine.rows(make_descriptors(keypoints, engine.descriptor_size(), seed).view(), side);
  };
  const RowChunks left = rows(Side::left, 8);
  std::vector<RowChunks> chunks;
  for (std::size_t image = 0; image < images; ++image) chunks.push_back(rows(Side::right, 9 + image));
  const std::vector<GridSide> rights(chunks.begin(), chunks.end());
  measure.unit = "pairs";
  measure.count = keypoints * keypoints * static_cast<std::int64_t>(images);
  time_runs(measure, backend, options.seconds, 3,
            [&] { (void)engine.grid(left, rights, {.top_k = 2, .column_best = true}); });
}

void two_channel_grid(const CaseOptions& options, Measure& measure) {
  const std::int64_t side = options.tiny ? 9 : 1024;
  std::string why;
  const auto backend = open(options, why);
  const auto model = model_of("2ch");
  const auto branch = backend->make_branch(model);
  const auto scorer = backend->make_scorer(model);
  const auto tile = backend->tile_size(*model, 64, 64);
  const PatchSet patches = make_patches(side, 6);
  const auto make = [&](Side which) {
    return [&, which](std::int64_t begin, std::int64_t count) {
      return branch->rows(patches.view().slice(begin, count), which);
    };
  };
  const Blocks left = make_blocks(side, tile.rows, make(Side::left));
  const Blocks right = make_blocks(side, tile.columns, make(Side::right));
  time_grid(options, measure, {*backend, *scorer, side, left, right});
}

/// A file of patches, gone at the end.
struct PatchFile {
  explicit PatchFile(const std::filesystem::path& folder, const PatchSet& patches)
      : path(folder / fmt::format("twinpatch-bench-{}.npy", ::getpid())) {
    const PatchView view = patches.view();
    write_npy(path,
              std::span(static_cast<const std::uint8_t*>(view.pixels),
                        static_cast<std::size_t>(view.count * view.patch_bytes())),
              {view.count, view.height, view.width});
  }
  ~PatchFile() {
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
  }
  PatchFile(const PatchFile&) = delete;             // owns the file
  PatchFile& operator=(const PatchFile&) = delete;  // likewise
  std::filesystem::path path;
};

/// From a file on disk (its pages in the system's cache) to the mutual best matches: reading, towers, grid, selection.
void end_to_end(const CaseOptions& options, Measure& measure) {
  const std::int64_t count = options.tiny ? 40 : 65536;
  const PatchFile file(options.folder, make_patches(count, 7));
  std::string why;
  auto opened = open(options, why);
  const Backend& backend = *opened;
  Engine engine(random_model(network("siam"), 1), std::move(opened), options.execution);
  measure.unit = "patches";
  measure.count = 2 * count;
  time_runs(measure, backend, options.seconds, 3, [&] {
    const PatchSet left = read_npy_patches(file.path, false);
    const PatchSet right = read_npy_patches(file.path, false);
    (void)engine.grid(left, right, {.top_k = 1, .column_best = true});
  });
}

/// Windows of 12 σ with σ from 1.6 to 12 pixels, small ones more often, as bench/cut_patches.cpp has them.
std::vector<PatchWindow> make_windows(std::int64_t count, int width, int height, int levels) {
  SplitMix64 random(9);
  const auto unit = [&] { return static_cast<double>(random.next() >> 11) * 0x1p-53; };
  std::vector<PatchWindow> windows;
  for (std::int64_t i = 0; i < count; ++i) {
    const double step = std::exp(0.5 + 2 * unit()) * 12 / 64;
    const double level = std::clamp(std::log2(step), 0.0, levels - 1.0);
    const double angle = 6.28 * unit();
    const double x = unit() * width;
    const double y = unit() * height;
    const auto in_level = [&](int l) {
      const double scale = std::ldexp(1.0, -l);
      const double xc = scale * step * std::cos(angle);
      const double yc = scale * step * std::sin(angle);
      return LevelWindow{static_cast<float>(-31.5 * (xc - yc)),
                         static_cast<float>(-31.5 * (yc + xc)),
                         static_cast<float>(xc),
                         static_cast<float>(yc),
                         static_cast<float>(-yc),
                         static_cast<float>(xc),
                         static_cast<std::int32_t>(x * scale),
                         static_cast<std::int32_t>(y * scale)};
    };
    const int fine = static_cast<int>(level);
    windows.push_back(
        {in_level(fine), in_level(std::min(fine + 1, levels - 1)), static_cast<float>(level - fine), fine});
  }
  return windows;
}

/// From a photograph in host memory to descriptors there: patches cut on the device; where it does not cut, as many
/// patches that are cut already.
void photograph(const CaseOptions& options, Measure& measure) {
  const std::int64_t count = options.tiny ? 40 : 16384;
  const int width = options.tiny ? 96 : 4000;
  const int height = options.tiny ? 72 : 3000;
  constexpr int kLevels = 3;
  std::string why;
  auto opened = open(options, why);
  const Backend& backend = *opened;
  Engine engine(random_model(network("siam"), 1), std::move(opened), options.execution);
  const PatchSet pixels = make_patches(std::int64_t{width} * height / (64 * 64) + 1, 8);
  const PatchSet patches = make_patches(engine.cuts_patches() ? 0 : count, 1);
  const std::vector<PatchWindow> windows = make_windows(count, width, height, kLevels);
  measure.unit = "patches";
  measure.count = count;
  time_runs(measure, backend, options.seconds, 3, [&] {
    if (!engine.cuts_patches()) {
      (void)engine.describe(patches.view());
      return;
    }
    (void)engine.describe(
        PhotographView{static_cast<const std::uint8_t*>(pixels.view().pixels), width, height, windows, kLevels, 64});
  });
}

using Case = void (*)(const CaseOptions&, Measure&);
const std::vector<std::pair<std::string, Case>>& cases() {
  static const std::vector<std::pair<std::string, Case>> all = {
      {"tower", &tower},           {"list", &list},
      {"head_grid", &head_grid},   {"l2_grid", &l2_grid},
      {"l1_grid", &l1_grid},       {"l2_odd", &l2_odd},
      {"l2_batch", &l2_batch},     {"two_channel_grid", &two_channel_grid},
      {"end_to_end", &end_to_end}, {"photograph", &photograph}};
  return all;
}

}  // namespace

const std::vector<std::string>& case_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> result;
    for (const auto& [name, run] : cases()) result.push_back(name);
    return result;
  }();
  return names;
}

Measure run_case(const std::string& name, const CaseOptions& options) {
  Measure measure;
  measure.name = name;
  measure.precision = to_string(options.execution.precision);
  measure.kernels = to_string(options.execution.kernels);
  for (const auto& [known, run] : cases()) {
    if (known != name) continue;
    try {
      run(options, measure);
    } catch (const DeviceError& error) {
      measure.seconds.clear();
      measure.skipped = error.what();
    }
    return measure;
  }
  throw InvalidArgument(fmt::format("no case '{}'", name));
}

}  // namespace twinpatch::bench
