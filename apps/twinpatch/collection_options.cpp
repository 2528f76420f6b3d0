// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "apps/frame/options.hpp"

#include "apps/frame/run_options.hpp"
#include "apps/twinpatch/collection_run.hpp"

namespace twinpatch::app {
namespace {

constexpr const char* kRunOptions = "Long runs";
/// Of a sample of so few, a pair of images could be a good one and yet seldom have the 8 matches that must agree.
constexpr std::int64_t kLeastSample = 32;

}  // namespace

void CollectionOptions::validate() const {
  photographs.validate();
  engine.execution.validate();
  guide.validate();
  if (early_exit && *early_exit < kLeastSample) {
    throw UsageError(fmt::format("--early-exit needs at least {} keypoints, found {}", kLeastSample, *early_exit));
  }
  if (ratio && !(*ratio > 0 && *ratio <= 1)) {
    throw UsageError(fmt::format("--ratio must be in (0, 1], found {}", *ratio));
  }
  if (!global_vectors.empty() && !pairs.has(PairRule::Kind::retrieval)) {
    throw UsageError("--global-descriptors needs --pairs retrieval:N");
  }
  if (!rerank.empty() && ratio && *ratio < 1)
    throw UsageError("--rerank adds two scores: the sum is no distance, so leave out --ratio");
  if (refine) {
    throw UsageError(
        "--refine moves the right keypoint of one match, but here the matches of all image pairs share an image's "
        "keypoints; refine two photographs with twinpatch match");
  }
  if (block_keypoints < 0)
    throw UsageError(fmt::format("--block-keypoints must not be negative, found {}", block_keypoints));
  (void)parsed_shard();
}

PairRules CollectionOptions::rules(const NetworkSpec& spec) const {
  PairRules rules;
  rules.match.mutual = !no_mutual;
  rules.match.ratio = ratio;
  if (!ratio && rerank.empty() && scores_are_distances(spec)) rules.match.ratio = kUsualRatio;
  if (ratio == 1.0F) rules.match.ratio.reset();
  if (!rerank.empty()) rules.match.threshold = 0;  // below, "none of them" is likelier than the best candidate
  if (threshold) rules.match.threshold = *threshold;
  return rules;
}

Shard CollectionOptions::parsed_shard() const {
  try {
    if (shard.empty()) return {};
    return shard == "slurm" ? Shard::from_slurm() : Shard::parse(shard);
  } catch (const InvalidArgument& error) {
    throw UsageError(std::string("--shard: ") + error.what());
  }
}

RunPlaces CollectionOptions::places(const std::filesystem::path& default_run) const {
  const std::filesystem::path folder = run.empty() ? default_run : std::filesystem::path(run);
  return {folder, descriptors.empty() ? folder / "descriptors" : std::filesystem::path(descriptors)};
}

void add_collection_options(Options& app, CollectionOptions& options) {
  add_engine_options(app, options.engine);
  app.add_option_function(
         "--pairs", [&options](const std::string& text) { options.pairs = PairChoice::parse(text); },
         "exhaustive, sequential:N, retrieval:N, a file of pairs of names, for COLMAP spatial:R, overlap:S and "
         "transitive:N; "
         "several joined by +")
      ->type_name("WHICH")
      ->default_str(options.pairs.text)
      ->group(kMainGroup);
  app.add_option(
         "--global-descriptors", options.global_vectors,
         ".npy float32 [images, D] for retrieval:N, rows in order of the images' names, instead of pooled patches")
      ->type_name("FILE")
      ->group(kMainGroup);
  app.add_option("--threshold", options.threshold, "lowest score of a match")->type_name("T")->group(kMainGroup);
  app.add_option("--ratio", options.ratio,
                 fmt::format("largest best / second-best distance; 1: any [{} for l2 and l1 networks]", kUsualRatio))
      ->type_name("R")
      ->group(kMainGroup);
  app.add_flag("--no-mutual", options.no_mutual, "keep the best of every left keypoint, not only mutual ones")
      ->group(kMainGroup);
  app.add_option("--rerank", options.rerank,
                 "score the model's nearest by this network too (twinpatch eval --fit makes it)")
      ->type_name("FILE|NAME")
      ->group(kMainGroup);
  add_guide_options(app, options.guide);
  app.add_option("--early-exit", options.early_exit,
                 "compare N keypoints of an image first, and drop pairs of images in which too few agree")
      ->type_name("N")
      ->group(kMainGroup);
  app.add_flag("--refine", options.refine, "")->group("");  // refused with the reason
  app.add_option("--masks", options.masks,
                 "folder of masks: keypoints on black pixels are not matched (of a/b.jpg: a/b.jpg.png or a/b.png)")
      ->type_name("DIR")
      ->group(kMainGroup);
  app.add_flag("--dry-run", options.dry_run, "say what the run would take, and stop")->group(kMainGroup);
  app.add_option("--run", options.run,
                 "folder of the run; the same command again resumes it, or goes on with more images")
      ->never_standard_output()
      ->type_name("DIR")
      ->group(kRunOptions);
  app.add_option("--descriptors", options.descriptors, "folder of descriptors; runs may share it [RUN/descriptors]")
      ->type_name("DIR")
      ->group(kRunOptions);
  app.add_option("--shard", options.shard, "do the i-th of N shares; slurm: that of the task of a Slurm job array")
      ->type_name("i/N|slurm")
      ->group(kRunOptions);
  app.add_flag("--leave-out-damaged", options.leave_out_damaged,
               "leave out images that cannot be read, with all of their pairs; exit code 3 then")
      ->group(kRunOptions);
  app.add_option("--leave-out", options.leave_out, "leave out these images likewise")
      ->type_name("NAME...")
      ->expected(1, 1 << 20)
      ->group(kRunOptions);
  app.add_option("--events", options.events, "append events as JSON lines")->type_name("FILE")->group(kRunOptions);
  app.add_option("--block-keypoints", options.block_keypoints, "most keypoints on a side of a block; 0: automatic")
      ->type_name("N")
      ->default_str("0")
      ->group(kRunOptions);
  add_patch_options(app, options.photographs);
}

}  // namespace twinpatch::app
