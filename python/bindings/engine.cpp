// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/engine/engine.hpp"

#include <fmt/format.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "arrays.hpp"
#include "bindings.hpp"
#include "call.hpp"

namespace twinpatch::python {
namespace {

constexpr float kNoThreshold = -std::numeric_limits<float>::infinity();

/// What a grid kept, as arrays.
struct Grid {
  nb::object indices, scores, column_indices, column_scores;
};

/// Matches as arrays.
struct Matches {
  nb::object indices, scores;
  std::size_t size = 0;
};

Side side_of(const std::string& name) {
  if (name == "left") return Side::left;
  if (name == "right") return Side::right;
  throw InvalidArgument(fmt::format("side: expected \"left\" or \"right\", found \"{}\"", name));
}

Model model_of(const nb::object& model) {
  if (nb::isinstance<Model>(model)) return nb::cast<const Model&>(model);
  return nb::cast<Model>(nb::type<Model>()(model));
}

struct Settings {
  std::string device, precision;
  int threads;
  std::int64_t memory, batch;
};

Engine make_engine(const nb::object& model, const Settings& settings) {
  const ExecutionOptions options{.device = settings.device,
                                 .precision = parse_precision(settings.precision),
                                 .threads = settings.threads,
                                 .memory = settings.memory,
                                 .batch = settings.batch};
  options.validate();
  Model loaded = model_of(model);
  const nb::gil_scoped_release release;
  return {std::move(loaded), options};
}

/// One side of a grid, and the array that it looks at.
struct Input {
  Array array;
  GridSide side;
};

Input input_of(const Engine& engine, const nb::object& object, const char* name) {
  Array array = array_of(object, name, engine.cuda_device());
  const GridSide side = is_matrix(array) ? GridSide(descriptors_of(array)) : GridSide(patches_of(array));
  return {std::move(array), side};
}

nb::object describe(Engine& engine, const nb::object& patches, const std::string& side, nb::object progress) {
  Array array = array_of(patches, "patches", engine.cuda_device());
  const PatchView view = patches_of(array);
  const Side which = side_of(side);
  return numpy_array(run_interruptibly(
      std::move(progress), [&](const RunControl& control) { return engine.describe(view, which, control); }));
}

nb::object score(Engine& engine, const nb::object& patches, const nb::object& pairs, const nb::object& right,
                 nb::object progress) {
  // On the host: the patches that pairs mention are gathered there.
  const std::optional<int> cuda = engine.cuda_device();
  Array array = host_array_of(patches, "patches", cuda);
  const PatchView view = patches_of(array);
  const std::vector<IndexPair> listed = pairs_of(host_array_of(pairs, "pairs", cuda));
  std::optional<Array> right_array;
  if (!right.is_none()) right_array = host_array_of(right, "right", cuda);
  const std::optional<PatchView> right_view = right_array ? std::optional(patches_of(*right_array)) : std::nullopt;
  check_pairs(listed, view.count, right_view.value_or(view).count, "pairs");
  auto scores = run_interruptibly(std::move(progress), [&](const RunControl& control) {
    return right_view ? engine.score(view, *right_view, listed, control) : engine.score(view, listed, control);
  });
  return numpy_array_of<float>(std::move(scores));
}

Grid grid(Engine& engine, const nb::object& left, const nb::object& right, const GridOptions& options,
          nb::object progress) {
  const Input rows = input_of(engine, left, "left");
  const Input columns = input_of(engine, right, "right");
  Selected selected = run_interruptibly(std::move(progress), [&](const RunControl& control) {
    return engine.grid(rows.side, columns.side, options, control);
  });
  const auto count = static_cast<std::size_t>(selected.rows);
  const auto across = static_cast<std::size_t>(selected.columns);
  const auto best = static_cast<std::size_t>(selected.top_k);
  Grid result{numpy_array(std::move(selected.indices), {count, best}),
              numpy_array(std::move(selected.scores), {count, best}), nb::none(), nb::none()};
  if (options.column_best) {
    result.column_indices = numpy_array(std::move(selected.column_indices), {across});
    result.column_scores = numpy_array(std::move(selected.column_scores), {across});
  }
  return result;
}

nb::object scores(Engine& engine, const nb::object& left, const nb::object& right, nb::object progress) {
  const Input rows = input_of(engine, left, "left");
  const Input columns = input_of(engine, right, "right");
  Matrix result(rows.side.size(), columns.side.size());
  run_interruptibly(std::move(progress), [&](const RunControl& control) {
    const auto keep = [&](std::int64_t row, std::int64_t column, MatrixView tile) {
      for (std::int64_t i = 0; i < tile.rows; ++i) {
        std::ranges::copy(tile.row(i), result.row(row + i).subspan(static_cast<std::size_t>(column)).begin());
      }
    };
    engine.grid(rows.side, columns.side, keep, control);
  });
  return numpy_array(std::move(result));
}

/// The two columns of indices and the scores, each without gaps.
Matches as_arrays(const std::vector<Match>& matches) {
  std::vector<IndexPair> indices;
  std::vector<float> scores;
  indices.reserve(matches.size());
  scores.reserve(matches.size());
  for (const Match& match : matches) {
    indices.push_back({match.left, match.right});
    scores.push_back(match.score);
  }
  return {numpy_array_of<std::int32_t>(std::move(indices), 2), numpy_array_of<float>(std::move(scores)),
          matches.size()};
}

Matches match(Engine& engine, const nb::object& left, const nb::object& right, const MatchRules& rules,
              nb::object progress) {
  const Input rows = input_of(engine, left, "left");
  const Input columns = input_of(engine, right, "right");
  return as_arrays(run_interruptibly(std::move(progress), [&](const RunControl& control) {
    return engine.match(rows.side, columns.side, rules, control);
  }));
}

std::string representation(const Engine& engine) {
  return fmt::format("<twinpatch.Engine {} on {}>", engine.spec().name, engine.device());
}

constexpr const char* kEngine = R"(A model on a device.

model: a Model, or the name or path of one.
device: "auto" (CUDA where there is a usable device, else the CPU), "cpu", "cuda", "cuda:0", "cuda:0,1".
precision: "fp32", "tf32", "fp16", "bf16" or "int8", if the device supports it.
threads: of the host; 0: all available.
memory: bound in bytes on what a call takes on the device; 0: chosen.
batch: patches or pairs per pass through the network; 0: chosen.

Several threads may use one engine: calls take turns on the device, and results do not depend on who else calls. The
interpreter's lock is released while a call runs. Ctrl-C stops a call at its next clean point; the engine can be used
again. Arrays may be NumPy's, or anything with DLPack (tensors of PyTorch), the buffer protocol or __array_interface__, in
C order. They are read where they lie: in the host's memory or, where the engine is on a CUDA device, in that device's.
Float32 patches and the arrays of score() are brought from there to the host first.

Calls take `progress`: a function that is called with (stage, done, total, unit) about ten times a second, such as print;
total is None where it is unknown. What it raises stops the call.

Raises DeviceError where the device does not exist or does not support the precision; InvalidArgument. Calls raise
ShapeError for patches or descriptors of another size than the network's, InvalidArgument for arrays of another type,
NotFinite for a result that is not finite, OutOfMemory, DeviceError.)";

constexpr const char* kDescribe =
    R"(Descriptors of patches, float32 [N, D]; of length 1 if the network's metric asks for it.

patches: uint8 [N, H, W] or [N, 1, H, W], grey levels; or float32, which are fed to the network unchanged.
side: "left" or "right": matters only for pseudo-siamese networks.

Raises InvalidArgument for 2-channel networks, which have no descriptors.)";

