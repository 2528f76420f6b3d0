// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "opensfm_pickle.hpp"

#include <cstdint>
#include <limits>

#include "twinpatch/core/error.hpp"
#include "twinpatch/formats/pickle_opcodes.hpp"

namespace twinpatch::sfm {
namespace {

/// Appends to a pickle; each call is one value or one opcode.
class Pickler {
 public:
  explicit Pickler(PickleBytes& pickle) : pickle_(pickle) {}

  Pickler& op(PickleOpcode code) { return byte(static_cast<unsigned char>(code)); }
  /// Little-endian.
  template <class Number>
  Pickler& number(Number value) {
    for (std::size_t i = 0; i < sizeof(value); ++i) byte(static_cast<unsigned char>(value >> (8 * i)));
    return *this;
  }
  Pickler& raw(std::string_view text) {
    for (const char c : text) byte(static_cast<unsigned char>(c));
    return *this;
  }

  /// A small non-negative number.
  Pickler& small(std::uint8_t value) { return op(PickleOpcode::bin_int1).number(value); }
  Pickler& integer(std::int32_t value) { return op(PickleOpcode::bin_int).number(static_cast<std::uint32_t>(value)); }
  Pickler& text(std::string_view value) {
    return op(PickleOpcode::bin_unicode).number(static_cast<std::uint32_t>(value.size())).raw(value);
  }
  Pickler& global(std::string_view module, std::string_view name) {
    return op(PickleOpcode::global).raw(module).raw("\n").raw(name).raw("\n");
  }

 private:
  Pickler& byte(unsigned char value) {
    pickle_.push_back(static_cast<std::byte>(value));
    return *this;
  }
  PickleBytes& pickle_;
};

/// numpy.dtype("int64"): dtype("i8", False, True), then its state (3, "<", None, None, None, -1, -1, 0).
void append_type(Pickler& to) {
  to.global("numpy", "dtype")
      .text("i8")
      .op(PickleOpcode::new_false)
      .op(PickleOpcode::new_true)
      .op(PickleOpcode::tuple3);
  to.op(PickleOpcode::reduce);
  to.op(PickleOpcode::mark)
      .small(3)
      .text("<")
      .op(PickleOpcode::none)
      .op(PickleOpcode::none)
      .op(PickleOpcode::none)
      .integer(-1)
      .integer(-1);
  to.small(0).op(PickleOpcode::tuple).op(PickleOpcode::build);
}

}  // namespace

void append_dictionary_begin(PickleBytes& pickle) {
  Pickler(pickle).op(PickleOpcode::proto).number(std::uint8_t{3}).op(PickleOpcode::empty_dict);
}

void append_item(PickleBytes& pickle, std::string_view key, std::span<const IndexPair> rows) {
  constexpr std::size_t kRowBytes = 2 * sizeof(std::int64_t);
  constexpr std::size_t kMost = std::numeric_limits<std::int32_t>::max();
  if (rows.size() > kMost / kRowBytes || key.size() > kMost) throw InvalidArgument("too many matches for a pickle");
  Pickler to(pickle);
  to.text(key);
  // _reconstruct(ndarray, (0,), b"b"), then the state (1, shape, dtype, Fortran order, bytes).
  to.global("numpy.core.multiarray", "_reconstruct").global("numpy", "ndarray").small(0).op(PickleOpcode::tuple1);
  to.op(PickleOpcode::short_bin_bytes)
      .number(std::uint8_t{1})
      .raw("b")
      .op(PickleOpcode::tuple3)
      .op(PickleOpcode::reduce);
  to.op(PickleOpcode::mark).small(1).integer(static_cast<std::int32_t>(rows.size())).small(2).op(PickleOpcode::tuple2);
  append_type(to);
  to.op(PickleOpcode::new_false)
      .op(PickleOpcode::bin_bytes)
      .number(static_cast<std::uint32_t>(rows.size() * kRowBytes));
  for (const IndexPair& row : rows) to.number(std::int64_t{row.left}).number(std::int64_t{row.right});
  to.op(PickleOpcode::tuple).op(PickleOpcode::build).op(PickleOpcode::set_item);
}

void append_dictionary_end(PickleBytes& pickle) { Pickler(pickle).op(PickleOpcode::stop); }

}  // namespace twinpatch::sfm
