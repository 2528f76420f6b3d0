// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "twinpatch/collection/work.hpp"

namespace twinpatch {

/// Receives the matches of a pair of images, by their numbers in the plan: left indices are keypoints of the first
/// image, right ones of the second, in order of the left index. The span is valid during the call.
using PairSink = std::function<void(ImagePair pair, std::span<const Match> matches)>;

/// Observes a run. Calls come from the thread that runs it.
class RunEvents {
 public:
  virtual ~RunEvents() = default;
  /// A block's file is there; the next block was matched meanwhile.
  virtual void block_done(const Block& /*block*/, const std::string& /*id*/, std::int64_t /*matches*/,
                          double /*seconds*/) {}
  /// A block's file is damaged, and will be computed again.
  virtual void block_damaged(const Block& /*block*/, const std::string& /*what*/) {}
  /// A file of descriptors is damaged, and will be computed again.
  virtual void descriptors_damaged(const std::string& /*image*/, const std::string& /*what*/) {}
};

struct RunPlaces {
  /// Folder of the run: plan.json, blocks/, journal files; created if missing. Several processes may share it, each
  /// with another shard.
  std::filesystem::path folder;
  /// Folder of descriptors, under hashes of image content, model and patch settings, so that several runs may
  /// share it; empty: not stored.
  std::filesystem::path descriptors;
};

/// Seconds in which each stage of a run had work. Stages overlap, so a run waits for the slowest one, not for their
/// sum; where two of them want the engine at once, both count.
struct StageSeconds {
  double read = 0;      ///< decode images, cut patches, hash, read stored descriptors: a thread's share
  double describe = 0;  ///< patches or descriptors → rows on the device
  double sample = 0;    ///< compare a sample, and its geometry, for an early exit
  double match = 0;     ///< compare and select
  double guided = 0;    ///< geometry, and a second pass within it
  double rescore = 0;   ///< by the second network
  double write = 0;     ///< blocks and descriptors
  /// Its name, "read" and so on, and its seconds.
  [[nodiscard]] std::pair<const char*, double> slowest() const;
};

struct CollectionStatistics {
  std::int64_t blocks = 0;        ///< of this shard
  std::int64_t blocks_found = 0;  ///< finished by an earlier call
  std::int64_t pairs = 0;         ///< matched by this call
  std::int64_t comparisons = 0;   ///< of the pairs that were not dropped
  std::int64_t matches = 0;
  std::int64_t reranked = 0;      ///< candidates that the second network scored
  std::int64_t sampled = 0;       ///< pairs that were tried by a sample of the first image's keypoints
  std::int64_t sampled_rows = 0;  ///< these keypoints, of all such pairs
  std::int64_t sampled_comparisons = 0;
  std::int64_t dropped = 0;  ///< pairs that were not matched any further
  std::int64_t guided = 0;   ///< pairs with a second pass
  std::int64_t guided_comparisons = 0;
  std::int64_t row_hits = 0;  ///< images whose rows were on the device when needed
  std::int64_t row_misses = 0;
  std::int64_t described = 0;         ///< patches that went through a tower
  std::int64_t descriptors_read = 0;  ///< images whose descriptors came from disk
  double seconds = 0;
  double waited = 0;  ///< seconds in which matching waited for images to be read and described
  StageSeconds stages;
};

/// Matches every pair in memory, block by block; `sink` is called in the order of work. Throws what the source, the
/// engine and the sink throw; Interrupted between two pairs.
CollectionStatistics match_collection(const CollectionWork& work, const PairSink& sink,
                                      const std::filesystem::path& descriptors = {}, const RunControl& control = {});

/// Descriptors [keypoints, D] of an image; the view is valid during the call.
using DescriptorSink = std::function<void(std::int64_t image, MatrixView descriptors)>;

/// Where descriptors are stored, and how they are computed.
struct DescriptorFolder {
  std::filesystem::path path;     ///< RunPlaces::descriptors; empty: not stored
  std::string numerics = "fp32";  ///< as in PlanRequest
  /// Of list_images: those that are left out have no descriptors. Empty: listed now.
  std::vector<PlannedImage> images{};
};

/// Left-side descriptors of every image in order, from the folder of stored descriptors; missing ones are
/// computed and stored, and a following run reads them. Throws InvalidArgument for 2-channel networks.
void describe_collection(Engine& engine, const ImageSource& source, const DescriptorFolder& folder,
                         const DescriptorSink& sink, const RunControl& control = {});

/// Does the blocks of a shard that are not done yet: each becomes one file with a checksum that appears by rename, then
/// a line in the shard's journal. May be killed at any moment; call it again to resume, and the files end up the same,
/// bit for bit. A block file that is cut off or damaged is made again. A plan that continues the folder's
/// (PlanRequest::folder) takes its place, and of blocks that it changed only the pairs are matched that are new or have
/// a changed image. Images are read and described, and blocks written, beside the matching of others; an error, or a
/// stop, still leaves every block that was matched. Throws PlanMismatch where the folder belongs to another plan,
/// or has blocks of a host that computes other bits, ImageChanged, IoError (disk full: what was finished stays),
/// Interrupted.
CollectionStatistics run_collection(const CollectionWork& work, const RunPlaces& places, const Shard& shard = {},
                                    RunEvents* events = nullptr, const RunControl& control = {});

}  // namespace twinpatch
