// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0

// bench_engine: the rates of README's table, on any device, without a library for benchmarks: what a bare GPU host has.

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <sstream>

#include "cases.hpp"
#include "twinpatch/core/file.hpp"
#include "twinpatch/cuda/backend.hpp"

namespace {

using namespace twinpatch;

constexpr const char* kUsage = R"(bench_engine [--device cuda] [--kernels auto] [--precisions fp32,tf32,fp16]
             [--cases tower,list,…] [--seconds 1.5] [--tiny] [--folder TMP] [--json FILE] [--verbose]
bench_engine --devices
Rates of the engine: towers, lists and grids of pairs, files to matches. --tiny: sizes that only show that it runs.
--verbose: the device's choices too. --devices: only the CUDA devices and libraries that are found.
Exits with 3 where no case could be measured, or there is no device.)";

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');) parts.push_back(part);
  return parts;
}

struct Options {
  bench::CaseOptions cases;
  std::vector<std::string> precisions = {"fp32", "tf32", "fp16", "bf16"};
  std::vector<std::string> names = bench::case_names();
  std::string json;
  bool devices = false;
  bool help = false;
};

Options parse(int count, char** words) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    const auto value = [&]() -> std::string {
      if (i + 1 >= count) throw InvalidArgument(word + " wants a value");
      return words[++i];
    };
    if (word == "--device")
      options.cases.execution.device = value();
    else if (word == "--kernels")
      options.cases.execution.kernels = parse_kernels(value());
    else if (word == "--precisions")
      options.precisions = split(value());
    else if (word == "--cases")
      options.names = split(value());
    else if (word == "--seconds")
      options.cases.seconds = std::strtod(value().c_str(), nullptr);
    else if (word == "--tiny")
      options.cases.tiny = true;
    else if (word == "--folder")
      options.cases.folder = value();
    else if (word == "--json")
      options.json = value();
    else if (word == "--verbose")
      options.cases.execution.log = [](const std::string& line) { std::cerr << line << '\n'; };
    else if (word == "--devices")
      options.devices = true;
    else if (word == "--help" || word == "-h")
      options.help = true;
    else
      throw InvalidArgument("no option '" + word + "'");
  }
  if (options.cases.tiny) options.cases.seconds = 0;
  return options;
}

nlohmann::ordered_json to_json(const bench::Measure& measure) {
  nlohmann::ordered_json json = {
      {"case", measure.name}, {"precision", measure.precision}, {"kernels", measure.kernels}};
  if (!measure.skipped.empty()) {
    json["skipped"] = measure.skipped;
    return json;
  }
  json["unit"] = measure.unit;
  json["count"] = measure.count;
  json["runs"] = measure.seconds.size();
  json["median_per_second"] = measure.rate(0.5);
  json["p10_per_second"] = measure.rate(0.9);  // the slow tenth of the runs
  json["p90_per_second"] = measure.rate(0.1);
  json["first_run_seconds"] = measure.first_seconds;
  if (!measure.stage_seconds.empty()) {
    // How long each stage was busy: the slowest one is what a run that overlaps them all would take.
    json["timed_seconds"] = std::accumulate(measure.seconds.begin(), measure.seconds.end(), 0.0);
    json["stage_seconds"] = measure.stage_seconds;
    if (const auto compute = measure.stage_seconds.find("compute");
        compute != measure.stage_seconds.end() && compute->second > 0) {
      const double units = static_cast<double>(measure.count) * static_cast<double>(measure.seconds.size());
      json["device_per_second"] = units / compute->second;  // while it computed: without reading and copying
    }
  }
  return json;
}

void write(const Options& options, const nlohmann::ordered_json& results) {
  const nlohmann::ordered_json whole = {
      {"device", options.cases.execution.device}, {"tiny", options.cases.tiny}, {"results", results}};
  if (options.json.empty()) {
    std::cout << whole.dump(1) << '\n';
    return;
  }
  AtomicFile file(options.json);
  file.write(whole.dump(1) + "\n");
  file.commit();
}

int list_devices() {
  for (const std::string& line : describe_cuda_devices()) std::cout << line << '\n';
  for (const std::string& line : describe_cuda_libraries()) std::cout << line << '\n';
  return count_cuda_devices() > 0 ? 0 : 3;
}

int run(const Options& options) {
  nlohmann::ordered_json results = nlohmann::ordered_json::array();
  for (const auto& precision : options.precisions) {
    for (const auto& name : options.names) {
      results.push_back({{"case", name},
                         {"precision", precision},
                         {"kernels", to_string(options.cases.execution.kernels)},
                         {"skipped", "the run was stopped before it"}});
    }
  }
  std::size_t place = 0;
  for (const auto& precision : options.precisions) {
    bench::CaseOptions with = options.cases;
    with.execution.precision = parse_precision(precision);
    for (const auto& name : options.names) {
      if (!options.json.empty()) write(options, results);  // a run that is stopped leaves what it has measured
      const bench::Measure measure = bench::run_case(name, with);
      results[place++] = to_json(measure);
      std::cerr << (measure.skipped.empty()
                        ? fmt::format("{:<17} {}  {:>12.4g} {}/s\n", name, precision, measure.rate(0.5), measure.unit)
                        : fmt::format("{:<17} {}  skipped: {}\n", name, precision, measure.skipped));
    }
  }
  write(options, results);
  const bool measured = std::any_of(results.begin(), results.end(),
                                    [](const nlohmann::ordered_json& result) { return !result.contains("skipped"); });
  if (measured) return 0;
  std::cerr << "bench_engine: no case was measured\n";
  return 3;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const Options options = parse(argc, argv);
    if (options.help) {
      std::cout << kUsage << '\n';
      return 0;
    }
    return options.devices ? list_devices() : run(options);
  } catch (const InvalidArgument& error) {
    std::cerr << "bench_engine: " << error.what() << '\n' << kUsage << '\n';
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "bench_engine: " << error.what() << '\n';
    return 1;
  }
}
