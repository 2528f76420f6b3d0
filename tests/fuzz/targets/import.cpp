// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "fuzz/fuzz.hpp"
#include "net/torch7_writer.hpp"
#include "twinpatch/net/model.hpp"

namespace twinpatch::fuzz {
namespace {

/// A whole network's file, megabytes of weights that are zero; `structure` are the places of all else.
struct WholeFile {
  explicit WholeFile(std::vector<std::byte> content) : bytes(std::move(content)) {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      if (bytes[i] != std::byte{0}) structure.push_back(i);
    }
  }
  std::vector<std::byte> bytes;
  std::vector<std::size_t> structure;
};

Model zero_model(const char* name) {
  Model model = random_model(network(name), 1);
  for (auto& [weight, tensor] : model.weights) std::ranges::fill(tensor.values, 0.0F);
  return model;
}

std::vector<std::byte> as_bin(const char* type, const Model& model, bool descriptor_only) {
  test::ByteWriter writer;
  writer.text(type);
  const auto shapes = weight_shapes(model.spec, descriptor_only);
  for (std::size_t i = 0; i + 1 < shapes.size(); i += 2) {
    const auto& weight = model.weights.at(shapes[i].name).values;
    const auto& bias = model.weights.at(shapes[i + 1].name).values;
    writer.i32(static_cast<std::int64_t>(i) + 1).i32(std::ssize(weight)).i32(std::ssize(bias));
    writer.floats(weight).floats(bias);
  }
  return writer.bytes();
}

const WholeFile& whole_file(bool torch) {
  static const WholeFile t7(test::as_t7(zero_model("2ch")));
  static const WholeFile bin(as_bin("siam_desc", zero_model("siam"), true));
  return torch ? t7 : bin;
}

/// A good file with up to four bytes changed near its structure, and perhaps cut off.
void import_damaged(Input& input) {
  const WholeFile& whole = whole_file(input.flag());
  std::vector<std::byte> bytes = whole.bytes;
  for (int edits = input.below(5); edits > 0; --edits) {
    const std::size_t near = whole.structure[input.number<std::uint16_t>() % whole.structure.size()];
    bytes[std::min(near + static_cast<std::size_t>(input.below(8)), bytes.size() - 1)] = input.number<std::byte>();
  }
  if (input.below(4) == 3) bytes.resize(input.number<std::uint32_t>() % bytes.size());
  refused([&] { check(import_model(bytes, "x")); });
}

}  // namespace

// Torch7 files, .bin files of cvpr15deepcompare, the golden outputs that came with them; and whole files, damaged.
void run_target(Bytes bytes) {
  Input input(bytes);
  const int reader = input.below(5);
  if (reader == 4) return import_damaged(input);
  const Bytes rest = input.rest();
  refused([&] {
    if (reader == 0) check(import_torch7(rest, "x"));
    if (reader == 1) check(import_deepcompare_bin(rest, "x"));
    if (reader == 2) (void)read_golden(rest, "x");
    if (reader == 3) check(import_model(rest, "x"));
  });
}

}  // namespace twinpatch::fuzz
