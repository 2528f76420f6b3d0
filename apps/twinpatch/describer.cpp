// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/twinpatch/describer.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace twinpatch::app {
namespace {

constexpr std::int64_t kBlock = 8192;  // patches described, written and forgotten at a time

Engine describing_engine(Session& session, const EngineOptions& options) {
  Engine engine = make_engine(session, options);
  if (has_descriptors(engine.spec())) return engine;
  throw InvalidArgument(
      fmt::format("{} is a 2-channel network: it takes both patches of a pair at once and has no descriptors "
                  "(score and grid compare its patches)",
                  engine.spec().name));
}

}  // namespace

Describer::Describer(Session& session, DescriberOptions options)
    : session_(session),
      options_(std::move(options)),
      engine_(describing_engine(session, options_.engine)),
      writer_(options_.out, NpyType::f32, {-1, engine_.descriptor_size()}),
      pool_(options_.engine.execution.threads) {}

void Describer::add(const std::string& input) {
  if (!seen_.insert(std::filesystem::weakly_canonical(input)).second) {
    session_.warn("{}: duplicate input; the output has its rows twice", input);
  }
  if (input_kind(input) == InputKind::image) {
    add_photograph(input);
  } else {
    visit_patches(session_, input, engine_.spec(), options_.reading,
                  [&](const PatchInput& patches) { append(patches.path, patches.part, patches.patches); });
  }
}

void Describer::finish() {
  writer_.finish();
  if (!options_.keypoints_out.empty()) {
    write_npy<float>(options_.keypoints_out, keypoints_, {static_cast<std::int64_t>(keypoints_.size() / 4), 4});
  }
}

void Describer::add_photograph(const std::string& input) {
  const Photograph photograph = read_photograph(session_, {input, options_.keypoints}, engine_.model(),
                                                options_.photographs, {pool_, options_.engine.execution.memory});
  const float shift = options_.photographs.pixel_origin - 0.5F;
  for (const auto& k : photograph.keypoints) {
    keypoints_.insert(keypoints_.end(), {k.x + shift, k.y + shift, k.sigma, k.angle});
  }
  append(input, "", photograph.patches);
}

void Describer::append(const std::string& path, const std::string& part, const PatchSet& patches) {
  const RunControl& control = session_.control();
  AdvanceOnly advance(control.progress);
  const RunControl inner{control.stop, &advance};
  control.begin(std::filesystem::path(path).filename().string(), patches.size(), "patches");
  for (std::int64_t begin = 0; begin < patches.size(); begin += kBlock) {
    control.check();
    const std::int64_t count = std::min(kBlock, patches.size() - begin);
    const Matrix descriptors = engine_.describe(patches.view().slice(begin, count), options_.side, inner);
    writer_.append<float>(descriptors.span());
    patches.release(begin, begin + count);
  }
  control.end();
  parts_.push_back({path, part, rows_, patches.size()});
  rows_ += patches.size();
}

}  // namespace twinpatch::app
