// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "twinpatch/collection/image_pairs.hpp"
#include "twinpatch/collection/image_source.hpp"
#include "twinpatch/engine/engine.hpp"

// The work of a long run, cut into blocks that do not depend on machines, threads or shards.

namespace twinpatch {

/// Everything that decides the matches of two images.
struct PairRules {
  MatchRules match;          ///< with a second network of the sum of both scores
  std::string two_stages{};  ///< the second network's rule in one line, numbers in full; empty: one network
  std::string guide{};       ///< MatchGuide::rule() of a second pass; empty: none
  std::string early_exit{};  ///< EarlyExit::rule() before the first pass; empty: none
};

/// One unit of work: the pairs of an image tile × an image tile.
struct Block {
  std::int64_t number = 0;  ///< position in the order of work; stays the same when the run is continued
  ImageRange rows;
  ImageRange columns;
  std::int64_t pairs = 0;        ///< of images
  std::int64_t comparisons = 0;  ///< of patches
  int generation = 0;            ///< the plan that last changed its pairs, see CollectionPlan::generations
};

/// The images of a run as they were when it was planned.
struct PlannedImage {
  std::string name;
  std::int64_t keypoints = 0;
  std::string key;    ///< ImageSource::content_key
  int since = 0;      ///< the generation that took in this content
  bool gone = false;  ///< left out or no longer there; `keypoints` and `key` are what it had
  /// Nothing is read of it and no pair has it.
  [[nodiscard]] bool is_left_out() const;
  friend bool operator==(const PlannedImage&, const PlannedImage&) = default;
};

/// An image that cannot be read whole.
struct DamagedImage {
  std::int32_t image = 0;
  std::string name;
  std::string what;  ///< one line that names its file
};

/// Images of a collection are damaged; the message names them.
class DamagedImages : public Error {
 public:
  DamagedImages(std::vector<DamagedImage> damaged, std::int64_t of);
  [[nodiscard]] const std::vector<DamagedImage>& damaged() const noexcept { return damaged_; }

 private:
  std::vector<DamagedImage> damaged_;
};

/// The images of a source. All were read; those that could not be read whole are left out and named in `damaged`.
struct ImageListing {
  std::vector<PlannedImage> images;
  std::vector<DamagedImage> damaged;
};
/// Asks the source for the name, count and key of every image; those named in `leave_out` are left out. Throws
/// InvalidArgument for a negative count and for a name that no image has.
[[nodiscard]] ImageListing list_images(const ImageSource& source, std::span<const std::string> leave_out = {},
                                       const RunControl& control = {});

/// Everything that decides the end result of a run, and its blocks. The same inputs give the same plan on every
/// machine.
///
/// A run is continued, with more images or changed ones, by a plan of the next generation. Images, tiles and blocks
/// keep their numbers, new ones come after them. Blocks whose pairs stay the same keep their generation, and so their
/// files; those whose pairs change get the new one.
struct CollectionPlan {
  std::string model;         ///< name and hash
  std::string rerank_model;  ///< of the pair network; empty without
  std::string numerics;      ///< precision and what else changes the bits of a score
  PairRules rules{};
  std::string patch_settings;
  std::vector<PlannedImage> images;
  std::string pair_key;             ///< hash of the selection of pairs
  std::int64_t tile_keypoints = 0;  ///< most keypoints of a tile of several images
  std::vector<ImageRange> tiles;    ///< of images, in order
  std::vector<Block> blocks;        ///< of each generation in order of work: rows fixed, columns there and back again
  std::vector<std::string> generations;  ///< ids of the plans before this one, the first one first
  std::string id;                        ///< 32 hex digits over all of the above

