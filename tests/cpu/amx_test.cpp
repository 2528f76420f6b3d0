// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#if defined(__x86_64__)

#include <immintrin.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstdint>
#include <cstring>

// screen_amx.cpp itself, on tiles in plain C++ by Intel's description of the instructions (Intel 64 and IA-32
// Architectures Software Developer's Manual, volume 2, TDPBUSD and TILELOADD): what can be said of it on a processor
// without AMX. It has not run on one that has.

namespace twinpatch::test::tiles {

struct Tile {
  std::int64_t rows = 0;
  std::int64_t row_bytes = 0;
  std::array<std::array<std::uint8_t, 64>, 16> bytes{};
};
inline std::array<Tile, 8> all;    // NOLINT: as the processor's
inline std::int64_t mistakes = 0;  ///< what a processor answers with an exception

/// The palette, the first row, and from bytes 16 and 48 on the sizes of tiles.
inline void configure(const void* from) {
  std::array<std::uint8_t, 64> config{};
  std::memcpy(config.data(), from, config.size());
  if (config[0] != 1 || config[1] != 0) ++mistakes;
  for (std::size_t n = 0; n < all.size(); ++n) {
    std::uint16_t row_bytes = 0;
    std::memcpy(&row_bytes, config.data() + 16 + 2 * n, 2);
    all[n] = {config[48 + n], row_bytes, {}};
    if (all[n].rows > 16 || row_bytes > 64) ++mistakes;
  }
}
inline void release() { all = {}; }

inline void load(std::size_t n, const void* from, std::int64_t stride) {
  Tile& tile = all[n];
  if (tile.rows == 0) ++mistakes;
  tile.bytes = {};
  for (std::int64_t row = 0; row < tile.rows; ++row) {
    std::memcpy(tile.bytes[static_cast<std::size_t>(row)].data(), static_cast<const char*>(from) + row * stride,
                static_cast<std::size_t>(tile.row_bytes));
  }
}

inline void store(std::size_t n, void* to, std::int64_t stride) {
  const Tile& tile = all[n];
  if (tile.rows == 0) ++mistakes;
  for (std::int64_t row = 0; row < tile.rows; ++row) {
    std::memcpy(static_cast<char*>(to) + row * stride, tile.bytes[static_cast<std::size_t>(row)].data(),
                static_cast<std::size_t>(tile.row_bytes));
  }
}

/// sums[m, n] += Σ over k and four bytes of left[m, k] (unsigned) · right[k, n] (signed).
inline void multiply(std::size_t sums, std::size_t left, std::size_t right) {
  Tile& c = all[sums];
  const Tile& a = all[left];
  const Tile& b = all[right];
  if (c.rows != a.rows || c.row_bytes != b.row_bytes || a.row_bytes != 4 * b.rows || c.rows == 0) ++mistakes;
  for (std::size_t m = 0; m < static_cast<std::size_t>(c.rows); ++m) {
    for (std::size_t n = 0; n < static_cast<std::size_t>(c.row_bytes) / 4; ++n) {
      std::int32_t sum = 0;
      std::memcpy(&sum, c.bytes[m].data() + 4 * n, 4);
      for (std::size_t k = 0; k < static_cast<std::size_t>(a.row_bytes); ++k) {
        sum += a.bytes[m][k] * static_cast<std::int8_t>(b.bytes[k / 4][4 * n + k % 4]);
      }
      std::memcpy(c.bytes[m].data() + 4 * n, &sum, 4);
    }
  }
}

}  // namespace twinpatch::test::tiles

#undef _tile_loadconfig
#undef _tile_release
#undef _tile_loadd
#undef _tile_stored
#undef _tile_dpbusd
#define _tile_loadconfig(from) ::twinpatch::test::tiles::configure(from)
#define _tile_release() ::twinpatch::test::tiles::release()
#define _tile_loadd(tile, from, stride) ::twinpatch::test::tiles::load(tile, from, stride)
#define _tile_stored(tile, to, stride) ::twinpatch::test::tiles::store(tile, to, stride)
#define _tile_dpbusd(sums, left, right) ::twinpatch::test::tiles::multiply(sums, left, right)
#define kAmxScreen kAmxScreenOnPlainTiles
#include "kernels/screen_amx.cpp"  // NOLINT(bugprone-suspicious-include): it is what is tested
#undef kAmxScreen

#include "screen_sums.hpp"

namespace twinpatch::test {

TEST_CASE("products on tiles are exact, on tiles in plain C++") {
  expect_exact_sums(cpu::kAmxScreenOnPlainTiles, false);  // heads are AVX-512's
  CHECK(tiles::mistakes == 0);
  CHECK(tiles::all[0].rows == 0);  // released
}

}  // namespace twinpatch::test

#endif
