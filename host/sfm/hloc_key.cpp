// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "twinpatch/sfm/hloc_matches.hpp"

namespace twinpatch {

std::string hloc_pair_key(const std::string& first, const std::string& second) {
  std::string left = first;
  std::string right = second;
  std::ranges::replace(left, '/', '-');
  std::ranges::replace(right, '/', '-');
  return left + "/" + right;
}

}  // namespace twinpatch
