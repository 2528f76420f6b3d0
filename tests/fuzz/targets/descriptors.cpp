// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "collection/descriptor_disk_cache.hpp"
#include "collection/hash.hpp"
#include "fuzz/fuzz.hpp"

namespace twinpatch::fuzz {
namespace {

constexpr std::string_view kKey = "0123456789abcdef0123456789abcdef";

/// The file that the cache would have written, of any counts and numbers, its checksum made to fit.
std::string make_file(Input& input) {
  std::string header = "tpdescr1" + std::string(kKey);
  const auto append = [](std::string& bytes, auto value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
  };
  append(header, input.flag() ? std::int64_t{2} : input.number<std::int64_t>());
  append(header, input.flag() ? std::int64_t{3} : input.number<std::int64_t>());
  const std::string values(as_text(input.rest()));
  const auto sum_of = [](std::string_view text) { return checksum(std::as_bytes(std::span(text))); };
  const std::uint64_t parts[] = {sum_of(header + std::string(8, '\0')), sum_of(values)};
  append(header, checksum(std::as_bytes(std::span(parts))));
  return header + values;
}

}  // namespace

// A file of kept descriptors: any bytes, or one whose checksum fits.
void run_target(Bytes bytes) {
  const auto folder = scratch_folder();
  std::filesystem::create_directories(folder / "01");
  Input input(bytes);
  const std::string file = input.flag() ? make_file(input) : std::string(as_text(input.rest()));
  write_bytes(folder / "01" / (std::string(kKey) + ".descriptors"), std::as_bytes(std::span(file)));
  std::string damage;
  refused([&] {
    const auto found = make_folder_cache(folder)->find(std::string(kKey), 2, 3, damage);
    require((found == nullptr) == !damage.empty(), "descriptors that are neither there nor damaged");
    if (!found) return;
    volatile float sum = 0;
    for (std::int64_t row = 0; row < 2; ++row) {
      for (const float value : found->view().row(row)) sum = sum + value;
    }
  });
}

}  // namespace twinpatch::fuzz
