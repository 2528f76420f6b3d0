// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/formats/pickle_opcodes.hpp"

#include <fmt/format.h>

namespace twinpatch {

namespace {

struct Refused {
  std::uint8_t code;
  const char* name;
};

constexpr Refused kRefused[] = {
    {'I', "INT"},          {'L', "LONG"},
    {0x8b, "LONG4"},       {'S', "STRING"},
    {'B', "BINBYTES"},     {'C', "SHORT_BINBYTES"},
    {0x8e, "BINBYTES8"},   {0x96, "BYTEARRAY8"},
    {0x97, "NEXT_BUFFER"}, {0x98, "READONLY_BUFFER"},
    {'V', "UNICODE"},      {0x8d, "BINUNICODE8"},
    {'F', "FLOAT"},        {'l', "LIST"},
    {'d', "DICT"},         {0x8f, "EMPTY_SET"},
    {0x90, "ADDITEMS"},    {0x91, "FROZENSET"},
    {'0', "POP"},          {'2', "DUP"},
    {'1', "POP_MARK"},     {'g', "GET"},
    {'p', "PUT"},          {0x82, "EXT1"},
    {0x83, "EXT2"},        {0x84, "EXT4"},
    {'i', "INST"},         {'o', "OBJ"},
    {0x81, "NEWOBJ"},      {0x92, "NEWOBJ_EX"},
    {'P', "PERSID"},
};

}  // namespace

std::string pickle_opcode_name(PickleOpcode opcode) {
  const auto code = static_cast<std::uint8_t>(opcode);
  for (const Refused& refused : kRefused) {
    if (refused.code == code) return fmt::format("{} (0x{:02x})", refused.name, code);
  }
  return fmt::format("0x{:02x}", code);
}

}  // namespace twinpatch
