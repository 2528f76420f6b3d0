// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/net/model.hpp"

#include "fuzz/fuzz.hpp"
#include "twinpatch/formats/safetensors.hpp"

namespace twinpatch::fuzz {

void run_target(Bytes input) {
  refused([&] {
    const Model model = load_model(input, "x");
    (void)model_hash(model);
    (void)fold_batch_normalisation(model);
  });
  SafeTensors tensors;
  if (refused([&] { tensors = parse_safetensors(input, "x"); })) return;
  const SafeTensors again = parse_safetensors(serialize_safetensors(tensors), "y");
  require(again.metadata == tensors.metadata, "metadata that do not come back");
  require(again.tensors.size() == tensors.tensors.size(), "tensors that do not come back");
}

}  // namespace twinpatch::fuzz
