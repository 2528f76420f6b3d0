// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include "apps/frame/options.hpp"

#include "apps/frame/session.hpp"
#include "apps/twinpatch/commands.hpp"
#include "twinpatch/backend/backend.hpp"
#include "twinpatch/core/thread_pool.hpp"
#include "twinpatch/core/units.hpp"
#include "twinpatch/cpu/backend.hpp"
#include "twinpatch/cuda/backend.hpp"
#include "twinpatch/net/model.hpp"
#include "twinpatch/sfm/library_versions.hpp"
#include "twinpatch/vision/opencv_version.hpp"

namespace twinpatch::app {
namespace {

using Json = nlohmann::ordered_json;

/// Value of the first line "name : value" of a /proc file; empty where there is none.
std::string proc_value(const char* file, const std::string& name) {
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(name)) continue;
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::size_t begin = line.find_first_not_of(" \t", colon + 1);
    return begin == std::string::npos ? std::string() : line.substr(begin);
  }
  return {};
}

std::int64_t memory_bytes(const std::string& name) {
  return std::atoll(proc_value("/proc/meminfo", name).c_str()) * 1024;  // given in kB
}

/// The instruction sets that matter to the speed of this program, of those the processor has.
std::string cpu_features() {
  std::istringstream words(proc_value("/proc/cpuinfo", "flags"));
  std::set<std::string> flags;
  for (std::string word; words >> word;) flags.insert(word);
  std::string out;
  for (const char* name : {"sse4_2", "avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "amx_bf16"}) {
    if (!flags.contains(name)) continue;
    if (!out.empty()) out += ' ';
    out += name;
  }
  return out;
}

/// Name → file of every catalogue network with weights.
Json found_models() {
  Json models = Json::object();
  for (const auto& spec : catalogue()) {
    try {
      models[spec.name] = find_model(spec.name).string();
    } catch (const IoError&) {
      continue;  // ships without weights
    }
  }
  return models;
}

Json or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

/// The version of a library, or what is missing without it and which package has it.
std::string library_line(const Json& version, const char* missing) {
  return (version.is_null() ? std::string(missing) : version.get<std::string>()) + '\n';
}

std::vector<std::string> cuda_lines() {
  std::vector<std::string> lines = describe_cuda_devices();
  for (std::string& library : describe_cuda_libraries()) lines.push_back(std::move(library));
  return lines;
}

Json examine() {
  const char* folder = std::getenv("TWINPATCH_MODELS");
  return {{"version", TWINPATCH_VERSION},
          {"compiler", __VERSION__},
          {"processor", proc_value("/proc/cpuinfo", "model name")},
          {"features", cpu_features()},
          {"threads", ThreadPool(0).threads()},
          {"memory_total", memory_bytes("MemTotal")},
          {"memory_available", memory_bytes("MemAvailable")},
          {"opencv", opencv_version()},
          {"sqlite", or_null(sqlite_version())},
          {"hdf5", or_null(hdf5_version())},
          {"cpu", describe_cpu_devices()},
          {"cuda", cuda_lines()},
          {"cuda_devices", count_cuda_devices()},
          {"models_variable", folder == nullptr ? Json(nullptr) : Json(folder)},
          {"models", found_models()}};
}

std::string as_text(const Json& facts) {
  std::string out = fmt::format(
      "twinpatch   {}, built by GCC {}\nprocessor   {}\nfeatures    {}\nthreads     {}\nmemory      {} available of "
      "{}\n",
      facts["version"].get<std::string>(), facts["compiler"].get<std::string>(), facts["processor"].get<std::string>(),
      facts["features"].get<std::string>(), facts["threads"].get<int>(),
      format_bytes(facts["memory_available"].get<std::int64_t>()),
      format_bytes(facts["memory_total"].get<std::int64_t>()));
  out += "opencv      " + library_line(facts["opencv"], "none");
  out += "sqlite      " +
         library_line(facts["sqlite"], "none: no COLMAP databases (Debian: install libsqlite3-dev and build again)");
  out += "hdf5        " +
         library_line(facts["hdf5"], "none: no files of hloc (Debian: install libhdf5-dev and build again)");
  for (const auto& line : facts["cpu"]) out += "cpu         " + line.get<std::string>() + '\n';
  for (const auto& line : facts["cuda"]) out += "cuda        " + line.get<std::string>() + '\n';
  for (const auto& [name, path] : facts["models"].items()) {
    out += fmt::format("model       {}: {}\n", name, path.get<std::string>());
  }
  if (facts["models"].empty()) out += "model       none found\n";
  return out;
}

ExitCode run_doctor(Session& session) {
  const Json facts = examine();
  if (session.options().json) {
    session.print_json("twinpatch.doctor/1", facts);
  } else {
    session.print(as_text(facts));
  }
  if (facts["models"].empty()) {
    session.warn("no models found: set TWINPATCH_MODELS to their folder, or name files with --model");
  }
  if (!cpu_features().empty() && cpu_features().find("avx2") == std::string::npos) {
    session.warn("this processor has no AVX2: networks run several times slower");
  }
  return ExitCode::done;
}

}  // namespace

Command doctor_command() {
  return {.name = "doctor",
          .summary = "what this program finds on this host: versions, devices, models, memory",
          .examples = {{"before asking for help", "twinpatch doctor"}, {"for a bug report", "twinpatch doctor --json"}},
          .notes = "",
          .add_options = [](Options&) -> Run { return run_doctor; },
          .children = {}};
}

}  // namespace twinpatch::app
