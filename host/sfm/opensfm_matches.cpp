// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <unordered_set>

#include "deflate.hpp"
#include "opensfm_pickle.hpp"
#include "twinpatch/core/file.hpp"
#include "twinpatch/sfm/opensfm.hpp"

namespace twinpatch {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSuffix = "_matches.pkl.gz";
constexpr std::size_t kHeldBytes = std::size_t{1} << 22;  // of an image's pickle, until they are written

fs::path with_suffix(const fs::path& folder, const char* suffix) {
  fs::path result = folder;
  result += suffix;
  return result;
}

/// Nothing but files of matches: what may be removed.
void check_only_matches(const fs::path& folder) {
  if (!fs::is_directory(folder)) throw Error(fmt::format("{}: is no folder", folder.string()));
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.is_regular_file() && entry.path().filename().string().ends_with(kSuffix)) continue;
    throw Error(
        fmt::format("{}: not replaced: {} is no file of matches", folder.string(), entry.path().filename().string()));
  }
}

void rename_folder(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (error) throw IoError(from.string(), fmt::format("cannot rename to {}", to.string()), error.value());
}

/// Appends to a file, on the disk when it returns if `to_disk`.
void append(const fs::path& path, std::span<const std::byte> bytes, bool to_disk) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  const auto fail = [&] { throw IoError(path.string(), "cannot write", errno); };
  if (descriptor < 0) fail();
  struct Closer {
    int descriptor;
    ~Closer() { ::close(descriptor); }
  } const closer{descriptor};
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail();
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  if (to_disk && ::fsync(descriptor) != 0) fail();
}

}  // namespace

struct OpenSfmMatchWriter::State {
  State(fs::path target, std::vector<std::string> image_names, std::vector<std::int64_t> image_counts, bool may_replace)
      : folder(std::move(target)),
        names(std::move(image_names)),
        counts(std::move(image_counts)),
        replace(may_replace) {
    if (!folder.has_filename()) folder = folder.parent_path();  // "matches/" and "matches" are one folder
    if (names.size() != counts.size()) {
      throw InvalidArgument(fmt::format("{} images, but {} keypoint counts", names.size(), counts.size()));
    }
    std::set<std::string_view> seen;
    for (const std::string& name : names) {
      if (name.empty() || name.find('/') != std::string::npos) {
        throw InvalidArgument(fmt::format("\"{}\": images of OpenSfM lie in no folders of their own", name));
      }
      if (!seen.insert(name).second) throw InvalidArgument(fmt::format("duplicate image name \"{}\"", name));
    }
    if (fs::exists(fs::symlink_status(folder))) {
      if (!replace) throw Error(fmt::format("{}: already exists (use --replace)", folder.string()));
      check_only_matches(folder);
    }
    temporary = with_suffix(folder, ".tmp");
    if (fs::exists(fs::symlink_status(temporary))) {  // of a run that was killed
      check_only_matches(temporary);
      fs::remove_all(temporary);
    }
    std::error_code error;
    fs::create_directory(temporary, error);
    if (error) throw IoError(temporary.string(), "cannot make the folder", error.value());
  }
  ~State() {
    if (committed) return;
    std::error_code ignored;  // nothing better can be done here
    fs::remove_all(temporary, ignored);
  }
  State(const State&) = delete;             // owns the temporary folder
  State& operator=(const State&) = delete;  // likewise

  void check(ImagePair pair, std::span<const Match> matches) const {
    for (const std::int32_t of : {pair.first, pair.second}) {
      if (of >= 0 && static_cast<std::size_t>(of) < names.size()) continue;
      throw InvalidArgument(fmt::format("image index {} of a pair is outside [0, {})", of, names.size()));
    }
    if (pair.first == pair.second) throw InvalidArgument(fmt::format("{} is paired with itself", name_of(pair.first)));
    for (const Match& match : matches) {
      if (match.left >= 0 && match.right >= 0 && match.left < count_of(pair.first) &&
          match.right < count_of(pair.second)) {
        continue;
      }
      throw InvalidArgument(fmt::format("{} and {}: match ({}, {}) is out of range: {} and {} keypoints",
                                        name_of(pair.first), name_of(pair.second), match.left, match.right,
                                        count_of(pair.first), count_of(pair.second)));
    }
  }

