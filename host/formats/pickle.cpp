// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "pickle.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "twinpatch/formats/pickle_opcodes.hpp"

namespace twinpatch {

namespace {

using Kind = PickleValue::Kind;

constexpr std::int64_t kMostValues =
    1 << 20;  // an opcode of one byte makes a value of a hundred; networks have thousands
constexpr std::int64_t kMostArguments = 16;
constexpr std::int64_t kLongestText = 1 << 16;
constexpr std::int64_t kLongestName = 1 << 10;
constexpr std::string_view kOrderedDict = "collections.OrderedDict";

class Machine {
 public:
  Machine(ByteReader& reader, std::span<const std::string_view> globals, PickleValues& values)
      : reader_(reader), globals_(globals), values_(values) {}

  const PickleValue& run() {
    while (true) {
      at_ = reader_.offset();
      const auto opcode = static_cast<PickleOpcode>(reader_.read<std::uint8_t>("an opcode of a pickle"));
      if (opcode == PickleOpcode::stop) return pop("the result");
      if (!push_constant(opcode) && !remember(opcode) && !build(opcode)) {
        fail(fmt::format("opcode {} of a pickle: only dictionaries, lists, texts, numbers and tensors are read",
                         pickle_opcode_name(opcode)));
      }
    }
  }

 private:
  [[noreturn]] void fail(std::string_view what) const { throw FormatError(reader_.path(), at_, what); }

  PickleValue& push(Kind kind) {
    PickleValue& value = values_.add(kind, reader_, at_);
    stack_.push_back(&value);
    return value;
  }
  PickleValue& pop(std::string_view what) {
    if (stack_.empty() || stack_.back()->kind == Kind::mark) fail(fmt::format("a pickle without {}", what));
    PickleValue& value = *stack_.back();
    stack_.pop_back();
    return value;
  }
  /// What was pushed since the last MARK, which is removed too.
  std::vector<const PickleValue*> pop_to_mark() {
    const auto mark =
        std::find_if(stack_.rbegin(), stack_.rend(), [](auto* value) { return value->kind == Kind::mark; });
    if (mark == stack_.rend()) fail("a pickle without a MARK");
    std::vector<const PickleValue*> items(mark.base(), stack_.end());
    stack_.erase(mark.base() - 1, stack_.end());
    return items;
  }
  PickleValue& top(Kind kind, std::string_view what) {
    if (stack_.empty() || stack_.back()->kind != kind) fail(fmt::format("{} to something that is none", what));
    return *stack_.back();
  }

