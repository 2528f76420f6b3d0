// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>
#include <unordered_set>

#include "hloc_hdf5.hpp"
#include "twinpatch/core/file.hpp"
#include "twinpatch/core/half.hpp"
#include "twinpatch/sfm/hloc_matches.hpp"

namespace twinpatch {
namespace {

using hdf5::Access;

constexpr float kLargestHalf = 65504;

bool is_ascii(const std::string& text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

/// Properties of a link: how its name is encoded.
hdf5::Properties link_properties(const std::string& name) {
  hdf5::Properties properties(H5Pcreate(H5P_LINK_CREATE));
  H5Pset_char_encoding(properties.get(), is_ascii(name) ? H5T_CSET_ASCII : H5T_CSET_UTF8);
  return properties;
}

/// Properties of a new object: without the time of its making, so that equal matches make equal bytes.
hdf5::Properties timeless(hid_t kind) {
  hdf5::Properties properties(H5Pcreate(kind));
  H5Pset_obj_track_times(properties.get(), false);
  return properties;
}

}  // namespace

struct HlocMatchWriter::State {
  State(const std::filesystem::path& path, std::vector<std::string> image_names, std::vector<std::int64_t> image_counts)
      : output(path), name(path.string()), names(std::move(image_names)), counts(std::move(image_counts)) {
    if (names.size() != counts.size()) {
      throw InvalidArgument(fmt::format("{} image names, but {} keypoint counts", names.size(), counts.size()));
    }
    const Access access;
    const hdf5::Properties properties(H5Pcreate(H5P_FILE_ACCESS));
    // Files with very many groups need the format of 1.10; nothing newer, so that every reader takes it.
    H5Pset_libver_bounds(properties.get(), H5F_LIBVER_V110, H5F_LIBVER_V110);
    file = hdf5::File(
        H5Fcreate(output.temporary().c_str(), H5F_ACC_TRUNC, timeless(H5P_FILE_CREATE).get(), properties.get()));
    if (!file.valid()) fail();
    half = hdf5::half_type();
  }
  ~State() {
    const Access access;
    (void)close();
  }
  State(const State&) = delete;             // owns a file that is being written
  State& operator=(const State&) = delete;  // likewise

  [[noreturn]] void fail() const { throw IoError(name, fmt::format("cannot write ({})", hdf5::last_error())); }
  [[nodiscard]] bool close() {
    const bool kept = outer.reset();
    half.reset();
    return file.reset() && kept;
  }

  std::int64_t count_of(std::int32_t image) const { return counts[static_cast<std::size_t>(image)]; }
  const std::string& name_of(std::int32_t image) const { return names[static_cast<std::size_t>(image)]; }

  void check(ImagePair pair, std::span<const Match> matches) const {
    for (const std::int32_t image : {pair.first, pair.second}) {
      if (image >= 0 && static_cast<std::size_t>(image) < names.size()) continue;
      throw InvalidArgument(fmt::format("image index {} of a pair is outside [0, {})", image, names.size()));
    }
    if (pair.first == pair.second)
      throw InvalidArgument(fmt::format("\"{}\" is paired with itself", name_of(pair.first)));
    for (const auto& match : matches) {
      if (match.left >= 0 && match.right >= 0 && match.left < count_of(pair.first) &&
          match.right < count_of(pair.second)) {
        continue;
      }
      throw InvalidArgument(fmt::format("\"{}\" and \"{}\": match ({}, {}) is out of range: {} and {} keypoints",
                                        name_of(pair.first), name_of(pair.second), match.left, match.right,
                                        count_of(pair.first), count_of(pair.second)));
    }
  }

  /// The name as a component of a path in the file. Two images must not share one: their matches would be mixed.
  const std::string& component(std::int32_t image) {
    const auto known = components.find(image);
    if (known != components.end()) return known->second;
    std::string text = name_of(image);
    if (text.empty() || text == "." || text.find('\0') != std::string::npos) {
      throw InvalidArgument(fmt::format("{}: no group can be named after the image \"{}\"", name, text));
    }
    std::ranges::replace(text, '/', '-');
    const auto [owner, is_new] = owners.emplace(text, image);
    if (!is_new) {
      throw InvalidArgument(fmt::format("{}: hloc cannot tell the images \"{}\" and \"{}\" apart: it calls both \"{}\"",
                                        name, name_of(owner->second), name_of(image), text));
    }
    return components.emplace(image, std::move(text)).first->second;
  }

  void note_pair(ImagePair pair) {
    const auto [low, high] = std::minmax(pair.first, pair.second);
    if (written.insert((static_cast<std::uint64_t>(low) << 32) | static_cast<std::uint32_t>(high)).second) return;
    throw InvalidArgument(fmt::format("duplicate pair \"{}\" and \"{}\"", name_of(pair.first), name_of(pair.second)));
  }

