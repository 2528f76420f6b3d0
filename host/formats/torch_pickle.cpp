// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "torch_pickle.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

// Reference: torch/_utils.py, torch/serialization.py (persistent_id).

namespace twinpatch {

namespace {

using Kind = PickleValue::Kind;

constexpr std::string_view kTensorV2 = "torch._utils._rebuild_tensor_v2";
constexpr std::string_view kTensor = "torch._utils._rebuild_tensor";
constexpr std::string_view kParameter = "torch._utils._rebuild_parameter";
constexpr std::size_t kDimensions = 8;
constexpr std::size_t kMostTensors = 1 << 14;
constexpr std::int64_t kMostVisits = 1 << 17;  // of values: dictionaries may share others, many times over
constexpr int kDepth = 16;
constexpr std::size_t kLongestName = 1 << 10;

struct ElementType {
  std::string_view storage;
  std::string_view name;
  std::int64_t bytes;
};
constexpr ElementType kElements[] = {{"torch.FloatStorage", "F32", 4}, {"torch.DoubleStorage", "F64", 8},
                                     {"torch.HalfStorage", "F16", 2},  {"torch.BFloat16Storage", "BF16", 2},
                                     {"torch.LongStorage", "I64", 8},  {"torch.IntStorage", "I32", 4},
                                     {"torch.ShortStorage", "I16", 2}, {"torch.CharStorage", "I8", 1},
                                     {"torch.ByteStorage", "U8", 1},   {"torch.BoolStorage", "BOOL", 1}};

constexpr auto kGlobals = [] {
  std::array<std::string_view, 3 + std::size(kElements)> names{kTensorV2, kTensor, kParameter};
  for (std::size_t i = 0; i < std::size(kElements); ++i) names[3 + i] = kElements[i].storage;
  return names;
}();

}  // namespace

std::span<const std::string_view> torch_globals() { return kGlobals; }

void TorchPickle::fail(const PickleValue& value, std::string_view what) const {
  throw FormatError(path_, value.offset, what);
}

TorchStorageId TorchPickle::storage_id(const PickleValue& value) const {
  const PickleValue* id = value.kind == Kind::persistent ? value.items.front() : nullptr;
  const bool complete = id != nullptr && id->kind == Kind::list && id->items.size() >= 5 &&
                        id->items[0]->text == "storage" && id->items[1]->kind == Kind::global &&
                        id->items[2]->kind == Kind::text && id->items[4]->kind == Kind::integer;
  if (!complete) fail(value, "expected the storage of a tensor");
  if (id->items.size() > 5 && id->items[5]->kind != Kind::none) fail(value, "a storage that is a part of another");
  const auto type = std::ranges::find(kElements, std::string_view(id->items[1]->text), &ElementType::storage);
  if (type == std::end(kElements)) fail(value, fmt::format("{} is no type of a storage", id->items[1]->text));
  const std::int64_t count = id->items[4]->integer;
  if (count < 0 || count > INT64_MAX / 8) fail(value, fmt::format("a storage of {} values", count));
  return {.key = id->items[2]->text, .type = type->name, .item_bytes = type->bytes, .count = count};
}

TorchStorageId TorchPickle::storage_of(const TorchTensor& tensor) const { return storage_id(*tensor.call->items[0]); }

const PickleValue* TorchPickle::tensor_call(const PickleValue* value) const {
  if (value->kind == Kind::call && value->text == kParameter && !value->items.empty()) value = value->items[0];
  const bool is_tensor = value->kind == Kind::call && (value->text == kTensor || value->text == kTensorV2);
  if (is_tensor && value->items.size() < 4) fail(*value, "a tensor without storage, offset, size and stride");
  return is_tensor ? value : nullptr;
}

std::vector<std::int64_t> TorchPickle::sizes(const PickleValue& list) const {
  if (list.kind != Kind::list || list.items.size() > kDimensions) {
    fail(list, fmt::format("expected at most {} sizes or strides of a tensor", kDimensions));
  }
  std::vector<std::int64_t> result;
  for (const PickleValue* item : list.items) {
    if (item->kind != Kind::integer || item->integer < 0) fail(*item, "a size or stride that is no count");
    result.push_back(item->integer);
  }
  return result;
}

StoredTensor TorchPickle::stored(const TorchTensor& tensor, const TorchStorage& storage) const {
  const PickleValue& call = *tensor.call;
  const auto refuse = [&](std::string_view what) { fail(call, fmt::format("tensor {}: {}", tensor.name, what)); };
  const TorchStorageId id = storage_of(tensor);
  if (std::ssize(storage.bytes) != id.count * id.item_bytes) {
    refuse(fmt::format("its storage should have {} values of {}, it has {} bytes", id.count, id.type,
                       storage.bytes.size()));
  }
  StoredTensor result;
  result.name = tensor.name;
  result.type = id.type;
  result.shape = sizes(*call.items[2]);
  result.strides = sizes(*call.items[3]);
  const std::int64_t first = call.items[1]->integer;
  if (result.shape.size() != result.strides.size()) refuse("not as many strides as sizes");
  if (call.items[1]->kind != Kind::integer || first < 0 || first > id.count) refuse("it begins outside its storage");
  const bool empty = std::ranges::find(result.shape, 0) != result.shape.end();
  std::int64_t last = first;
  for (std::size_t i = 0; i < result.shape.size() && !empty; ++i) {
    std::int64_t step = 0;
    if (__builtin_mul_overflow(result.shape[i] - 1, result.strides[i], &step) ||
        __builtin_add_overflow(last, step, &last)) {
      refuse("its size overflows 64 bits");
    }
  }
  if (!empty && last >= id.count) refuse(fmt::format("it reaches to value {} of a storage of {}", last, id.count));
  result.values = storage.bytes.subspan(static_cast<std::size_t>(first * id.item_bytes),
                                        static_cast<std::size_t>((empty ? 0 : last - first + 1) * id.item_bytes));
  result.offset = storage.offset + first * id.item_bytes;
  return result;
}

/// Collects the tensors of dictionaries within dictionaries.
class TorchPickle::Collector {
 public:
  explicit Collector(const TorchPickle& pickle) : pickle_(pickle) {}

