// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "opensfm_pickle.hpp"

#include <cstdint>
#include <limits>

#include "twinpatch/core/error.hpp"

namespace twinpatch::sfm {
namespace {

/// Opcodes of pickletools.py that are written, by their names there.
enum class Opcode : unsigned char {
  binbytes = 'B',
  binint = 'J',
  binint1 = 'K',
  binunicode = 'X',
  build = 'b',
  empty_dict = '}',
  global = 'c',
  mark = '(',
  newfalse = 0x89,
  newtrue = 0x88,
  none = 'N',
  proto = 0x80,
  reduce = 'R',
  setitem = 's',
  short_binbytes = 'C',
  stop = '.',
  tuple = 't',
  tuple1 = 0x85,
  tuple2 = 0x86,
  tuple3 = 0x87
};

/// Appends to a pickle; each call is one value or one opcode.
class Pickler {
 public:
  explicit Pickler(PickleBytes& pickle) : pickle_(pickle) {}

  Pickler& op(Opcode code) { return byte(static_cast<unsigned char>(code)); }
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
  Pickler& small(std::uint8_t value) { return op(Opcode::binint1).number(value); }
  Pickler& integer(std::int32_t value) { return op(Opcode::binint).number(static_cast<std::uint32_t>(value)); }
  Pickler& text(std::string_view value) {
    return op(Opcode::binunicode).number(static_cast<std::uint32_t>(value.size())).raw(value);
  }
  Pickler& global(std::string_view module, std::string_view name) {
    return op(Opcode::global).raw(module).raw("\n").raw(name).raw("\n");
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
  to.global("numpy", "dtype").text("i8").op(Opcode::newfalse).op(Opcode::newtrue).op(Opcode::tuple3);
  to.op(Opcode::reduce);
  to.op(Opcode::mark).small(3).text("<").op(Opcode::none).op(Opcode::none).op(Opcode::none).integer(-1).integer(-1);
  to.small(0).op(Opcode::tuple).op(Opcode::build);
}

}  // namespace

void append_dictionary_begin(PickleBytes& pickle) {
  Pickler(pickle).op(Opcode::proto).number(std::uint8_t{3}).op(Opcode::empty_dict);
}

void append_item(PickleBytes& pickle, std::string_view key, std::span<const IndexPair> rows) {
  constexpr std::size_t kRowBytes = 2 * sizeof(std::int64_t);
  constexpr std::size_t kMost = std::numeric_limits<std::int32_t>::max();
  if (rows.size() > kMost / kRowBytes || key.size() > kMost) throw InvalidArgument("too many matches for a pickle");
  Pickler to(pickle);
  to.text(key);
  // _reconstruct(ndarray, (0,), b"b"), then the state (1, shape, dtype, Fortran order, bytes).
  to.global("numpy.core.multiarray", "_reconstruct").global("numpy", "ndarray").small(0).op(Opcode::tuple1);
  to.op(Opcode::short_binbytes).number(std::uint8_t{1}).raw("b").op(Opcode::tuple3).op(Opcode::reduce);
  to.op(Opcode::mark).small(1).integer(static_cast<std::int32_t>(rows.size())).small(2).op(Opcode::tuple2);
  append_type(to);
  to.op(Opcode::newfalse).op(Opcode::binbytes).number(static_cast<std::uint32_t>(rows.size() * kRowBytes));
  for (const IndexPair& row : rows) to.number(std::int64_t{row.left}).number(std::int64_t{row.right});
  to.op(Opcode::tuple).op(Opcode::build).op(Opcode::setitem);
}

void append_dictionary_end(PickleBytes& pickle) { Pickler(pickle).op(Opcode::stop); }

}  // namespace twinpatch::sfm