  template <class Length>
  std::string text(std::string_view what, std::int64_t longest) {
    const auto length = static_cast<std::int64_t>(reader_.read<Length>(what));
    if (length < 0 || length > longest) fail(fmt::format("{}: at most {} bytes, found {}", what, longest, length));
    return characters(length, what);
  }
  std::string characters(std::int64_t length, std::string_view what) {
    const auto bytes = reader_.take(length, what);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  std::string line(std::string_view what) {
    std::string result;
    for (char c = 0; (c = reader_.read<char>(what)) != '\n'; result += c) {
      if (std::ssize(result) == kLongestName) fail(fmt::format("{}: more than {} bytes", what, kLongestName));
    }
    return result;
  }

  /// LONG1: so many bytes of two's complement. Texts of PyTorch use ten of them as a magic number, hence no failure.
  std::int64_t long_integer() {
    const auto bytes = reader_.take(reader_.read<std::uint8_t>("length of an integer"), "an integer");
    std::uint64_t value = !bytes.empty() && (bytes.back() & std::byte{0x80}) != std::byte{0} ? ~std::uint64_t{0} : 0;
    for (std::size_t i = std::min<std::size_t>(bytes.size(), 8); i-- > 0;) {
      value = (value << 8) | static_cast<std::uint64_t>(bytes[i]);
    }
    return static_cast<std::int64_t>(value);
  }

  /// Opcodes that push a value of their own.
  bool push_constant(PickleOpcode opcode) {
    switch (opcode) {
      case PickleOpcode::none:
        push(Kind::none);
        return true;
      case PickleOpcode::new_true:
      case PickleOpcode::new_false:
        push(Kind::boolean).integer = opcode == PickleOpcode::new_true ? 1 : 0;
        return true;
      case PickleOpcode::bin_int:
        push(Kind::integer).integer = reader_.read<std::int32_t>("an integer");
        return true;
      case PickleOpcode::bin_int1:
        push(Kind::integer).integer = reader_.read<std::uint8_t>("an integer");
        return true;
      case PickleOpcode::bin_int2:
        push(Kind::integer).integer = reader_.read<std::uint16_t>("an integer");
        return true;
      case PickleOpcode::long1:
        push(Kind::integer).integer = long_integer();
        return true;
      case PickleOpcode::bin_float:
        (void)reader_.take(8, "a number");
        push(Kind::number);
        return true;
      case PickleOpcode::short_bin_string:
      case PickleOpcode::short_bin_unicode:
        push(Kind::text).text = text<std::uint8_t>("a text", kLongestText);
        return true;
      case PickleOpcode::bin_string:
      case PickleOpcode::bin_unicode:
        push(Kind::text).text = text<std::int32_t>("a text", kLongestText);
        return true;
      case PickleOpcode::empty_list:
      case PickleOpcode::empty_tuple:
        push(Kind::list);
        return true;
      case PickleOpcode::empty_dict:
        push(Kind::dictionary);
        return true;
      case PickleOpcode::mark:
        push(Kind::mark);
        return true;
      default:
        return false;
    }
  }

  /// Opcodes of the memo, and those that say how the rest is written.
  bool remember(PickleOpcode opcode) {
    switch (opcode) {
      case PickleOpcode::proto:
        if (const int version = reader_.read<std::uint8_t>("version of a pickle"); version < 2 || version > 5) {
          fail(fmt::format("versions 2 to 5 of pickle are read, found {}", version));
        }
        return true;
      case PickleOpcode::frame:
        (void)reader_.read<std::uint64_t>("length of a frame");
        return true;
      case PickleOpcode::bin_put:
        memo_[reader_.read<std::uint8_t>("an index")] = &last();
        return true;
      case PickleOpcode::long_bin_put:
        memo_[reader_.read<std::uint32_t>("an index")] = &last();
        return true;
      case PickleOpcode::memoize:
        memo_[static_cast<std::uint32_t>(memo_.size())] = &last();
        return true;
      case PickleOpcode::bin_get:
        recall(reader_.read<std::uint8_t>("an index"));
        return true;
      case PickleOpcode::long_bin_get:
        recall(reader_.read<std::uint32_t>("an index"));
        return true;
      default:
        return false;
    }
  }
  PickleValue& last() {
    if (stack_.empty() || stack_.back()->kind == Kind::mark) fail("a pickle that remembers nothing");
    return *stack_.back();
  }
  void recall(std::uint32_t index) {
    const auto found = memo_.find(index);
    if (found == memo_.end()) fail(fmt::format("a pickle that recalls value {}, which it has not", index));
    stack_.push_back(found->second);
  }

  /// Opcodes that make a value of those before.
  bool build(PickleOpcode opcode) {
    switch (opcode) {
      case PickleOpcode::tuple1:
      case PickleOpcode::tuple2:
      case PickleOpcode::tuple3:
        tuple(static_cast<int>(opcode) - static_cast<int>(PickleOpcode::tuple1) + 1);
        return true;
      case PickleOpcode::tuple: {
        std::vector<const PickleValue*> items = pop_to_mark();
        push(Kind::list).items = std::move(items);
        return true;
      }
      case PickleOpcode::append:
        append({&pop("a value to append")});
        return true;
      case PickleOpcode::appends:
        append(pop_to_mark());
        return true;
      case PickleOpcode::set_item: {
        const PickleValue& value = pop("a value");
        set_items({&pop("a key"), &value});
        return true;
      }
      case PickleOpcode::set_items:
        set_items(pop_to_mark());
        return true;
      case PickleOpcode::global: {
        std::string module = line("a module");
        global(module + "." + line("a name"));
        return true;
      }
      case PickleOpcode::stack_global: {
        const PickleValue& name = pop("a name");
        const PickleValue& module = pop("a module");
        if (name.kind != Kind::text || module.kind != Kind::text) fail("a global whose name is no text");
        global(module.text + "." + name.text);
        return true;
      }
      case PickleOpcode::reduce:
        reduce();
        return true;
      case PickleOpcode::bin_pers_id: {
        const PickleValue& id = pop("a name of an object outside");
        push(Kind::persistent).items = {&id};
        return true;
      }
      case PickleOpcode::build:  // attributes of a dictionary, as PyTorch's _metadata: nobody needs them
        (void)pop("a state");
        (void)top(Kind::dictionary, "attributes given");
        return true;
      default:
        return false;
    }
  }

  void tuple(int count) {
    std::vector<const PickleValue*> items(static_cast<std::size_t>(count));
    for (std::size_t i = items.size(); i-- > 0;) items[i] = &pop("the items of a tuple");
    push(Kind::list).items = std::move(items);
  }
  void append(const std::vector<const PickleValue*>& items) {
    auto& list = top(Kind::list, "items appended").items;
    list.insert(list.end(), items.begin(), items.end());
  }
  void set_items(const std::vector<const PickleValue*>& items) {
    PickleValue& dictionary = top(Kind::dictionary, "entries added");
    if (items.size() % 2 != 0) fail("a key without a value");
    for (std::size_t i = 0; i < items.size(); i += 2) dictionary.entries.emplace_back(items[i], items[i + 1]);
  }
  void global(std::string name) {
    if (name != kOrderedDict && std::ranges::find(globals_, name) == globals_.end()) {
      fail(
          fmt::format("a pickle that uses {}: only dictionaries, lists, texts, numbers and tensors are read, as "
                      "torch.save(model.state_dict(), …) writes them",
                      name));
    }
    push(Kind::global).text = std::move(name);
  }
  void reduce() {
    const PickleValue& arguments = pop("arguments");
    const PickleValue& function = pop("a function");
    if (function.kind != Kind::global || arguments.kind != Kind::list) fail("a call of something that is no function");
    if (function.text != kOrderedDict) {
      // Copied, and the same arguments may be used again and again.
      if (std::ssize(arguments.items) > kMostArguments) fail(fmt::format("more than {} arguments", kMostArguments));
      PickleValue& call = push(Kind::call);
      call.text = function.text;
      call.items = arguments.items;
      return;
    }
    // Python 2 hands the entries to the function, Python 3 adds them later.
    PickleValue& dictionary = push(Kind::dictionary);
    if (arguments.items.empty()) return;
    copied_ += std::ssize(arguments.items.front()->items);
    if (copied_ > kMostValues) fail(fmt::format("dictionaries of more than {} entries", kMostValues));
    for (const PickleValue* pair : arguments.items.front()->items) {
      if (pair->kind != Kind::list || pair->items.size() != 2) fail("an OrderedDict made of something else than pairs");
      dictionary.entries.emplace_back(pair->items[0], pair->items[1]);
    }
  }

  ByteReader& reader_;
  std::span<const std::string_view> globals_;
  PickleValues& values_;
  std::vector<PickleValue*> stack_;
  std::unordered_map<std::uint32_t, PickleValue*> memo_;
  std::int64_t at_ = 0;      // of the opcode at work
  std::int64_t copied_ = 0;  // entries of lists that became dictionaries
};

}  // namespace

PickleValue& PickleValues::add(PickleValue::Kind kind, const ByteReader& reader, std::int64_t offset) {
  if (std::ssize(values_) == kMostValues) {
    throw FormatError(reader.path(), offset, fmt::format("a pickle of more than {} values", kMostValues));
  }
  PickleValue& value = values_.emplace_back();
  value.kind = kind;
  value.offset = offset;
  return value;
}

const PickleValue& read_pickle(ByteReader& reader, std::span<const std::string_view> globals, PickleValues& values) {
  return Machine(reader, globals, values).run();
}

}  // namespace twinpatch