  void visit(const PickleValue& dictionary, const std::string& prefix, int depth) {
    if (depth > kDepth) pickle_.fail(dictionary, fmt::format("dictionaries nested deeper than {}", kDepth));
    for (const auto& [key, value] : dictionary.entries) {
      if (++visits_ > kMostVisits) pickle_.fail(dictionary, fmt::format("more than {} entries", kMostVisits));
      const std::string name = prefix + (key->kind == Kind::integer ? std::to_string(key->integer) : key->text);
      if (name.size() > kLongestName) pickle_.fail(*key, fmt::format("a name of {} bytes", name.size()));
      if (value->kind == Kind::dictionary) {
        visit(*value, name + ".", depth + 1);
      } else if (const PickleValue* call = pickle_.tensor_call(value)) {
        if (found_.size() == kMostTensors) pickle_.fail(*call, fmt::format("more than {} tensors", kMostTensors));
        found_.push_back({name, call});
      }
    }
  }
  std::vector<TorchTensor> take() { return std::move(found_); }

 private:
  const TorchPickle& pickle_;
  std::vector<TorchTensor> found_;
  std::int64_t visits_ = 0;
};

std::vector<TorchTensor> TorchPickle::tensors(const PickleValue& root) const {
  if (root.kind != Kind::dictionary) fail(root, "expected a dictionary of tensors, as model.state_dict() gives");
  const PickleValue* top = &root;
  for (const auto& [key, value] : root.entries) {
    if (key->text == "state_dict" && value->kind == Kind::dictionary) top = value;
  }
  Collector collector(*this);
  collector.visit(*top, "", 0);
  return collector.take();
}

}  // namespace twinpatch