constexpr const char* kScore = R"(Scores of pairs, float32 [M], in the order of the pairs; higher is more similar.

patches: as in describe().
pairs: int32 or int64 [M, 2], indices into `patches`.
right: patches that the second column counts in; None: `patches` too.

Raises InvalidArgument for an index out of range.)";

constexpr const char* kGrid = R"(Every left against every right, of which the best are kept; the matrix is never stored.

left, right: patches as in describe(), or descriptors, float32 [N, D].
top_k: best right ones kept for each left one, K.
mutual: also keep the best left one for each right one (column_indices, column_scores).
threshold: lowest score that is kept in indices and scores.)";

constexpr const char* kScores = R"(Every left against every right, float32 [N, M]: 4 N M bytes; higher is more similar.

left, right: as in grid().)";

constexpr const char* kMatch = R"(Matches, in order of the left index.

left, right: as in grid().
mutual: only pairs of which each is the other's best.
ratio: largest allowed best / second-best distance, such as 0.8 (Lowe 2004); only for networks whose scores are distances.
threshold: lowest score of a match.

Raises InvalidArgument for a ratio where scores are not distances.)";

}  // namespace

void bind_results(nb::module_& module) {
  nb::class_<Grid>(module, "Grid",
                   "What Engine.grid() kept of N left and M right ones: best first, ties by lower index.")
      .def_ro("indices", &Grid::indices, "int32 [N, K]: right ones; -1 where fewer passed.",
              nb::for_getter(nb::sig("def indices(self) -> numpy.typing.NDArray[numpy.int32]")))
      .def_ro("scores", &Grid::scores, "float32 [N, K]; -infinity where fewer passed.",
              nb::for_getter(nb::sig("def scores(self) -> numpy.typing.NDArray[numpy.float32]")))
      .def_ro("column_indices", &Grid::column_indices,
              "int32 [M]: the best left one of each right one; None unless `mutual` was asked for.",
              nb::for_getter(nb::sig("def column_indices(self) -> numpy.typing.NDArray[numpy.int32] | None")))
      .def_ro("column_scores", &Grid::column_scores, "float32 [M], their scores; None likewise.",
              nb::for_getter(nb::sig("def column_scores(self) -> numpy.typing.NDArray[numpy.float32] | None")));
  nb::class_<Matches>(module, "Matches", "Matches of Engine.match(): `indices, scores = matches` takes them apart.")
      .def_ro("indices", &Matches::indices, "int32 [K, 2]: left and right index.",
              nb::for_getter(nb::sig("def indices(self) -> numpy.typing.NDArray[numpy.int32]")))
      .def_ro("scores", &Matches::scores, "float32 [K]; higher is more similar.",
              nb::for_getter(nb::sig("def scores(self) -> numpy.typing.NDArray[numpy.float32]")))
      .def("__len__", [](const Matches& matches) { return matches.size; })
      .def(
          "__iter__", [](const Matches& matches) { return nb::iter(nb::make_tuple(matches.indices, matches.scores)); },
          nb::sig("def __iter__(self) -> collections.abc.Iterator[numpy.typing.NDArray[typing.Any]]"));
}

