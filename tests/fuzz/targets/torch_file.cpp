// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "fuzz/fuzz.hpp"
#include "support/torch_writer.hpp"
#include "twinpatch/net/foreign_weights.hpp"

namespace twinpatch::fuzz {
namespace {

NetworkSpec one_layer() {
  NetworkSpec spec;
  spec.name = "one";
  spec.input = Extent{4, 4};
  spec.streams = {{{}, {Linear{16, 2}}}};
  spec.decision = DecisionMetric{};
  return spec;
}

void read(const std::string& file) {
  refused([&] {
    const auto bytes = std::as_bytes(std::span(file));
    for (const StoredTensor& tensor : list_torch_tensors(bytes, "x")) {
      std::int64_t count = 1;
      for (const std::int64_t size : tensor.shape) {
        if (size != 0 && count > 100000 / size) return;  // a network's size bounds it
        count *= size;
      }
      (void)read_tensor(tensor, "x");
    }
    check(import_weights(bytes, "x", one_layer()).model);
  });
}

}  // namespace

// Files of torch.save as they are; archives and old files around a pickle, with storages "0" and "1" of 32 and 2
// values; maps of names.
void run_target(Bytes bytes) {
  Input input(bytes);
  const int form = input.below(4);
  const std::string rest(as_text(input.rest()));
  const std::vector<test::NamedTensor> tensors{{"w", {2, 16}, std::vector<float>(32, 1)}, {"b", {2}, {1, 2}}};
  if (form == 0) read(rest);
  if (form == 1) read(test::as_torch_archive(rest, tensors));
  if (form == 2) read(test::as_torch_legacy(rest, tensors));
  if (form == 3) refused([&] { (void)parse_weight_map(rest, "x"); });
}

}  // namespace twinpatch::fuzz
