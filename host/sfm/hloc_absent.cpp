// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0

// Stands in for the hloc files in builds without HDF5.

#include "twinpatch/core/error.hpp"
#include "twinpatch/sfm/hloc_features.hpp"
#include "twinpatch/sfm/hloc_matches.hpp"
#include "twinpatch/sfm/library_versions.hpp"

namespace twinpatch {
namespace {

[[noreturn]] void refuse(const std::filesystem::path& path) {
  throw Error(path.string() +
              ": this twinpatch was built without HDF5, so it cannot read or write hloc's files (Debian: install "
              "libhdf5-dev and build again)");
}

}  // namespace

bool has_hdf5() noexcept { return false; }
std::string hdf5_version() { return {}; }

HlocFeatureFile::HlocFeatureFile(std::filesystem::path path) : path_(std::move(path)) { refuse(path_); }
bool HlocFeatureFile::has(const std::string& /*name*/) const { refuse(path_); }
void HlocFeatureFile::check(const std::string& /*name*/) const { refuse(path_); }
std::int64_t HlocFeatureFile::keypoint_count(const std::string& /*name*/) const { refuse(path_); }
HlocFeatures HlocFeatureFile::read(const std::string& /*name*/) const { refuse(path_); }

struct HlocMatchWriter::State {};

HlocMatchWriter::HlocMatchWriter(const std::filesystem::path& path, std::vector<std::string> /*names*/,
                                 std::vector<std::int64_t> /*keypoint_counts*/) {
  refuse(path);
}
HlocMatchWriter::~HlocMatchWriter() = default;
HlocMatchWriter::HlocMatchWriter(HlocMatchWriter&&) noexcept = default;
HlocMatchWriter& HlocMatchWriter::operator=(HlocMatchWriter&&) noexcept = default;
void HlocMatchWriter::write(ImagePair /*pair*/, std::span<const Match> /*matches*/) { refuse("matches"); }
void HlocMatchWriter::commit() { refuse("matches"); }

std::optional<std::vector<Match>> read_hloc_matches(const std::filesystem::path& path, const std::string& /*first*/,
                                                    const std::string& /*second*/) {
  refuse(path);
}

}  // namespace twinpatch
