// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nanobind/nanobind.h>

// What the module twinpatch._core is made of, a file each.

namespace twinpatch::python {

/// Exceptions of the library become those of twinpatch._errors.
void bind_errors();
void bind_model(nanobind::module_& module);
void bind_engine(nanobind::module_& module);
void bind_images(nanobind::module_& module);

}  // namespace twinpatch::python