void bind_engine(nb::module_& module) {
  using namespace nb::literals;
  bind_results(module);
  nb::class_<Engine>(module, "Engine", kEngine)
      .def(
          "__init__",
          [](Engine* self, const nb::object& model, std::string device, std::string precision, int threads,
             std::int64_t memory, std::int64_t batch) {
            new (self) Engine(make_engine(model, {std::move(device), std::move(precision), threads, memory, batch}));
          },
          "model"_a = "hard128", nb::kw_only(), "device"_a = "auto", "precision"_a = "fp32", "threads"_a = 0,
          "memory"_a = 0, "batch"_a = 0,
          nb::sig("def __init__(self, model: Model | str | os.PathLike[str] = 'hard128', *, device: str = 'auto', "
                  "precision: str = 'fp32', threads: int = 0, memory: int = 0, batch: int = 0) -> None"))
      .def("describe", &describe, "patches"_a, "side"_a = "left", nb::kw_only(), "progress"_a = nb::none(), kDescribe,
           nb::sig("def describe(self, patches: twinpatch._typing.Array, side: str = 'left', *, "
                   "progress: twinpatch._typing.Progress | None = None) -> numpy.typing.NDArray[numpy.float32]"))
      .def("score", &score, "patches"_a, "pairs"_a, "right"_a = nb::none(), nb::kw_only(), "progress"_a = nb::none(),
           kScore,
           nb::sig("def score(self, patches: twinpatch._typing.Array, pairs: twinpatch._typing.Array, "
                   "right: twinpatch._typing.Array | None = None, *, "
                   "progress: twinpatch._typing.Progress | None = None) -> numpy.typing.NDArray[numpy.float32]"))
      .def(
          "grid",
          [](Engine& engine, const nb::object& left, const nb::object& right, int top_k, bool mutual, float threshold,
             nb::object progress) {
            return grid(engine, left, right, {.top_k = top_k, .column_best = mutual, .threshold = threshold},
                        std::move(progress));
          },
          "left"_a, "right"_a, nb::kw_only(), "top_k"_a = 1, "mutual"_a = false, "threshold"_a = kNoThreshold,
          "progress"_a = nb::none(), kGrid,
          nb::sig("def grid(self, left: twinpatch._typing.Array, right: twinpatch._typing.Array, *, top_k: int = 1, "
                  "mutual: bool = False, threshold: float = ..., "
                  "progress: twinpatch._typing.Progress | None = None) -> Grid"))
      .def("scores", &scores, "left"_a, "right"_a, nb::kw_only(), "progress"_a = nb::none(), kScores,
           nb::sig("def scores(self, left: twinpatch._typing.Array, right: twinpatch._typing.Array, *, "
                   "progress: twinpatch._typing.Progress | None = None) -> numpy.typing.NDArray[numpy.float32]"))
      .def(
          "match",
          [](Engine& engine, const nb::object& left, const nb::object& right, bool mutual, std::optional<float> ratio,
             float threshold, nb::object progress) {
            return match(engine, left, right, {.mutual = mutual, .ratio = ratio, .threshold = threshold},
                         std::move(progress));
          },
          "left"_a, "right"_a, nb::kw_only(), "mutual"_a = true, "ratio"_a = nb::none(), "threshold"_a = kNoThreshold,
          "progress"_a = nb::none(), kMatch,
          nb::sig("def match(self, left: twinpatch._typing.Array, right: twinpatch._typing.Array, *, "
                  "mutual: bool = True, ratio: float | None = None, threshold: float = ..., "
                  "progress: twinpatch._typing.Progress | None = None) -> Matches"))
      .def_prop_ro("model", &Engine::model, nb::rv_policy::reference_internal, "The model as passed in.")
      .def_prop_ro("device", &Engine::device, "The device in use, and why: one line.")
      .def_prop_ro("descriptor_size", &Engine::descriptor_size, "Length D of a descriptor; 0 for 2-channel networks.")
      .def_prop_ro("memory", &Engine::memory, "Bound in bytes on what a call takes on the device.")
      .def("__repr__", &representation);
}

}  // namespace twinpatch::python
