// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "apps/frame/session.hpp"
#include "apps/twinpatch/engine_options.hpp"
#include "twinpatch/engine/two_stage.hpp"
#include "twinpatch/evaluate/comparer.hpp"

namespace twinpatch::app {

/// The network of --rerank, and how its scores are added to those of the first one.
struct SecondNetwork {
  std::shared_ptr<Engine> engine;
  TwoStageRule rule;
};
/// The network `rerank` (name or file) by the rule in its metadata. Throws InvalidArgument where it has none, or either
/// network cannot have its part.
[[nodiscard]] SecondNetwork open_second(Session& session, const std::string& rerank, const Engine& first,
                                        const ExecutionOptions& execution);

/// `first` finds candidates, the second network scores them too.
[[nodiscard]] std::unique_ptr<Comparer> two_stages(const std::shared_ptr<Engine>& first, const SecondNetwork& second);
/// Both in one.
[[nodiscard]] std::unique_ptr<Comparer> make_two_stages(Session& session, const std::string& rerank,
                                                        const std::shared_ptr<Engine>& first,
                                                        const ExecutionOptions& execution);

}  // namespace twinpatch::app
