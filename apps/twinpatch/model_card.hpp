// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "twinpatch/net/model.hpp"

namespace twinpatch::app {

/// What a model's metadata says of its data, recipe, figures, calibration and licence: indented lines of text. Metadata
/// of other keys or forms is shown as it is, cut after some words.
[[nodiscard]] std::string model_card(const Model& model);

/// Every validation of its training and of the trainings before, as tables. Throws InvalidArgument for a model without
/// a history.
[[nodiscard]] std::string training_history(const Model& model);

}  // namespace twinpatch::app
