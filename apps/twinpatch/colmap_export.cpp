// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/twinpatch/colmap_export.hpp"

#include <map>
#include <memory>
#include <string_view>

#include "apps/frame/command.hpp"
#include "twinpatch/core/stopwatch.hpp"

namespace twinpatch::app {
namespace {

/// The row of each image of a plan; null: the database has it no more.
std::vector<const ColmapImageRow*> rows_of(const ColmapImages& images, const CollectionPlan& plan) {
  std::map<std::string_view, const ColmapImageRow*> by_name;
  for (const auto& row : images.rows) by_name.emplace(row.name, &row);
  std::vector<const ColmapImageRow*> rows;
  for (const PlannedImage& image : plan.images) {
    const auto found = by_name.find(image.name);
    rows.push_back(found == by_name.end() ? nullptr : found->second);
  }
  return rows;
}

/// Keypoints of images as they are needed, forgotten together when they grow too many.
class KeypointCache {
 public:
  KeypointCache(const ColmapImages& images, std::optional<float> sigma) : images_(images), sigma_(sigma) {}

  std::shared_ptr<const std::vector<Keypoint>> get(ColmapImageId image) {
    auto& entry = entries_[image];
    if (entry) return entry;
    auto loaded = std::make_shared<const std::vector<Keypoint>>(images_.database.keypoints(image, sigma_));
    held_ += std::ssize(*loaded);
    if (held_ > kMostKeypoints) {
      entries_.clear();
      held_ = std::ssize(*loaded);
    }
    return entries_[image] = loaded;
  }

 private:
  static constexpr std::int64_t kMostKeypoints = 10'000'000;  // 200 MB
  const ColmapImages& images_;
  std::optional<float> sigma_;
  std::map<ColmapImageId, std::shared_ptr<const std::vector<Keypoint>>> entries_;
  std::int64_t held_ = 0;
};

/// Pairs on their way into the database: some at a time, so that threads can verify them.
class Exporter {
 public:
  Exporter(Session& session, const ColmapOptions& options, const ColmapImages& images, const CollectionPlan& plan,
           std::optional<float> sigma)
      : session_(session),
        options_(options),
        images_(images),
        rows_(rows_of(images, plan)),
        writer_(options.database, options.write_options(session.control().stop)),
        keypoints_(images, sigma),
        pool_(options.collection.engine.execution.threads) {}

  void add(ImagePair pair, std::span<const Match> matches) {
    ++result_.pairs;
    if (!matches.empty()) result_.matched.push_back(pair);
    Waiting waiting{.pair = pair, .matches{matches.begin(), matches.end()}};
    if (row(pair.second).id < row(pair.first).id) {  // ids follow no order of a run that was continued
      std::swap(waiting.pair.first, waiting.pair.second);
      for (Match& match : waiting.matches) std::swap(match.left, match.right);
      pair = waiting.pair;
    }
    // What was verified stays as it is unless it is to be replaced.
    waiting.verify =
        options_.verify && (options_.replace || !writer_.has_geometry(row(pair.first).id, row(pair.second).id));
    if (waiting.verify) {
      waiting.first = keypoints_.get(row(pair.first).id);
      waiting.second = keypoints_.get(row(pair.second).id);
    }
    waiting_.push_back(std::move(waiting));
    if (std::ssize(waiting_) >= at_once()) pass_on();
  }

  ColmapExport finish() {
    pass_on();
    writer_.flush();
    result_.counts = writer_.counts();
    return std::move(result_);
  }

 private:
  /// Pairs that are verified together, by all threads, and then written: a run that is killed loses no others.
  [[nodiscard]] std::int64_t at_once() const { return options_.verify ? 8 * std::int64_t{pool_.threads()} : 256; }
  struct Waiting {
    ImagePair pair;
    std::vector<Match> matches{};
    bool verify = false;
    std::shared_ptr<const std::vector<Keypoint>> first{};
    std::shared_ptr<const std::vector<Keypoint>> second{};
    std::optional<ColmapGeometry> geometry{};
  };

  [[nodiscard]] const ColmapImageRow& row(std::int32_t image) const {
    return *rows_.at(static_cast<std::size_t>(image));  // a pair has two images that are there
  }

  void verify() {
    pool_.for_ranges(std::ssize(waiting_), 1, [&](std::int64_t begin, std::int64_t end, int) {
      for (std::int64_t i = begin; i < end; ++i) {
        session_.control().check();
        Waiting& one = waiting_[static_cast<std::size_t>(i)];
        if (!one.verify) continue;
        one.geometry =
            verify_pair({images_.camera(row(one.pair.first)), *one.first},
                        {images_.camera(row(one.pair.second)), *one.second}, one.matches, options_.verification);
      }
    });
  }

  void count(const ColmapGeometry& geometry) {
    switch (geometry.config) {
      case ColmapConfig::calibrated:
        ++result_.calibrated;
        break;
      case ColmapConfig::uncalibrated:
        ++result_.uncalibrated;
        break;
      case ColmapConfig::planar_or_panoramic:
        ++result_.planar;
        break;
      case ColmapConfig::watermark:
        ++result_.watermarks;
        break;
      case ColmapConfig::degenerate:
        ++result_.degenerate;
        break;
    }
  }

  void pass_on() {
    session_.control().check();
    if (options_.verify) verify();
    for (Waiting& one : waiting_) {
      if (one.geometry && !one.matches.empty()) count(*one.geometry);
      std::vector<IndexPair> matches;
      matches.reserve(one.matches.size());
      for (const Match& match : one.matches) matches.push_back({match.left, match.right});
      writer_.add_matches(row(one.pair.first).id, row(one.pair.second).id, matches, std::move(one.geometry));
    }
    if (options_.verify) writer_.flush();
    session_.control().advance(std::ssize(waiting_));
    waiting_.clear();
  }

  Session& session_;
  const ColmapOptions& options_;
  const ColmapImages& images_;
  std::vector<const ColmapImageRow*> rows_;
  ColmapWriter writer_;
  KeypointCache keypoints_;
  ThreadPool pool_;
  std::vector<Waiting> waiting_;
  ColmapExport result_;
};

}  // namespace

ColmapExport export_matches(Session& session, const ColmapOptions& options, const ColmapImages& images,
                            const CollectionMatches& matches, std::optional<float> sigma) {
  const Stopwatch watch;
  Exporter exporter(session, options, images, matches.plan(), sigma);
  session.control().begin(options.verify ? "verify and write" : "write", matches.plan().pairs(), "pairs");
  const std::int64_t dropped =
      matches.for_each([&](ImagePair pair, std::span<const Match> of_pair) { exporter.add(pair, of_pair); });
  ColmapExport result = exporter.finish();
  result.dropped = dropped;
  session.control().end();
  result.seconds = watch.seconds();
  return result;
}

}  // namespace twinpatch::app
