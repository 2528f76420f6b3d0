// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/twinpatch/engine_options.hpp"

#include <fmt/format.h>

#include "apps/frame/options.hpp"

#include "apps/frame/run_options.hpp"
#include "twinpatch/core/units.hpp"

namespace twinpatch::app {
namespace {

constexpr const char* kDeviceGroup = "Device";

}  // namespace

void add_execution_options(Options& app, ExecutionOptions& options) {
  app.add_option("--device", options.device, "auto, cpu, cuda, cuda:0 or cuda:0,1")
      ->type_name("DEVICE")
      ->default_str(options.device)
      ->group(kDeviceGroup);
  app.add_option_function(
         "--precision", [&options](const std::string& name) { options.precision = parse_precision(name); },
         "what networks compute in: fp32; bf16 on processors with AVX-512 BF16 or AMX, int8 on those with VNNI; CUDA: "
         "tf32, fp16 or bf16; auto: the fastest that the model was shown to be accurate in on this processor")
      ->type_name("P")
      ->default_str("fp32")
      ->group(kDeviceGroup);
  app.add_option_function(
         "--kernels", [&options](const std::string& name) { options.kernels = parse_kernels(name); },
         "CUDA: auto, library (cuDNN, cuBLAS) or fused")
      ->type_name("KIND")
      ->default_str("auto")
      ->group(kDeviceGroup);
  app.add_option_function(
         "--screening", [&options](const std::string& name) { options.screening = parse_screening(name); },
         "CPU: what grids are searched with in 8 bits first, which changes no result: auto, off, amx-int8, "
         "avx512-vnni, avx512, avx-vnni or avx2")
      ->type_name("NAME")
      ->default_str(options.screening)
      ->group(kDeviceGroup);
  app.add_option_function(
         "--profile-range",
         [&options](const std::string& name) {
           if (name != "warm") throw InvalidArgument(fmt::format("unknown profile range \"{}\"; known: warm", name));
           options.profile_warm = true;
         },
         "CUDA: warm profiles only the steady state")
      ->type_name("RANGE")
      ->group(kDeviceGroup);
  app.add_option("--threads", options.threads, "threads on the host; 0: all available")
      ->type_name("N")
      ->default_str("0")
      ->group(kDeviceGroup);
  app.add_option_function(
         "--memory", [&options](const std::string& size) { options.memory = parse_bytes(size); },
         "most the run may take on the device, such as 800M or 1.5G")
      ->type_name("SIZE")
      ->group(kDeviceGroup);
  app.add_option("--batch", options.batch, "patches or pairs per pass through the network; 0: automatic")
      ->type_name("N")
      ->default_str("0")
      ->group(kDeviceGroup);
  app.add_flag("--exact-convolutions", options.exact_convolutions,
               "direct convolutions only: a little closer to the reference, several times slower")
      ->group(kDeviceGroup);
}

void add_engine_options(Options& app, EngineOptions& options) {
  app.add_option("-m,--model", options.model, "model file, or a name from twinpatch model list")
      ->type_name("FILE|NAME")
      ->default_str(options.model)
      ->group(kMainGroup);
  add_execution_options(app, options.execution);
}

Model open_model(Session& session, const std::string& file_or_name) {
  const auto path = find_model(file_or_name);
  session.detail("model: {}", path.string());
  return load_model(path);
}

Engine make_engine(Session& session, Model model, const ExecutionOptions& options) {
  options.validate();
  ExecutionOptions execution = options;
  execution.log = [&session](const std::string& line) { session.detail("{}", line); };
  Engine engine(std::move(model), execution);
  session.info("{} on {}", engine.spec().name, engine.device());
  if (options.precision == Precision::automatic) {
    session.info("precision auto: {}, {}", to_string(engine.precision().precision), engine.precision().why);
  }
  if (engine.device().starts_with("CPU")) {
    session.no_effect({"--kernels", "--profile-range"}, "this run is on the CPU");
  } else {
    session.no_effect({"--screening"}, "this run is not on the CPU");
  }
  return engine;
}

Engine make_engine(Session& session, const EngineOptions& options) {
  options.execution.validate();
  return make_engine(session, open_model(session, options.model), options.execution);
}

nlohmann::ordered_json model_json(const Engine& engine) {
  return {{"name", engine.spec().name},
          {"hash", model_hash(engine.model())},
          {"precision", to_string(engine.precision().precision)}};
}

nlohmann::ordered_json saturation_json(const Engine& engine) {
  std::int64_t rounded = 0;
  std::int64_t saturated = 0;
  for (const RunSummary& run : engine.summaries()) {
    rounded += run.rounded;
    saturated += run.saturated;
  }
  if (rounded == 0) return nullptr;
  return {{"activations", rounded}, {"beyond_range", saturated}};
}

void report_saturation(Session& session, const Engine& engine) {
  for (const RunSummary& run : engine.summaries()) {
    if (const std::string found = run.saturation(); !found.empty()) session.info("{}: {}", engine.spec().name, found);
  }
}

void report_run(Session& session, const Engine& engine, nlohmann::ordered_json& object) {
  report_saturation(session, engine);
  if (auto found = saturation_json(engine); !found.is_null()) object["saturation"] = std::move(found);
  for (const RunSummary& run : engine.summaries()) {
    for (const std::string& line : run.text()) session.detail("{}", line);
    if (run.screened > 0) {
      object["screening"].push_back({{"with", run.screening}, {"pairs", run.screened}, {"scored_again", run.rescored}});
    }
    if (run.stages.empty()) continue;
    nlohmann::ordered_json stages;
    for (const auto& stage : run.stages) stages[stage.name] = {{"seconds", stage.seconds}, {"bytes", stage.bytes}};
    const auto* const slowest = run.slowest();
    object["run"].push_back({{"device", run.device},
                             {"slowest", slowest == nullptr ? "" : slowest->name},
                             {"stages", stages},
                             {"patches", run.patches},
                             {"pairs", run.pairs},
                             {"tflops", run.tflops()},
                             {"tflops_ceiling", run.tflops_ceiling},
                             {"gigabytes_per_s", run.gigabytes()},
                             {"gigabytes_per_s_ceiling", run.gigabytes_ceiling}});
  }
}

}  // namespace twinpatch::app
