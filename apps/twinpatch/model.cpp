// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/twinpatch/commands.hpp"

namespace twinpatch::app {

Command model_command() {
  return {.name = "model",
          .summary = "list, show, convert, quantize, export and verify models",
          .examples = {{"every network, and which have weights", "twinpatch model list"},
                       {"layers, sizes and cost of one", "twinpatch model show siam"},
                       {"convert a released .bin or .t7 file", "twinpatch model convert 2ch.bin 2ch.safetensors"},
                       {"for programs that run ONNX", "twinpatch model export hard128 --onnx -o hard128.onnx"}},
          .notes = "",
          .add_options = {},
          .children = {model_list_command(), model_show_command(), model_convert_command(), model_export_command(),
                       model_quantize_command(), model_verify_command()}};
}

}  // namespace twinpatch::app
