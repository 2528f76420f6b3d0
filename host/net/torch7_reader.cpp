// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "torch7_reader.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <unordered_map>

namespace twinpatch::net {
namespace {

using Kind = Torch7Object::Kind;

constexpr int kDepth = 64;
constexpr std::size_t kObjects = 1 << 20;  // an object of a few bytes takes far more in memory; networks have hundreds
constexpr std::int32_t kDimensions = 8;
constexpr std::int32_t kText = 1 << 16;

struct Element {
  const char* name;
  std::int64_t bytes;
};
constexpr Element kElements[] = {{"Float", 4}, {"Cuda", 4},  {"Double", 8}, {"Long", 8},
                                 {"Int", 4},   {"Short", 2}, {"Char", 1},   {"Byte", 1}};

/// Bytes of an element of "torch.<element><suffix>"; 0 if the class is none such.
std::int64_t element_bytes(std::string_view name, std::string_view suffix) {
  for (const Element& element : kElements) {
    if (name == fmt::format("torch.{}{}", element.name, suffix)) return element.bytes;
  }
  return 0;
}

}  // namespace

const Torch7Object* Torch7Object::find(std::string_view key) const {
  const Torch7Object* table = kind == Kind::other ? content : this;
  if (table == nullptr) return nullptr;
  for (const auto& [name, value] : table->entries) {
    if (name->kind == Kind::text && name->text == key) return value;
  }
  return nullptr;
}

std::vector<const Torch7Object*> Torch7Object::list() const {
  std::vector<const Torch7Object*> items(entries.size(), nullptr);
  for (const auto& [key, value] : entries) {
    if (key->kind != Kind::number || key->number != std::floor(key->number) || key->number < 1) continue;
    if (key->number <= static_cast<double>(items.size())) items[static_cast<std::size_t>(key->number) - 1] = value;
  }
  while (!items.empty() && items.back() == nullptr) items.pop_back();
  return items;
}

/// Reads objects one after the other; recursion is bounded, and so is every count, by the bytes left.
class Torch7File::Parser {
 public:
  Parser(ByteReader& reader, std::vector<std::unique_ptr<Torch7Object>>& objects)
      : reader_(reader), objects_(objects) {}

  Torch7Object* object(int depth) {
    if (depth > kDepth) reader_.fail(fmt::format("objects are nested deeper than {}", kDepth));
    const auto offset = reader_.offset();
    const auto tag = reader_.read<std::int32_t>("tag of an object");
    switch (tag) {
      case 0:
        return add(Kind::nil, offset);
      case 1:
        return number(offset);
      case 2: {
        Torch7Object* result = add(Kind::text, offset);
        result->text = text("a string");
        return result;
      }
      case 3:
        return referenced(offset, Kind::table, depth);
      case 4:
        return referenced(offset, Kind::other, depth);
      case 5: {
        Torch7Object* result = add(Kind::boolean, offset);
        result->number = reader_.read<std::int32_t>("a boolean") != 0 ? 1 : 0;
        return result;
      }
      default:
        break;
    }
    reader_.fail(fmt::format("the tag of an object must be 0 to 5, found {}{}", tag,
                             tag >= 6 && tag <= 8 ? " (a function)" : ""));
  }

 private:
  Torch7Object* add(Kind kind, std::int64_t offset) {
    if (objects_.size() == kObjects) reader_.fail(fmt::format("more than {} objects", kObjects));
    objects_.push_back(std::make_unique<Torch7Object>());
    objects_.back()->kind = kind;
    objects_.back()->offset = offset;
    return objects_.back().get();
  }

  Torch7Object* number(std::int64_t offset) {
    Torch7Object* result = add(Kind::number, offset);
    result->number = reader_.read<double>("a number");
    return result;
  }

