// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace simt {

/// The function of this program at an address, without its parameters: "(anonymous namespace)::scale". From the
/// program's own symbol table, which also names what is not exported; the address in hexadecimal where there is none.
[[nodiscard]] std::string function_name(const void* address);

}  // namespace simt
