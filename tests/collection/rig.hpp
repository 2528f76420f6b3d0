// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fstream>

#include "collection/collection_support.hpp"
#include "support/temporary_folder.hpp"

namespace twinpatch::test {

/// A collection of odd sizes cut into many small blocks.
struct Rig {
  explicit Rig(Tiny kind = Tiny::l2, std::int64_t images = 17, std::int64_t memory = 0)
      : engine(tiny_engine(kind, memory)),
        source(random_images(images, 40, 11)),
        pairs(PairSelection::exhaustive(images)),
        plan(make_plan(engine, source, pairs, {.tile_keypoints = 90})) {}
  CollectionStatistics run(const std::filesystem::path& to, const Shard& shard = {}, const RunControl& control = {},
                           RunEvents* events = nullptr) {
    return run_collection({engine, source, pairs, plan}, {to, to / "descriptors"}, shard, events, control);
  }
  Engine engine;
  MemoryImageSource source;
  PairSelection pairs;
  CollectionPlan plan;
  TemporaryFolder folder;
};

struct Watch final : RunEvents {
  void block_done(const Block& /*block*/, const std::string& /*id*/, std::int64_t /*matches*/,
                  double /*seconds*/) override {
    ++done;
    if (done == stop_after) stop.request_stop();
  }
  void block_damaged(const Block& /*block*/, const std::string& what) override { damaged.push_back(what); }
  void descriptors_damaged(const std::string& /*image*/, const std::string& what) override {
    damaged_descriptors.push_back(what);
  }
  std::int64_t done = 0;
  std::int64_t stop_after = -1;
  std::stop_source stop;
  std::vector<std::string> damaged;
  std::vector<std::string> damaged_descriptors;
};

inline void damage(const std::filesystem::path& path, std::int64_t at) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekg(at);
  const int byte = file.get();
  file.seekp(at);
  file.put(static_cast<char>(byte ^ 0x10));
}

}  // namespace twinpatch::test
