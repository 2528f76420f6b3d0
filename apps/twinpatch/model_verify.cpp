// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <numeric>
#include <optional>
#include "apps/frame/options.hpp"

#include "apps/frame/run_options.hpp"
#include "apps/twinpatch/commands.hpp"
#include "apps/twinpatch/engine_options.hpp"

namespace twinpatch::app {
namespace {

struct VerifyOptions {
  ExecutionOptions execution;
  std::string model, golden;
  std::string entry;
  std::optional<double> tolerance;
};

std::string stem(const std::string& path) { return std::filesystem::path(path).stem().string(); }

/// Entries called like the model file, or with --entry those whose path contains it.
std::vector<const GoldenFile::Entry*> chosen_entries(const GoldenFile& golden, const VerifyOptions& options) {
  std::vector<const GoldenFile::Entry*> chosen;
  std::string names;
  for (const auto& entry : golden.entries) {
    const bool fits = options.entry.empty() ? stem(entry.path) == stem(options.model)
                                            : entry.path.find(options.entry) != std::string::npos;
    if (fits) chosen.push_back(&entry);
    names += (names.empty() ? "" : ", ") + stem(entry.path);
  }
  if (!chosen.empty()) return chosen;
  throw InvalidArgument(fmt::format("{}: no entry called \"{}\"; --entry takes one of {}", options.golden,
                                    options.entry.empty() ? stem(options.model) : options.entry, names));
}

/// Patches of one channel of the golden input, [batch, 64, 64], fed as they are.
class Channel {
 public:
  Channel(const GoldenFile& golden, int channel) {
    constexpr std::int64_t kPixels = 64 * 64;
    for (std::int64_t i = 0; i < golden.batch; ++i) {
      const auto begin = golden.input.begin() + (2 * i + channel) * kPixels;
      pixels_.insert(pixels_.end(), begin, begin + kPixels);
    }
    count_ = golden.batch;
  }
  [[nodiscard]] PatchView view() const { return {PixelType::f32, pixels_.data(), count_, 64, 64}; }

 private:
  std::vector<float> pixels_;
  std::int64_t count_ = 0;
};

/// What the engine puts out for the golden input: descriptors of the left patches for a tower alone, else scores.
std::vector<float> outputs(Engine& engine, const GoldenFile& golden, const RunControl& control) {
  const Channel left(golden, 0);
  if (engine.model().descriptor_only) {
    const Matrix descriptors = engine.describe(left.view(), Side::left, control);
    return {descriptors.span().begin(), descriptors.span().end()};
  }
  const Channel right(golden, 1);
  std::vector<IndexPair> pairs;
  pairs.reserve(static_cast<std::size_t>(golden.batch));
  for (std::int32_t i = 0; i < golden.batch; ++i) pairs.push_back({i, i});
  return engine.score(left.view(), right.view(), pairs, control);
}

struct Comparison {
  double largest_error = 0;  ///< |difference| / max(1, |reference|); infinity where the values are not finite
  double limit = 0;
  [[nodiscard]] bool ok() const { return largest_error <= limit; }
};

Comparison compare(const std::vector<float>& found, const GoldenFile::Entry& entry, const VerifyOptions& options,
                   bool descriptors) {
  if (found.size() != entry.values.size()) {
    throw ShapeError(fmt::format("{}: entry {} has {}x{} values, but {} gives {}", options.golden, entry.path,
                                 entry.rows, entry.columns, options.model, found.size()));
  }
  Comparison result{0, options.tolerance.value_or(descriptors ? 1e-5 : 1e-4)};
  for (std::size_t i = 0; i < found.size(); ++i) {
    const double reference = entry.values[i];
    const double error = std::abs(found[i] - reference) / std::max(1.0, std::abs(reference));
    result.largest_error = std::isfinite(error) ? std::max(result.largest_error, error) : HUGE_VAL;
  }
  return result;
}

ExitCode run_verify(Session& session, const VerifyOptions& options) {
  if (options.tolerance && !(*options.tolerance > 0)) throw UsageError("--tolerance must be positive");
  const GoldenFile golden = read_golden(options.golden);
  const auto entries = chosen_entries(golden, options);
  Engine engine(import_model(find_model(options.model)), options.execution);
  session.info("{} on {}", engine.spec().name, engine.device());
  const std::vector<float> found = outputs(engine, golden, session.control());

  auto rows = nlohmann::ordered_json::array();
  std::string text;
  bool all_ok = true;
  for (const auto* entry : entries) {
    const Comparison result = compare(found, *entry, options, engine.model().descriptor_only);
    all_ok = all_ok && result.ok();
    text += fmt::format("{}: largest error {:.3g} of {} values, allowed {:.3g}: {}\n", entry->path,
                        result.largest_error, found.size(), result.limit, result.ok() ? "ok" : "DIFFERS");
    rows.push_back({{"entry", entry->path},
                    {"largest_error", result.largest_error},
                    {"allowed", result.limit},
                    {"ok", result.ok()}});
  }
  if (session.options().json) {
    session.print_json("twinpatch.model.verify/1",
                       {{"model", model_json(engine)}, {"device", engine.device()}, {"ok", all_ok}, {"entries", rows}});
  } else {
    session.print(text);
  }
  return all_ok ? ExitCode::done : ExitCode::failed;
}

Run add_verify_options(Options& app) {
  auto options = std::make_shared<VerifyOptions>();
  app.add_option("MODEL", options->model, "model file (.safetensors, .bin, .t7)")->required()->group(kArgumentGroup);
  app.add_option("GOLDEN", options->golden, "golden file: an input and reference outputs")
      ->required()
      ->group(kArgumentGroup);
  app.add_option("--entry", options->entry, "entries whose path contains this [those called like the model file]")
      ->type_name("NAME")
      ->group(kMainGroup);
  app.add_option("--tolerance", options->tolerance,
                 "largest |difference| / max(1, |reference|) [1e-4; descriptors 1e-5]")
      ->type_name("E")
      ->group(kMainGroup);
  add_execution_options(app, options->execution);
  return [options](Session& session) { return run_verify(session, *options); };
}

}  // namespace

Command model_verify_command() {
  return {.name = "verify",
          .summary = "compare a model's outputs with a golden file",
          .examples = {{"the entry called like the file", "twinpatch model verify 2ch_liberty.bin test_data.bin"},
                       {"a converted model against a named entry",
                        "twinpatch model verify my.safetensors test_data.bin --entry 2ch_liberty"}},
          .notes =
              "The golden input is fed unchanged, without normalisation. Exit code 1 if an entry differs by more "
              "than allowed.",
          .add_options = add_verify_options,
          .children = {}};
}

}  // namespace twinpatch::app