  /// Hands what is held on to the image's file.
  void flush(bool to_disk) {
    if (image < 0 || held.empty()) return;
    append(temporary / (name_of(image) + std::string(kSuffix)), sfm::gzip(held), to_disk);
    held.clear();
  }

  /// Goes on with the pickle of that image.
  void go_to(std::int32_t other) {
    if (other == image && held.size() < kHeldBytes) return;
    flush(false);
    image = other;
    if (begun.insert(other).second) sfm::append_dictionary_begin(held);
  }

  const std::string& name_of(std::int32_t i) const { return names[static_cast<std::size_t>(i)]; }
  std::int64_t count_of(std::int32_t i) const { return counts[static_cast<std::size_t>(i)]; }

  fs::path folder;
  fs::path temporary;
  std::vector<std::string> names;
  std::vector<std::int64_t> counts;
  bool replace;
  bool committed = false;
  std::int32_t image = -1;  ///< whose pickle is held
  sfm::PickleBytes held;
  std::unordered_set<std::int32_t> begun;
  std::unordered_set<std::uint64_t> written;  ///< both images of a pair, the lower one on top
};

OpenSfmMatchWriter::OpenSfmMatchWriter(fs::path folder, std::vector<std::string> names,
                                       std::vector<std::int64_t> keypoint_counts, bool replace)
    : state_(std::make_unique<State>(std::move(folder), std::move(names), std::move(keypoint_counts), replace)) {}
OpenSfmMatchWriter::~OpenSfmMatchWriter() = default;
OpenSfmMatchWriter::OpenSfmMatchWriter(OpenSfmMatchWriter&&) noexcept = default;
OpenSfmMatchWriter& OpenSfmMatchWriter::operator=(OpenSfmMatchWriter&&) noexcept = default;

void OpenSfmMatchWriter::write(ImagePair pair, std::span<const Match> matches) {
  State& state = *state_;
  state.check(pair, matches);
  const auto [low, high] = std::minmax(pair.first, pair.second);
  if (!state.written.insert((static_cast<std::uint64_t>(low) << 32) | static_cast<std::uint32_t>(high)).second) {
    throw InvalidArgument(
        fmt::format("duplicate pair of {} and {}", state.name_of(pair.first), state.name_of(pair.second)));
  }
  if (matches.empty()) return;
  std::vector<IndexPair> rows;
  rows.reserve(matches.size());
  for (const Match& match : matches) rows.push_back({match.left, match.right});
  std::ranges::sort(rows, [](const IndexPair& a, const IndexPair& b) {
    return a.left != b.left ? a.left < b.left : a.right < b.right;
  });
  state.go_to(pair.first);
  sfm::append_item(state.held, state.name_of(pair.second), rows);
}

void OpenSfmMatchWriter::commit() {
  State& state = *state_;
  for (std::int32_t i = 0; i < static_cast<std::int32_t>(state.names.size()); ++i) {
    state.go_to(i);
    sfm::append_dictionary_end(state.held);
    state.flush(true);
  }
  state.image = -1;
  if (state.replace && fs::exists(state.folder)) {
    const fs::path old = with_suffix(state.folder, ".old");
    if (fs::exists(fs::symlink_status(old))) {  // of a run that was killed here
      check_only_matches(old);
      fs::remove_all(old);
    }
    rename_folder(state.folder, old);
    rename_folder(state.temporary, state.folder);
    std::error_code ignored;  // the new one is there
    fs::remove_all(old, ignored);
  } else {
    rename_folder(state.temporary, state.folder);
  }
  state.committed = true;
}

}  // namespace twinpatch
