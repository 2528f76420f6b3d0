// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include <cstdint>

#include "kernels/screen_products.hpp"

// A strip's sums, at most 64 × 48, on tiles of 16 rows of 64 bytes: 16 rows of left values, or of 16 columns' right
// values of four terms each, or of sums. tests/cpu/amx_test.cpp runs this file on tiles in plain C++.

namespace twinpatch::cpu {
namespace {

constexpr std::int64_t kPanel = 48;
constexpr std::int64_t kPanelBytes = kPanel * 4;  ///< of one row of right tiles, and of sums

struct alignas(64) TileShapes {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t row_bytes[16] = {};
  std::uint8_t rows[16] = {};
};

/// Tiles 0 to 2 are sums and 3 is left, of `rows` rows; 4 to 6 are right.
void configure(std::int64_t rows) {
  TileShapes shapes;
  for (int tile = 0; tile < 7; ++tile) {
    shapes.row_bytes[tile] = 64;
    shapes.rows[tile] = static_cast<std::uint8_t>(tile < 4 ? rows : 16);
  }
  _tile_loadconfig(&shapes);
}

void multiply(const ScreenWork& work, const std::uint8_t* left, std::int32_t* out) {
  _tile_loadd(0, work.starts, 0);  // every row starts from them
  _tile_loadd(1, work.starts + 16, 0);
  _tile_loadd(2, work.starts + 32, 0);
  for (std::int64_t k = 0; k < work.depth; k += 64) {
    const std::uint8_t* const right = work.right + k / 4 * kPanelBytes;
    _tile_loadd(3, left + k, work.depth);
    _tile_loadd(4, right, kPanelBytes);
    _tile_loadd(5, right + 64, kPanelBytes);
    _tile_loadd(6, right + 128, kPanelBytes);
    _tile_dpbusd(0, 3, 4);
    _tile_dpbusd(1, 3, 5);
    _tile_dpbusd(2, 3, 6);
  }
  _tile_stored(0, out, kPanelBytes);
  _tile_stored(1, out + 16, kPanelBytes);
  _tile_stored(2, out + 32, kPanelBytes);
}

void dot(const ScreenWork& work, std::int32_t* out) {
  std::int64_t configured = 0;
  for (std::int64_t i = 0; i < work.rows; i += 16) {
    const std::int64_t rows = work.rows - i < 16 ? work.rows - i : 16;
    if (rows != configured) configure(rows);
    configured = rows;
    multiply(work, work.left + i * work.depth, out + i * kPanel);
  }
  _tile_release();
}

// A maximum is no product: heads run on vectors.
void head(const ScreenWork& work, std::int32_t* out) { kAvx512VnniScreen.head(work, out); }

}  // namespace

const ScreenKernels kAmxScreen{
    .name = "amx-int8", .panel = kPanel, .grain = 64, .levels = 127, .multiples = 127, .dot = &dot, .head = &head};

}  // namespace twinpatch::cpu