  /// The group of the first image stays open: pairs come sorted.
  void open_outer(std::int32_t image) {
    if (outer.valid() && outer_image == image) return;
    const std::string& text = component(image);
    outer.reset();
    const bool there = !opened.insert(image).second;
    outer = hdf5::Group(there ? H5Gopen2(file.get(), text.c_str(), H5P_DEFAULT)
                              : H5Gcreate2(file.get(), text.c_str(), link_properties(text).get(),
                                           timeless(H5P_GROUP_CREATE).get(), H5P_DEFAULT));
    if (!outer.valid()) fail();
    outer_image = image;
  }

  void write_array(hid_t group, const char* title, hid_t type, const void* data, std::size_t count) {
    const hsize_t size = count;
    const hdf5::Space space(H5Screate_simple(1, &size, nullptr));
    const hdf5::Dataset dataset(
        H5Dcreate2(group, title, type, space.get(), H5P_DEFAULT, timeless(H5P_DATASET_CREATE).get(), H5P_DEFAULT));
    if (!dataset.valid()) fail();
    if (count > 0 && H5Dwrite(dataset.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0) fail();
  }

  void write_scores(hid_t group, const std::vector<float>& scores) {
    const bool fits = std::ranges::all_of(scores, [](float score) { return std::abs(score) <= kLargestHalf; });
    if (!fits) return write_array(group, "matching_scores0", H5T_IEEE_F32LE, scores.data(), scores.size());
    std::vector<std::uint16_t> halves(scores.size());
    std::ranges::transform(scores, halves.begin(), &to_half);
    write_array(group, "matching_scores0", half.get(), halves.data(), halves.size());
  }

  void write_indices(hid_t group, const std::vector<std::int32_t>& indices, std::int64_t right_count) {
    if (right_count > std::numeric_limits<std::int16_t>::max()) {
      return write_array(group, "matches0", H5T_STD_I32LE, indices.data(), indices.size());
    }
    const std::vector<std::int16_t> narrow(indices.begin(), indices.end());
    write_array(group, "matches0", H5T_STD_I16LE, narrow.data(), narrow.size());
  }

  AtomicFile output;
  std::string name;
  std::vector<std::string> names;
  std::vector<std::int64_t> counts;
  hdf5::File file;
  hdf5::Group outer;
  std::int32_t outer_image = -1;
  hdf5::Type half;
  std::unordered_map<std::int32_t, std::string> components;
  std::unordered_map<std::string, std::int32_t> owners;
  std::unordered_set<std::int32_t> opened;
  std::unordered_set<std::uint64_t> written;  ///< both numbers of a pair, the lower one on top
};

HlocMatchWriter::HlocMatchWriter(const std::filesystem::path& path, std::vector<std::string> names,
                                 std::vector<std::int64_t> keypoint_counts)
    : state_(std::make_unique<State>(path, std::move(names), std::move(keypoint_counts))) {}
HlocMatchWriter::~HlocMatchWriter() = default;
HlocMatchWriter::HlocMatchWriter(HlocMatchWriter&&) noexcept = default;
HlocMatchWriter& HlocMatchWriter::operator=(HlocMatchWriter&&) noexcept = default;

void HlocMatchWriter::write(ImagePair pair, std::span<const Match> matches) {
  State& state = *state_;
  state.check(pair, matches);
  const auto count = static_cast<std::size_t>(state.count_of(pair.first));
  std::vector<std::int32_t> indices(count, -1);
  std::vector<float> scores(count, 0.0F);
  for (const auto& match : matches) {
    const auto left = static_cast<std::size_t>(match.left);
    if (indices[left] >= 0) {
      throw InvalidArgument(
          fmt::format("\"{}\" and \"{}\": keypoint {} of the first has two matches; hloc's layout holds one",
                      state.name_of(pair.first), state.name_of(pair.second), match.left));
    }
    indices[left] = match.right;
    scores[left] = match.score;
  }
  const Access access;
  const std::string inner = state.component(pair.second);
  state.note_pair(pair);
  state.open_outer(pair.first);
  const hdf5::Group group(H5Gcreate2(state.outer.get(), inner.c_str(), link_properties(inner).get(),
                                     timeless(H5P_GROUP_CREATE).get(), H5P_DEFAULT));
  if (!group.valid()) state.fail();
  state.write_indices(group.get(), indices, state.count_of(pair.second));
  state.write_scores(group.get(), scores);
}

void HlocMatchWriter::commit() {
  const Access access;
  if (!state_->close()) state_->fail();
  state_->output.commit();
}

}  // namespace twinpatch
