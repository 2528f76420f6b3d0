// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "twinpatch/collection/work.hpp"
#include "twinpatch/core/run_control.hpp"

namespace twinpatch {

/// Whether two plans differ in nothing but the content of images and the selection of pairs: then blocks of the one can
/// be blocks of the other.
[[nodiscard]] bool differ_in_content_alone(const CollectionPlan& a, const CollectionPlan& b);
/// Whether it is, furthermore, only that images are left out of the one or the other.
[[nodiscard]] bool differ_in_left_out_alone(const CollectionPlan& a, const CollectionPlan& b);

/// Writes the finished blocks of `found` that `work.plan` has, with the same pairs of images that did not change, as
/// blocks of `work.plan`; their number. What is damaged or not there is passed over.
[[nodiscard]] std::int64_t adopt_blocks(const CollectionWork& work, const CollectionPlan& found,
                                        const std::filesystem::path& folder, const RunControl& control);
/// Removes the block files of a plan that another has taken the place of.
void remove_blocks(const CollectionPlan& plan, const std::filesystem::path& folder);

}  // namespace twinpatch
