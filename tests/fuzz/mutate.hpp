// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "support/random.hpp"

namespace twinpatch::fuzz {

/// Changed copies of inputs: what a fuzzer does, without looking at what the target makes of it.
class Mutation {
 public:
  Mutation(const std::vector<std::vector<std::byte>>& inputs, std::uint64_t number)
      : inputs_(inputs), random_(number), bytes_(any_input()) {}

  std::vector<std::byte> make() {
    for (auto changes = 1 + random_.below(4); changes > 0; --changes) change();
    return std::move(bytes_);
  }

 private:
  [[nodiscard]] const std::vector<std::byte>& any_input() {
    return inputs_[static_cast<std::size_t>(random_.below(static_cast<std::int64_t>(inputs_.size())))];
  }
  [[nodiscard]] std::ptrdiff_t place() { return random_.below(static_cast<std::int64_t>(bytes_.size()) + 1); }
  [[nodiscard]] std::byte any_byte() { return static_cast<std::byte>(random_.below(256)); }
  /// Up to `most` bytes that are there from `at` on.
  [[nodiscard]] std::ptrdiff_t run(std::ptrdiff_t at, std::int64_t most) {
    return std::min(static_cast<std::ptrdiff_t>(bytes_.size()) - at, 1 + random_.below(most));
  }

  void change() {
    const auto at = place();
    const auto from = bytes_.begin() + at;
    switch (random_.below(7)) {
      case 0:  // a bit
        if (from != bytes_.end()) *from ^= static_cast<std::byte>(1 << random_.below(8));
        return;
      case 1:
        if (from != bytes_.end()) *from = any_byte();
        return;
      case 2:
        bytes_.insert(from, static_cast<std::size_t>(1 + random_.below(16)), any_byte());
        return;
      case 3:
        bytes_.erase(from, from + run(at, 32));
        return;
      case 4:
        return write_number(at);
      case 5:  // what is there, once more
        return insert_copy(at, bytes_);
      default:
        return insert_copy(at, any_input());
    }
  }

  /// Numbers that limits are made of, in one to eight bytes.
  void write_number(std::ptrdiff_t at) {
    constexpr std::array<std::uint64_t, 10> kNumbers = {
        0, 1, ~0ULL, 0x7f, 0x80, 0x7fffffff, 0x80000000, 0xffffffff, 0x7fffffffffffffff, 0x8000000000000000};
    std::uint64_t number = kNumbers[static_cast<std::size_t>(random_.below(kNumbers.size()))];
    const auto size = std::min<std::ptrdiff_t>(std::ptrdiff_t{1} << random_.below(4), std::ssize(bytes_) - at);
    for (std::ptrdiff_t i = 0; i < size; ++i, number >>= 8) {
      bytes_[static_cast<std::size_t>(at + i)] = static_cast<std::byte>(number & 0xff);
    }
  }

  void insert_copy(std::ptrdiff_t at, std::vector<std::byte> source) {
    if (source.empty()) return;
    const auto begin = random_.below(std::ssize(source));
    const auto count = std::min(std::ssize(source) - begin, 1 + random_.below(64));
    bytes_.insert(bytes_.begin() + at, source.begin() + begin, source.begin() + begin + count);
  }

  const std::vector<std::vector<std::byte>>& inputs_;
  test::Random random_;
  std::vector<std::byte> bytes_;
};

/// The same for the same number. There must be an input.
[[nodiscard]] inline std::vector<std::byte> mutation(const std::vector<std::vector<std::byte>>& inputs,
                                                     std::uint64_t number) {
  return Mutation(inputs, number).make();
}

}  // namespace twinpatch::fuzz
