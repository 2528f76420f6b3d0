// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/twinpatch/two_stages.hpp"

#include "apps/twinpatch/eval_datasets.hpp"
#include "twinpatch/core/stopwatch.hpp"
#include "twinpatch/core/units.hpp"
#include "twinpatch/evaluate/sequence_matching.hpp"
#include "twinpatch/evaluate/two_stage.hpp"
#include "twinpatch/net/patch_extent.hpp"
#include "twinpatch/vision/cut_patches.hpp"

namespace twinpatch::app {
namespace {

/// Candidates of one sequence with what is true of them, a list for each of its pairs of images.
class LabelledSequences {
 public:
  LabelledSequences(Session& session, const EvalOptions& options)
      : session_(session),
        options_(options),
        first_engine_(std::make_shared<Engine>(make_engine(session, options.engine))),
        second_(make_engine(session, {.model = options.rerank, .execution = options.engine.execution})),
        pool_(options.engine.execution.threads) {
    check_finds(first_engine_->spec());
    check_decides(second_.model());
    first_ = network_comparer(first_engine_->spec().name, first_engine_);
  }
  [[nodiscard]] const Engine& first() const { return *first_engine_; }
  [[nodiscard]] const std::vector<std::vector<LabelledCandidate>>& lists() const { return lists_; }

  void add(const std::filesystem::path& folder) {
    const SequenceMatchingOptions matching{.max_keypoints = options_.max_keypoints};
    const auto control = session_.control();
    const SequenceTruth truth = find_sequence_truth(read_image_sequence(folder), matching, pool_, control);
    const float extent = options_.extent.value_or(patch_extent(first_engine_->model()).value_or(CutOptions().extent));
    const auto cut = [&](std::size_t image) {
      return cut_patches(truth.sequence.images[image], truth.keypoints[image],
                         {.side = first_->side(), .extent = extent}, pool_);
    };
    const PatchSet left = cut(0);
    for (std::size_t i = 1; i < truth.keypoints.size(); ++i) {
      const PatchSet right = cut(i);
      if (left.size() == 0 || right.size() == 0) continue;
      const Candidates candidates = find_candidates(*first_, left.view(), right.view(), options_.candidates, control);
      const auto scores = second_.score(left.view(), right.view(), candidates.pairs, control);
      std::vector<Match> pairs;
      for (std::size_t j = 0; j < scores.size(); ++j)
        pairs.push_back({candidates.pairs[j].left, candidates.pairs[j].right, scores[j]});
      const auto errors =
          transfer_errors(truth.keypoints.front(), truth.keypoints[i], pairs, truth.sequence.from_first[i]);
      lists_.push_back(label_candidates(candidates, scores, errors));
    }
  }

 private:
  Session& session_;
  const EvalOptions& options_;
  std::shared_ptr<Engine> first_engine_;
  Engine second_;
  ThreadPool pool_;
  std::unique_ptr<Comparer> first_;
  std::vector<std::vector<LabelledCandidate>> lists_;
};

}  // namespace

SecondNetwork open_second(Session& session, const std::string& rerank, const Engine& first,
                          const ExecutionOptions& execution) {
  check_finds(first.spec());
  auto engine = std::make_shared<Engine>(make_engine(session, {.model = rerank, .execution = execution}));
  TwoStageRule rule = two_stage_rule(engine->model(), first.spec().name);
  return {std::move(engine), std::move(rule)};
}

std::unique_ptr<Comparer> two_stages(const std::shared_ptr<Engine>& first, const SecondNetwork& second) {
  return two_stage_comparer(network_comparer(first->spec().name, first),
                            network_comparer(second.engine->spec().name, second.engine), second.rule);
}

std::unique_ptr<Comparer> make_two_stages(Session& session, const std::string& rerank,
                                          const std::shared_ptr<Engine>& first, const ExecutionOptions& execution) {
  return two_stages(first, open_second(session, rerank, *first, execution));
}

ExitCode fit_two_stages(Session& session, const EvalOptions& options) {
  const Stopwatch watch;
  LabelledSequences sequences(session, options);
  std::vector<std::string> missing;
  for (const auto& folder : usable_sequences(session, options.dataset, missing)) {
    session.control().check();
    sequences.add(folder);
  }
  const TwoStageRule rule =
      fit_two_stage(sequences.lists(), {.first = sequences.first().spec().name, .candidates = options.candidates});
  Model model = load_model(find_model(options.rerank));
  store_two_stage_rule(model, rule);
  save_model(options.fit, model);
  session.info("{}: {:.4g} · similarity + {:.4g} · {} − {:.4g}, of {}'s {} nearest; {} pairs of images in {}",
               options.fit, rule.similarity_weight, rule.network_weight, model.spec.name, rule.none, rule.first,
               rule.candidates, sequences.lists().size(), format_seconds(watch.seconds()));
  if (session.options().json)
    session.print_json("twinpatch.fit/1", {{"out", options.fit},
                                           {"network", model.spec.name},
                                           {"first", rule.first},
                                           {"candidates", rule.candidates},
                                           {"similarity_weight", rule.similarity_weight},
                                           {"network_weight", rule.network_weight},
                                           {"none", rule.none}});
  return missing.empty() ? ExitCode::done : ExitCode::partial;
}

}  // namespace twinpatch::app
