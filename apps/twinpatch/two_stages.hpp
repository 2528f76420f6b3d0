// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "apps/frame/session.hpp"
#include "apps/twinpatch/engine_options.hpp"
#include "twinpatch/evaluate/comparer.hpp"

namespace twinpatch::app {

/// `first` finds candidates, the network `rerank` (name or file) scores them too, by the rule in its metadata. Throws
/// InvalidArgument where it has none, or either network cannot have its part.
[[nodiscard]] std::unique_ptr<Comparer> make_two_stages(Session& session, const std::string& rerank,
                                                        const std::shared_ptr<Engine>& first,
                                                        const ExecutionOptions& execution);

}  // namespace twinpatch::app
