// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "protobuf_reader.hpp"

#include <fmt/format.h>

#include "twinpatch/core/error.hpp"

namespace twinpatch {

void ProtobufReader::fail(std::string_view what) const {
  throw FormatError(*path_, begin_ + static_cast<std::int64_t>(at_), fmt::format("ONNX: {}", what));
}

std::uint64_t ProtobufReader::varint() {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const auto byte = static_cast<std::uint64_t>(take(1)[0]);
    value |= (byte & 127) << shift;
    if (byte < 128) return value;
  }
  fail("an integer of more than 64 bits");
}

std::span<const std::byte> ProtobufReader::take(std::uint64_t count) {
  if (count > bytes_.size() - at_) {
    fail(fmt::format("{} bytes expected, {} are left of this message", count, bytes_.size() - at_));
  }
  const auto taken = bytes_.subspan(at_, static_cast<std::size_t>(count));
  at_ += taken.size();
  return taken;
}

std::optional<ProtobufReader::Field> ProtobufReader::next() {
  if (at_ == bytes_.size()) return std::nullopt;
  const std::uint64_t tag = varint();
  Field field;
  field.wire = static_cast<int>(tag & 7);
  if (tag >> 3 == 0 || tag >> 3 > 536870911) fail("a field whose number is out of range");
  field.number = static_cast<int>(tag >> 3);
  switch (field.wire) {
    case 0:
      field.value = varint();
      break;
    case 1:
      field.bytes = take(8);
      break;
    case 2:
      field.bytes = take(varint());
      break;
    case 5:
      field.bytes = take(4);
      break;
    default:
      fail(fmt::format("field {} is of kind {}: no protobuf message", field.number, field.wire));
  }
  field.offset = begin_ + static_cast<std::int64_t>(at_ - field.bytes.size());
  return field;
}

std::int64_t ProtobufReader::integer(const Field& field) const {
  if (field.wire != 0) fail(fmt::format("field {} must be an integer", field.number));
  return static_cast<std::int64_t>(field.value);
}

std::span<const std::byte> ProtobufReader::fixed(const Field& field, std::size_t count) const {
  if (field.wire == 0 || field.bytes.size() != count) fail(fmt::format("field {} must be a number", field.number));
  return field.bytes;
}

std::span<const std::byte> ProtobufReader::bytes(const Field& field) const {
  if (field.wire != 2) fail(fmt::format("field {} must have a length", field.number));
  return field.bytes;
}

std::string ProtobufReader::text(const Field& field) const {
  const auto found = bytes(field);
  return {reinterpret_cast<const char*>(found.data()), found.size()};
}

ProtobufReader ProtobufReader::message(const Field& field) const { return {bytes(field), *path_, field.offset}; }

void ProtobufReader::integers(const Field& field, std::vector<std::int64_t>& values) const {
  if (field.wire != 2) return values.push_back(integer(field));
  ProtobufReader list = message(field);
  while (list.at_ < list.bytes_.size()) values.push_back(static_cast<std::int64_t>(list.varint()));
}

}  // namespace twinpatch
