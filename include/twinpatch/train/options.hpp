// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "twinpatch/net/spec.hpp"

namespace twinpatch {

/// Changes applied to the patches of a pair in training. The first two are the paper's (equal for both patches); the
/// others disturb each patch separately, as detection and light do. All zero or false: patches as stored.
struct Augmentation {
  bool turns = true;       ///< quarter turns and mirror images, the same for both patches
  bool swap = true;        ///< left and right change places
  double shift = 1.0;      ///< standard deviation, pixels of the patch, per axis
  double angle = 4.0;      ///< standard deviation, degrees
  double scale = 0.05;     ///< standard deviation of the logarithm of the size
  double blur = 0.3;       ///< probability of a 3×3 binomial blur
  double contrast = 0.15;  ///< standard deviation of the logarithm of the gain; brightness moves by 100 × this
  friend bool operator==(const Augmentation&, const Augmentation&) = default;
};

/// Sides of windows in σ, least to most. Where there is a range, the trainer cuts every pair's window out of what the
/// dataset holds: never a wider one. PhotoTour's own folders, whose windows are not known, are used as stored.
struct WindowRange {
  double least = 0, most = 0;  ///< both 0: patches as stored
  [[nodiscard]] bool chosen() const noexcept { return most > 0; }
  friend bool operator==(const WindowRange&, const WindowRange&) = default;
};

enum class LossKind {
  automatic,  ///< by network: grid for decision layers on two branches, hinge for 2-channel, triplet for l2, …
  hinge,      ///< the paper's: mean of max(0, 1 − y·score), y = ±1, as many negatives as positives
  grid,       ///< hinge on the batch's whole grid of pairs, hardest negatives of each row and column, and their ranking
  triplet,    ///< hardest negative in the batch: max(0, 1 + d(positive) − d(negative)) (HardNet)
  softmax,    ///< every match against its row and column of the batch's grid, softmax of −d²/2 over a temperature
  energy,     ///< Chopra 2005: 2/Q·E² for matches, 2Q·exp(−2.77·E/Q) for others
  cosine,     ///< Bromley 1994: (cosine − target)², targets ±1
  lists       ///< on candidate lists: softmax of similarity and score over a keypoint's candidates and "none of them"
};
/// What a list of candidates is: what the descriptor alone would have made of the keypoint.
enum class ListKind {
  right,  ///< the most similar candidate is the right one
  near,   ///< the right one is there, the most similar is at most 8 pixels off
  gross,  ///< the right one is there, the most similar is farther off
  wrong,  ///< no candidate is right, and the most similar is the other's nearest too: a wrong match
  none    ///< no candidate is right, and there is no mutual nearest
};
constexpr int kListKinds = 5;
/// How often lists of each kind are drawn, by ListKind; those that the data lacks give way to the others.
using KindShares = std::array<double, kListKinds>;
enum class OptimiserKind {
  sgd,   ///< momentum
  asgd,  ///< averaged SGD as the paper's: η_t = η0/(1+λη0·t)^0.75, the average of the steps after t0 is the result
  adam
};
enum class ScheduleKind { constant, linear, cosine };
/// Precision of a training step: fp32, or bf16 where PyTorch's autocast takes it (weights and losses stay fp32).
enum class Amp { off, bf16 };
/// Where the pairs come from: groups of info.txt, or the folder's own pair list (m50_*.txt).
enum class PairSource { groups, list };

/// "10:24". Throws InvalidArgument where the text is not two numbers of σ, 1 ≤ least ≤ most.
[[nodiscard]] WindowRange parse_window_range(std::string_view text);

/// "right:1,near:2,gross:4"; kinds that are not named get 0. Throws InvalidArgument.
[[nodiscard]] KindShares parse_kind_shares(std::string_view text);

[[nodiscard]] std::string to_string(LossKind kind);
[[nodiscard]] std::string to_string(ListKind kind);
[[nodiscard]] std::string to_string(OptimiserKind kind);
[[nodiscard]] std::string to_string(ScheduleKind kind);
[[nodiscard]] std::string to_string(PairSource source);
[[nodiscard]] std::string to_string(Amp amp);

/// Everything that decides the result of a training run. One of `steps` and `minutes` bounds it.
struct TrainOptions {
  std::string network = "siam";  ///< catalogue name, or the path of a spec's JSON
  std::vector<std::filesystem::path> datasets;
  std::vector<std::filesystem::path> validation;
  int hold_out = 0;  ///< use this many of `datasets` for validation, the smallest first
  PairSource pairs = PairSource::groups;

  std::int64_t steps = 0;  ///< 0: `minutes` decides
  double minutes = 0;      ///< of training and validation, including earlier parts of a resumed run
  int batch = 128;         ///< matching pairs per step, with as many or more non-matching ones

  LossKind loss = LossKind::automatic;
  double ranking = 1.0;             ///< grid: weight of the ranking term
  double temperature = 0;           ///< of a softmax over row and column. 0: grid ranks by hinge, softmax takes 0.05
  int hard = 8;                     ///< grid: hardest negatives of each row and column
  int mine = 1;                     ///< pair losses: negatives are the hardest of this many random ones
  double leave_out = 0.02;          ///< share of the hardest negatives of the same scene that is not used
  double same_scene = 0.5;          ///< share of a batch that comes from one scene
  KindShares kinds{1, 1, 1, 1, 1};  ///< lists: see KindShares
  int list_candidates = 8;          ///< lists: candidates that are scored, the right one and the most similar
  double same_images = 0.5;         ///< how often that part comes from one pair of its images, as in matching

  OptimiserKind optimiser = OptimiserKind::sgd;
  double rate = 0;  ///< 0: by optimiser and loss
  double momentum = 0.9;
  double weight_decay = 5e-4;
  double average_from = 0.5;  ///< asgd: averaging begins at this share of the run
  ScheduleKind schedule = ScheduleKind::cosine;
  int warm_up = 100;   ///< steps of a rate that rises from 0
  double clip = 0;     ///< largest norm of the gradient; 0: no bound
  int accumulate = 1;  ///< batches whose mean gradient makes one step; negatives come from a batch of their own each
  Amp amp = Amp::off;

  Augmentation augmentation;
  WindowRange windows;
  double patch_extent = 0;  ///< σ, that the model asks for; 0: the datasets', where they agree and are used as stored
  std::uint64_t seed = 1;
  int threads = 0;              ///< 0: what the host has
  std::string device = "auto";  ///< auto, cpu, cuda

  int validation_pairs = 2000;       ///< of each class and scene
  std::int64_t validate_every = 0;   ///< steps; 0: about 40 times in a run
  int patience = 0;                  ///< validations without a new best before the run stops; 0: never
  std::filesystem::path checkpoint;  ///< folder; empty: no checkpoints
  double checkpoint_minutes = 3;     ///< at least this often, and at every validation
  std::filesystem::path cache;       ///< folder of decoded patches; empty: $XDG_CACHE_HOME/twinpatch
  std::filesystem::path initial;     ///< start from the fitting weights of this model; empty: from random weights
  bool half = false;                 ///< weights as fp16, unless FPR95 of a validation scene moves by 0.1 point
};

/// Replaces "automatic" and 0 by their values and checks all options. Throws InvalidArgument naming the option that is
/// impossible with the network, and what is possible.
[[nodiscard]] TrainOptions resolve(TrainOptions options, const NetworkSpec& spec);

/// JSON of the options that decide the result (not threads, device, folders): stored in the model and in checkpoints.
[[nodiscard]] std::string to_json(const TrainOptions& options);

}  // namespace twinpatch