  [[nodiscard]] std::int64_t keypoints() const;
  [[nodiscard]] std::int64_t pairs() const;
  [[nodiscard]] std::int64_t comparisons() const;
  /// Of the plan itself; 0 for a run that was never continued.
  [[nodiscard]] int generation() const { return static_cast<int>(generations.size()); }
  /// The id of a plan before this one, or its own.
  [[nodiscard]] const std::string& id_of(int generation) const;
  /// "000012-1f0c…": number and a hash of the plan and the block; names the block's file.
  [[nodiscard]] std::string block_id(const Block& block) const;
};

/// A run folder holds another plan than requested; the message says what differs.
class PlanMismatch : public Error {
 public:
  using Error::Error;
};

/// An image changed since the run was planned.
class ImageChanged : public Error {
 public:
  ImageChanged(std::string image, const std::string& what) : Error(what), image_(std::move(image)) {}
  [[nodiscard]] const std::string& image() const noexcept { return image_; }

 private:
  std::string image_;
};

/// What to plan.
struct PlanRequest {
  PairRules rules = PairRules();  // GCC 12 takes {} for uninitialised
  std::string numerics = "fp32";
  /// Most keypoints of a tile; 0: as many as the memory holds, at most 65,536, and few enough for some sixty
  /// blocks, so that shards balance and little is lost.
  std::int64_t tile_keypoints = 0;
  const Engine* rerank = nullptr;  ///< the second network, with the rule for both in its model; null: none
  /// Of list_images; no pair may have one that is left out. Empty: listed now.
  std::vector<PlannedImage> images{};
  /// RunPlaces::folder; a run that it holds is continued. Empty: a plan of its own.
  std::filesystem::path folder{};
};

/// The plan of a run. Where the folder holds one: that one if images and pairs are still the same, else its next
/// generation. Images are known by name; `pairs` has the source's numbers, the plan its own. Throws InvalidArgument for
/// pairs of another number of images or of one that is left out, rules that the network has no use for, a second
/// network without a rule for both (see two_stage_rule) and a negative size or count; DamagedImages where images are
/// listed now; PlanMismatch if the run in the folder cannot be continued: made with another model, precision, rules,
/// patches or tile size, or of images none of which is among these.
[[nodiscard]] CollectionPlan make_plan(const Engine& engine, const ImageSource& source, const PairSelection& pairs,
                                       const PlanRequest& request, const RunControl& control = {});

/// JSON. Throws FormatError with the reason, also if the id does not match the content.
[[nodiscard]] CollectionPlan read_plan(const std::filesystem::path& path);
void write_plan(const std::filesystem::path& path, const CollectionPlan& plan);

/// Throws PlanMismatch naming the first thing that differs (`folder` is where `found` comes from), ImageChanged if
/// it is an image.
void check_same_plan(const CollectionPlan& wanted, const CollectionPlan& found, const std::filesystem::path& folder);

/// What a plan changed in the run that it continues.
struct PlanChanges {
  std::vector<std::string> added;    ///< images that are new
  std::vector<std::string> changed;  ///< images with other content
  std::vector<std::string> gone;     ///< images that were left out, or are no longer there
  std::vector<std::string> back;     ///< images that had been left out or gone
  std::int64_t pairs = 0;            ///< of blocks that the plan made or changed
  std::int64_t blocks = 0;           ///< that it made or changed
};
/// From one plan to another one that continues it.
[[nodiscard]] PlanChanges changes_between(const CollectionPlan& before, const CollectionPlan& now);

/// Share of the blocks for one process; index in [0, count).
struct Shard {
  std::int64_t index = 0;
  std::int64_t count = 1;

  /// "2/8" is shard 2 of 8. Throws InvalidArgument.
  [[nodiscard]] static Shard parse(const std::string& text);
  /// The task of a Slurm job array that this process is, by SLURM_ARRAY_TASK_ID; nothing outside of one.
  [[nodiscard]] static std::optional<std::int64_t> slurm_task();
  /// Its share among the array's tasks (_MIN, _MAX, _STEP, _COUNT). Throws InvalidArgument outside a job array and for
  /// one whose numbers have gaps.
  [[nodiscard]] static Shard from_slurm();
  [[nodiscard]] std::string text() const;
};
/// The blocks of a shard by number, ascending. Of each generation: neighbours in the order of work, shares of about
/// equally many comparisons.
[[nodiscard]] std::vector<std::int64_t> shard_blocks(const CollectionPlan& plan, const Shard& shard);

}  // namespace twinpatch
