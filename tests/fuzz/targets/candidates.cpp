// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cmath>

#include "fuzz/fuzz.hpp"
#include "twinpatch/patches/candidate_lists.hpp"

namespace twinpatch::fuzz {
namespace {

constexpr std::array kFiles = {"manifest.json", "images.npy",     "keypoints.npy",
                               "lists.npy",     "candidates.npy", "measures.npy"};

/// An .npy of version 1 with these bytes.
template <class T>
std::string npy(const char* type, const char* shape, std::initializer_list<T> values) {
  std::string header = std::string("{'descr': '") + type + "', 'fortran_order': False, 'shape': " + shape + ", }";
  header.resize(117, ' ');
  const std::vector<T> all(values);
  return std::string("\x93NUMPY\1\0", 8) + static_cast<char>(118) + '\0' + header + '\n' +
         std::string(as_text(std::as_bytes(std::span(all))));
}

void write_text(const std::filesystem::path& path, std::string_view text) {
  write_bytes(path, std::as_bytes(std::span(text)));
}

/// Two images of two keypoints; a list of two candidates, and one of one.
void write_good(const std::filesystem::path& folder) {
  write_text(folder / "manifest.json",
             R"({"schema": "twinpatch.candidates/1", "options": {"first": "x", "candidates": 2, "patch_extent": 20}})");
  write_text(folder / "patches.npy", npy<std::uint8_t>("|u1", "(4, 1, 2)", {1, 2, 3, 4, 5, 6, 7, 8}));
  write_text(folder / "images.npy", npy<std::int32_t>("<i4", "(2,)", {2, 2}));
  write_text(folder / "keypoints.npy", npy<float>("<f4", "(4, 4)", {1, 2, 3, 0, 4, 5, 6, 1, 7, 8, 9, -1, 1, 1, 1, 1}));
  write_text(folder / "lists.npy", npy<std::int32_t>("<i4", "(2, 2)", {0, 2, 3, 1}));
  write_text(folder / "candidates.npy", npy<std::int32_t>("<i4", "(3, 2)", {3, 1, 2, 0, 0, 1}));
  write_text(folder / "measures.npy",
             npy<float>("<f4", "(3, 4)", {-0.5F, 1, 0, 0.1F, -0.7F, 40, 1, -3, -0.5F, 1.5F, 0, -0.1F}));
}

}  // namespace

// A dataset of candidate lists, some of whose files are anybody's.
void run_target(Bytes bytes) {
  Input input(bytes);
  const auto folder = scratch_folder();
  write_good(folder);
  while (!input.empty()) {
    const auto* const name = kFiles[static_cast<std::size_t>(input.below(static_cast<int>(kFiles.size())))];
    const std::string text = input.below(2) == 0 ? std::string(as_text(input.rest())) : input.text();
    write_text(folder / name, text);
  }
  (void)CandidateLists::is_at(folder);
  refused([&] {
    const CandidateLists lists(folder);
    require(lists.size() > 0, "a list");
    for (std::int64_t i = 0; i < lists.size(); ++i) {
      const auto list = lists.list(i);
      require(list.size() > 0 && list.keypoint >= 0 && list.keypoint < lists.patches().count, "a keypoint in range");
      for (std::int64_t c = list.begin; c < list.end; ++c) {
        const Candidate candidate = lists.candidate(c);
        require(candidate.patch >= 0 && candidate.patch < lists.patches().count, "a candidate in range");
        require(std::isfinite(candidate.similarity) && std::isfinite(candidate.distance), "finite geometry");
        (void)*lists.patch(candidate.patch);
      }
    }
  });
}

}  // namespace twinpatch::fuzz