  std::string text(const char* what) {
    const auto length = reader_.read<std::int32_t>(what);
    if (length > kText) reader_.fail(fmt::format("{}: at most {} bytes, found {}", what, kText, length));
    const auto bytes = reader_.take(length, what);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  /// A table or a torch object: a new one, or one met before.
  Torch7Object* referenced(std::int64_t offset, Kind kind, int depth) {
    const auto reference = reader_.read<std::int32_t>("number of a reference");
    if (const auto found = references_.find(reference); found != references_.end()) {
      if ((found->second->kind == Kind::table) != (kind == Kind::table)) {
        reader_.fail(fmt::format("reference {} is to an object of another kind", reference));
      }
      return found->second;
    }
    Torch7Object* result = add(kind, offset);
    references_[reference] = result;
    if (kind == Kind::table) {
      table(*result, depth);
    } else {
      torch_object(*result, depth);
    }
    return result;
  }

  void table(Torch7Object& result, int depth) {
    const auto count = reader_.read<std::int32_t>("count of a table's entries");
    reader_.check_count(count, 2 * std::int64_t{sizeof(std::int32_t)}, "entries of a table");
    for (std::int32_t i = 0; i < count; ++i) {
      const Torch7Object* key = object(depth + 1);
      const Torch7Object* value = object(depth + 1);
      result.entries.emplace_back(key, value);
    }
  }

  void torch_object(Torch7Object& result, int depth) {
    result.text = text("version of a class");
    if (result.text.starts_with("V ")) result.text = text("name of a class");  // very old files have no version
    if (element_bytes(result.text, "Tensor") != 0) {
      tensor(result, depth);
    } else if (const std::int64_t bytes = element_bytes(result.text, "Storage"); bytes != 0) {
      result.kind = Kind::storage;
      const auto count = reader_.read<std::int64_t>("count of a storage's values");
      reader_.check_count(count, bytes, "values of a storage");
      result.values = reader_.take(count * bytes, "values of a storage");
    } else {
      result.content = object(depth + 1);
    }
  }

  void tensor(Torch7Object& result, int depth) {
    result.kind = Kind::tensor;
    const auto dimensions = reader_.read<std::int32_t>("dimensions of a tensor");
    if (dimensions < 0 || dimensions > kDimensions) {
      reader_.fail(fmt::format("a tensor has 0 to {} dimensions, found {}", kDimensions, dimensions));
    }
    for (auto* list : {&result.sizes, &result.strides}) {
      for (std::int32_t i = 0; i < dimensions; ++i) list->push_back(reader_.read<std::int64_t>("shape of a tensor"));
    }
    const auto first = reader_.read<std::int64_t>("offset of a tensor");
    if (first < 1) reader_.fail(fmt::format("the offset of a tensor must be at least 1, found {}", first));
    result.first = first - 1;
    result.content = object(depth + 1);
    if (result.content->kind != Kind::nil && result.content->kind != Kind::storage) {
      reader_.fail("a tensor must be followed by its storage");
    }
  }

  ByteReader& reader_;
  std::vector<std::unique_ptr<Torch7Object>>& objects_;
  std::unordered_map<std::int32_t, Torch7Object*> references_;
};

Torch7File::Torch7File(std::span<const std::byte> bytes, const std::string& path) : path_(path) {
  ByteReader reader(bytes, path);
  root_ = Parser(reader, objects_).object(0);
  if (reader.left() != 0) reader.fail(fmt::format("the object ends here, {} bytes follow", reader.left()));
}

void Torch7File::fail(const Torch7Object& object, std::string_view what) const {
  throw FormatError(path_, object.offset, what);
}

std::vector<float> Torch7File::floats(const Torch7Object& tensor, std::int64_t count) const {
  if (tensor.kind != Kind::tensor) fail(tensor, "expected a tensor");
  const bool wide = tensor.text == "torch.DoubleTensor";
  if (!wide && tensor.text != "torch.FloatTensor" && tensor.text != "torch.CudaTensor") {
    fail(tensor, fmt::format("expected a tensor of floats, found {}", tensor.text));
  }
  const std::int64_t bytes = wide ? 8 : 4;
  const auto* storage = tensor.content;
  if (storage->kind != Kind::storage || element_bytes(storage->text, "Storage") != bytes) {
    fail(tensor, "a tensor whose storage is missing or of another type");
  }
  const auto stored = static_cast<std::int64_t>(storage->values.size()) / bytes;
  // Row-major and without gaps is the only layout that modules save; then the values are a range of the storage.
  if (tensor.sizes.empty()) fail(tensor, fmt::format("expected {} values, found an empty tensor", count));
  std::int64_t total = 1;
  for (std::size_t i = tensor.sizes.size(); i-- > 0;) {
    if (tensor.sizes[i] < 1 || tensor.sizes[i] > stored / total) fail(tensor, "a tensor larger than its storage");
    if (tensor.sizes[i] != 1 && tensor.strides[i] != total) fail(tensor, "a tensor that is not contiguous");
    total *= tensor.sizes[i];
  }
  if (total != count) fail(tensor, fmt::format("expected {} values, found {}", count, total));
  if (tensor.first > stored - total) fail(tensor, "a tensor that reaches past its storage");
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) {
    const std::byte* at = storage->values.data() + (tensor.first + i) * bytes;
    double as_double = 0;
    float as_float = 0;
    std::memcpy(wide ? static_cast<void*>(&as_double) : &as_float, at, static_cast<std::size_t>(bytes));
    const float value = wide ? static_cast<float>(as_double) : as_float;
    if (!std::isfinite(value)) fail(tensor, "a value that is not finite");
    values[static_cast<std::size_t>(i)] = value;
  }
  return values;
}

}  // namespace twinpatch::net
