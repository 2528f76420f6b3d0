// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace twinpatch {

/// The opcodes of pickle that are read or written; bytes and meanings as in CPython's Lib/pickletools.py.
enum class PickleOpcode : std::uint8_t {
  proto = 0x80,
  stop = '.',
  mark = '(',
  none = 'N',
  new_true = 0x88,
  new_false = 0x89,
  bin_int = 'J',
  bin_int1 = 'K',
  bin_int2 = 'M',
  long1 = 0x8a,
  bin_float = 'G',
  short_bin_string = 'U',
  bin_string = 'T',
  short_bin_unicode = 0x8c,
  bin_unicode = 'X',
  bin_bytes = 'B',        // written alone
  short_bin_bytes = 'C',  // written alone
  empty_list = ']',
  empty_tuple = ')',
  empty_dict = '}',
  frame = 0x95,
  bin_put = 'q',
  long_bin_put = 'r',
  memoize = 0x94,
  bin_get = 'h',
  long_bin_get = 'j',
  tuple = 't',
  tuple1 = 0x85,
  tuple2 = 0x86,
  tuple3 = 0x87,
  append = 'a',
  appends = 'e',
  set_item = 's',
  set_items = 'u',
  global = 'c',
  stack_global = 0x93,
  reduce = 'R',
  bin_pers_id = 'Q',
  build = 'b'
};

/// "NEWOBJ (0x81)", also of those that are not read.
[[nodiscard]] std::string pickle_opcode_name(PickleOpcode opcode);

}  // namespace twinpatch
