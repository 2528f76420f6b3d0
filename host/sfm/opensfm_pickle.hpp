// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "twinpatch/patches/pair_list.hpp"

// Pieces of a Python pickle, protocol 3, of a dictionary {text: numpy.ndarray int64 [N, 2]}: a beginning, its items, an
// end. Reference: CPython's Lib/pickletools.py, and what NumPy's ndarray.__reduce__ gives. Nothing is named but
// numpy.core.multiarray._reconstruct, numpy.ndarray and numpy.dtype, the three that OpenSfM's reader allows in all of
// its versions. Protocol 2 has no bytes: Python 3 writes them there by a call that OpenSfM refuses.

namespace twinpatch::sfm {

using PickleBytes = std::vector<std::byte>;

void append_dictionary_begin(PickleBytes& pickle);
/// Throws InvalidArgument for an array or a name of more than 4 GiB.
void append_item(PickleBytes& pickle, std::string_view key, std::span<const IndexPair> rows);
void append_dictionary_end(PickleBytes& pickle);

}  // namespace twinpatch::sfm
