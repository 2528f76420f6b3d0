// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "bindings.hpp"

NB_MODULE(_core, module) {
  module.doc() = "The compiled part of twinpatch; import twinpatch instead.";
  module.attr("version") = TWINPATCH_VERSION;
  twinpatch::python::bind_errors();
  twinpatch::python::bind_model(module);
  twinpatch::python::bind_engine(module);
  twinpatch::python::bind_images(module);
}
