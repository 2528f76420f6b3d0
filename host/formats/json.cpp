// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/formats/json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "tracking_iterator.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch {

bool JsonValue::boolean() const {
  if (const bool* value = std::get_if<bool>(&value_)) return *value;
  fail(fmt::format("expected true or false, found {}", shown()));
}

std::int64_t JsonValue::integer(std::int64_t low, std::int64_t high) const {
  const auto* value = std::get_if<std::int64_t>(&value_);
  if (value != nullptr && *value >= low && *value <= high) return *value;
  fail(fmt::format("expected an integer from {} to {}, found {}", low, high, shown()));
}

double JsonValue::number() const {
  if (const auto* value = std::get_if<std::int64_t>(&value_)) return static_cast<double>(*value);
  if (const auto* value = std::get_if<double>(&value_)) return *value;
  fail(fmt::format("expected a number, found {}", shown()));
}

const std::string& JsonValue::text() const {
  if (const auto* value = std::get_if<std::string>(&value_)) return *value;
  fail(fmt::format("expected a string, found {}", shown()));
}

const JsonValue::List& JsonValue::list() const {
  if (const auto* value = std::get_if<List>(&value_)) return *value;
  fail(fmt::format("expected a list, found {}", shown()));
}

const JsonValue::Members& JsonValue::members() const {
  if (const auto* value = std::get_if<Members>(&value_)) return *value;
  fail(fmt::format("expected an object, found {}", shown()));
}

const JsonValue* JsonValue::find(std::string_view name) const {
  const Members& all = members();
  const auto found = std::ranges::find(all, name, [](const auto& member) -> std::string_view { return member.first; });
  return found == all.end() ? nullptr : &found->second;
}

const JsonValue& JsonValue::at(std::string_view name) const {
  if (const JsonValue* value = find(name)) return *value;
  fail(fmt::format("\"{}\" is missing", name));
}

const JsonValue& JsonValue::at(std::size_t index) const {
  if (index < list().size()) return list()[index];
  fail(fmt::format("expected a list of more than {} values, found {}", index, list().size()));
}

void JsonValue::fail(std::string_view what) const { throw FormatError(path_ ? *path_ : "JSON", offset_, what); }

std::string JsonValue::shown() const {
  constexpr std::size_t kLongest = 100;
  if (is_null()) return "null";
  if (is_boolean()) return std::get<bool>(value_) ? "true" : "false";
  if (is_integer()) return fmt::format("{}", std::get<std::int64_t>(value_));
  if (is_number()) return fmt::format("{}", std::get<double>(value_));
  if (is_list()) return fmt::format("a list of {}", list().size());
  if (is_object()) return fmt::format("an object of {} members", members().size());
  return fmt::format("\"{}{}\"", text().substr(0, kLongest), text().size() > kLongest ? "…" : "");
}

bool operator==(const JsonValue& a, const JsonValue& b) {
  if (a.is_number() && b.is_number()) return a.number() == b.number();
  if (!a.is_object() || !b.is_object()) return a.value_ == b.value_;
  const auto& members = a.members();
  return members.size() == b.members().size() && std::ranges::all_of(members, [&](const auto& member) {
           const JsonValue* other = b.find(member.first);
           return other != nullptr && *other == member.second;
         });
}

/// Receives the parser's events, which come without recursion: depth costs this class's own stack of open values only.
class JsonBuilder : public nlohmann::json_sax<nlohmann::json> {
 public:
  JsonBuilder(std::string_view text, const char* const* seen, const std::string& path, int depth)
      : begin_(text.data()), seen_(seen), path_(std::make_shared<const std::string>(path)), depth_(depth) {}

  JsonValue take() { return std::move(root_); }

  bool null() override { return put(std::monostate{}); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override { return put(std::int64_t{value}); }
  bool number_unsigned(number_unsigned_t value) override {
    if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      return put(static_cast<double>(value));
    return put(static_cast<std::int64_t>(value));
  }
  bool number_float(number_float_t value, const string_t&) override { return put(value); }
  bool string(string_t& value) override { return put(std::move(value)); }
  bool binary(binary_t&) override { fail("expected JSON, found binary data"); }

  bool start_object(std::size_t) override { return open(JsonValue::Members{}); }
  bool start_array(std::size_t) override { return open(JsonValue::List{}); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    Open& object = open_.back();
    if (!object.names.insert(name).second) fail(fmt::format("duplicate key \"{}\"", name));
    object.name = std::move(name);
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& error) override {
    // "[json.exception.parse_error.101] parse error at line 1, column 9: syntax error while …; expected …"
    std::string_view what = error.what();
    for (const std::string_view before : {"] ", ": "}) {
      if (const auto at = what.find(before); at != std::string_view::npos) what.remove_prefix(at + before.size());
    }
    throw FormatError(*path_, static_cast<std::int64_t>(position), fmt::format("not well-formed JSON: {}", what));
  }

  [[noreturn]] void fail(std::string_view what) const { throw FormatError(*path_, position(), what); }

 private:
  /// A list or an object whose end has not come.
  struct Open {
    JsonValue value;
    std::string name;  // of the object's member that comes next
    std::unordered_set<std::string> names;
  };

  [[nodiscard]] std::int64_t position() const { return *seen_ - begin_; }

  template <class Value>
  JsonValue make(Value&& value) const {
    JsonValue made;
    made.value_ = std::forward<Value>(value);
    made.path_ = path_;
    made.offset_ = position();
    return made;
  }

  template <class Value>
  bool put(Value&& value) {
    return place(make(std::forward<Value>(value)));
  }

  bool place(JsonValue value) {
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (auto* list = std::get_if<JsonValue::List>(&open_.back().value.value_)) {
      list->push_back(std::move(value));
    } else {
      std::get<JsonValue::Members>(open_.back().value.value_)
          .emplace_back(std::move(open_.back().name), std::move(value));
    }
    return true;
  }

  template <class Value>
  bool open(Value&& value) {
    if (std::ssize(open_) == depth_) fail(fmt::format("nested deeper than {}", depth_));
    open_.push_back({make(std::forward<Value>(value)), {}, {}});
    return true;
  }

  bool close() {
    JsonValue value = std::move(open_.back().value);
    open_.pop_back();
    return place(std::move(value));
  }

  const char* begin_;
  const char* const* seen_;
  std::shared_ptr<const std::string> path_;
  int depth_;
  std::vector<Open> open_;
  JsonValue root_;
};

JsonValue parse_json(std::string_view text, const std::string& path, int depth) {
  // The parser takes a zero byte for the text's end and would not see what follows it.
  if (const auto zero = text.find('\0'); zero != std::string_view::npos) {
    throw FormatError(path, static_cast<std::int64_t>(zero), "not well-formed JSON: a zero byte");
  }
  const char* seen = text.data();
  JsonBuilder builder(text, &seen, path, depth);
  nlohmann::json::sax_parse(TrackingIterator(text.data(), &seen), TrackingIterator(text.data() + text.size(), &seen),
                            &builder);
  return builder.take();
}

}  // namespace twinpatch
