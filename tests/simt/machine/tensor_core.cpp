// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "simt/tensor_core.hpp"

#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <deque>
#include <simt/device.hpp>
#include <vector>

#include "async_copies.hpp"
#include "simt/float16.hpp"

namespace simt {
namespace {

constexpr unsigned kAll = 0xFFFFFFFFu;

struct MatrixRows {
  const std::uint16_t* row;
  unsigned* to;
};

void load_all(unsigned present, void* const* operands) {
  if (present != kAll) detail::fault("ldmatrix without some lanes");
  for (int lane = 0; lane < 32; ++lane) {
    for (int matrix = 0; matrix < 4; ++matrix) {
      const std::uint16_t* const row = static_cast<MatrixRows*>(operands[matrix * 8 + lane / 4])->row;
      std::memcpy(&static_cast<MatrixRows*>(operands[lane])->to[matrix], row + lane % 4 * 2, 4);
    }
  }
}

struct Product {
  Operand type;
  float* sums;
  const unsigned* left;
  const unsigned* right;

  /// Number `half` (0 or 1) of a register.
  [[nodiscard]] float number(unsigned bits, int half) const {
    const auto own = static_cast<std::uint16_t>(bits >> 16 * half);
    return type == Operand::half ? decode_half(own) : decode_bfloat16(own);
  }
};

/// The terms cut off at the 24th bit of the largest, added, and cut off again.
float cut_sum(const std::array<double, 17>& terms) {
  double largest = 0;
  double plain = 0;
  for (const double term : terms) {
    largest = std::fmax(largest, std::fabs(term));
    plain += term;
  }
  if (!std::isfinite(plain)) return static_cast<float>(plain);
  if (largest == 0) return 0;
  const double unit = std::ldexp(1.0, std::ilogb(largest) - 23);
  double sum = 0;
  for (const double term : terms) sum += std::trunc(term / unit) * unit;
  const auto nearest = static_cast<float>(sum);
  return std::fabs(static_cast<double>(nearest)) > std::fabs(sum) ? std::nextafter(nearest, 0.0f) : nearest;
}

void multiply_all(unsigned present, void* const* operands) {
  if (present != kAll) detail::fault("mma without some lanes");
  float left[16][16];
  float right[16][8];
  for (int lane = 0; lane < 32; ++lane) {
    const auto& mine = *static_cast<Product*>(operands[lane]);
    const int group = lane / 4;
    const int k = lane % 4 * 2;
    for (int half = 0; half < 2; ++half) {
      for (int r = 0; r < 4; ++r) left[group + r % 2 * 8][k + r / 2 * 8 + half] = mine.number(mine.left[r], half);
      for (int r = 0; r < 2; ++r) right[k + r * 8 + half][group] = mine.number(mine.right[r], half);
    }
  }
  for (int lane = 0; lane < 32; ++lane) {
    auto& mine = *static_cast<Product*>(operands[lane]);
    for (int r = 0; r < 4; ++r) {
      const int row = lane / 4 + r / 2 * 8;
      const int column = lane % 4 * 2 + r % 2;
      std::array<double, 17> terms;
      for (int k = 0; k < 16; ++k) {
        terms[static_cast<std::size_t>(k)] = static_cast<double>(left[row][k]) * right[k][column];
      }
      terms[16] = mine.sums[r];
      mine.sums[r] = cut_sum(terms);
    }
  }
}

struct Copy {
  void* to;
  const void* from;
  int bytes;
  void run() const {
    std::array<unsigned char, 16> all{};
    std::memcpy(all.data(), from, static_cast<std::size_t>(bytes));
    std::memcpy(to, all.data(), all.size());
  }
};

/// Of one thread of the running block: groups of copies that have not happened, the last one open.
using Groups = std::deque<std::vector<Copy>>;
std::vector<Groups> waiting;
Random* chance = nullptr;

Groups& own_groups() {
  const std::size_t thread = threadIdx.x + blockDim.x * (threadIdx.y + std::size_t{blockDim.y} * threadIdx.z);
  if (waiting.size() <= thread) waiting.resize(thread + 1);
  Groups& groups = waiting[thread];
  if (groups.empty()) groups.emplace_back();
  return groups;
}

}  // namespace

void forget_async_copies(Random& random) {
  waiting.clear();
  chance = &random;
}

void load_matrices(const void* row, unsigned* to) {
  if (reinterpret_cast<std::uintptr_t>(row) % 16 != 0) detail::fault("ldmatrix from an address that is not 16-aligned");
  MatrixRows operand{static_cast<const std::uint16_t*>(row), to};
  detail::collective(kAll, "ldmatrix", &operand, &load_all);
}

void multiply_add(Operand type, float* sums, const unsigned* left, const unsigned* right) {
  Product operand{type, sums, left, right};
  detail::collective(kAll, "mma", &operand, &multiply_all);
}

void copy_async(void* to, const void* from, int bytes) {
  if ((reinterpret_cast<std::uintptr_t>(to) | reinterpret_cast<std::uintptr_t>(from)) % 16 != 0) {
    detail::fault("cp.async between addresses that are not 16-aligned");
  }
  const Copy copy{to, from, bytes};
  if (chance->one_in(2)) return copy.run();
  own_groups().back().push_back(copy);
}

void commit_copies() { own_groups().emplace_back(); }

void wait_for_copies(int pending) {
  Groups& groups = own_groups();
  while (groups.size() > static_cast<std::size_t>(pending) + 1) {
    for (const Copy& copy : groups.front()) copy.run();
    groups.pop_front();
  }
}

}  // namespace simt
