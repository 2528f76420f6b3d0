// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "twinpatch/core/file.hpp"

// Python's pickle as data. A pickle is a program that builds objects by calling what it names; of it only what makes up
// dictionaries, lists, texts and numbers is read, and calls of functions that the caller knows, which are handed to the
// caller and not made. Reference: CPython's Lib/pickletools.py.

namespace twinpatch {

struct PickleValue {
  enum class Kind {
    none,
    boolean,     ///< integer: 0 or 1
    integer,     ///< integer
    number,      ///< a float, whose value nobody here needs
    text,        ///< text
    list,        ///< items; a list or a tuple
    dictionary,  ///< entries, in order
    global,      ///< text: "torch.FloatStorage"
    call,        ///< text: the function; items: its arguments
    persistent,  ///< items: one, what names an object outside the pickle
    mark
  };
  Kind kind = Kind::none;
  std::int64_t offset = 0;  ///< of the opcode that made it
  std::int64_t integer = 0;
  std::string text;
  std::vector<const PickleValue*> items;
  std::vector<std::pair<const PickleValue*, const PickleValue*>> entries;
};

/// The values of pickles, which refer to each other.
class PickleValues {
 public:
  PickleValue& add(PickleValue::Kind kind, const ByteReader& reader, std::int64_t offset);
  [[nodiscard]] const std::deque<PickleValue>& all() const { return values_; }

 private:
  std::deque<PickleValue> values_;
};

/// Reads one pickle, up to its STOP. `globals`: what it may name, "module.name"; collections.OrderedDict is always
/// known and becomes a dictionary. Throws FormatError with the name and the byte of anything else. Values may contain
/// themselves, as in Python.
[[nodiscard]] const PickleValue& read_pickle(ByteReader& reader, std::span<const std::string_view> globals,
                                             PickleValues& values);

}  // namespace twinpatch
