// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/twinpatch/commands.hpp"

namespace twinpatch::app {

Command export_command() {
  return {
      .name = "export",
      .summary = "write matches as files of other structure-from-motion programs",
      .examples = {{"for hloc, from its features",
                    "twinpatch export hloc --features features.h5 --images images --pairs pairs.txt -o matches.h5"},
                   {"for OpenMVG, from a finished run",
                    "twinpatch export openmvg run --sfm-data matches/sfm_data.json -o matches/matches.putative.bin"}},
      .notes = "",
      .add_options = {},
      .children = {export_hloc_command(), export_openmvg_command(), export_opensfm_command()}};
}

}  // namespace twinpatch::app
