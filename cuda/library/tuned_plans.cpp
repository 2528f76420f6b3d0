// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "library/tuned_plans.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>

#include "twinpatch/core/error.hpp"
#include "twinpatch/core/file.hpp"
#include "twinpatch/formats/json.hpp"

namespace twinpatch::cuda {
namespace {

constexpr int kFormat = 1;
constexpr std::size_t kMostStages = 4;

/// FNV-1a, 64 bits: tells damage apart, not malice.
class Hash {
 public:
  void add(std::string_view text) {
    for (const char c : text) value_ = (value_ ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    value_ = (value_ ^ 0xffU) * 0x100000001b3U;  // "ab", "c" is not "a", "bc"
  }
  [[nodiscard]] std::string text() const { return fmt::format("{:016x}", value_); }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325U;
};

std::string checksum(const std::string& key, const TunedPlan& plan) {
  Hash hash;
  hash.add(key);
  for (const auto& stage : plan.stages) {
    hash.add(std::to_string(stage.parts));
    hash.add(stage.plan);
  }
  return hash.text();
}

}  // namespace

std::string to_json(const std::string& key, const TunedPlan& plan) {
  nlohmann::json stages = nlohmann::json::array();
  for (const auto& stage : plan.stages) stages.push_back({{"parts", stage.parts}, {"plan", stage.plan}});
  const nlohmann::json whole = {{"twinpatch_plan", kFormat},
                                {"key", key},
                                {"microseconds", plan.microseconds},
                                {"stages", stages},
                                {"checksum", checksum(key, plan)}};
  return whole.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

TunedPlan tuned_plan_from_json(const std::string& text, const std::string& key, const std::string& path) {
  const auto fail = [&](const char* what) { throw FormatError(path, -1, what); };
  const JsonValue whole = parse_json(text, path);
  if (whole.at("twinpatch_plan").integer(0, std::numeric_limits<int>::max()) != kFormat)
    fail("a plan of another format");
  if (whole.at("key").text() != key) fail("a plan of another key");
  TunedPlan plan;
  plan.microseconds = whole.at("microseconds").number();
  const auto& stages = whole.at("stages").list();
  if (stages.empty() || stages.size() > kMostStages) fail("a plan without stages or with too many");
  for (const JsonValue& stage : stages) {
    const auto parts = stage.at("parts").integer(0, std::numeric_limits<unsigned>::max());
    plan.stages.push_back({static_cast<unsigned>(parts), stage.at("plan").text()});
  }
  const std::string& found_checksum = whole.at("checksum").text();
  if (found_checksum != checksum(key, plan)) fail("a plan whose checksum does not fit");
  return plan;
}

TunedPlans::TunedPlans(std::filesystem::path folder, std::function<void(const std::string&)> log)
    : folder_(std::move(folder)), log_(std::move(log)) {}

std::filesystem::path TunedPlans::file(const std::string& key) const {
  Hash hash;
  hash.add(key);
  return folder_ / (hash.text() + ".json");
}

void TunedPlans::report(const std::string& line) const {
  if (log_) log_(line);
}

std::optional<TunedPlan> TunedPlans::load(const std::string& key) const {
  if (folder_.empty()) return std::nullopt;
  const auto path = file(key);
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return std::nullopt;
  try {
    return tuned_plan_from_json(read_text_file(path), key, path.string());
  } catch (const Error& error) {
    report(fmt::format("ignored a stored plan, it will be replaced: {}", error.what()));
    return std::nullopt;
  }
}

void TunedPlans::store(const std::string& key, const TunedPlan& plan) const {
  if (folder_.empty()) return;
  try {
    std::error_code error;
    std::filesystem::create_directories(folder_, error);
    if (error) throw IoError(folder_.string(), "cannot make folder", error.value());
    AtomicFile out(file(key));
    out.write(to_json(key, plan));
    out.commit();
  } catch (const Error& error) {
    report(fmt::format("a plan could not be stored, the next run will search again: {}", error.what()));
  }
}

}  // namespace twinpatch::cuda
