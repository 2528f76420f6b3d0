// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/net/foreign_weights.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "file_kind.hpp"
#include "onnx_import.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/core/file.hpp"

namespace twinpatch {

namespace {

using Dimensions = std::vector<std::int64_t>;

constexpr std::size_t kMostListed = 200;  // names in one message; networks have fewer tensors

std::string shown(const Dimensions& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

/// What is wrong with a file, name by name, gathered into one message.
class Misfits {
 public:
  void add(const std::string& kind, std::string what) { lists_[kind].push_back(std::move(what)); }
  /// Throws if there are any.
  void refuse(const std::string& path, const NetworkSpec& spec) const {
    if (lists_.empty()) return;
    std::string text;
    for (const auto& [kind, list] : lists_) {
      const std::span some(list.data(), std::min(list.size(), kMostListed));
      text += fmt::format("; {}: {}", kind, fmt::join(some, ", "));
      if (some.size() < list.size()) text += fmt::format(" and {} more", list.size() - some.size());
    }
    throw ShapeError(fmt::format("{}: its tensors are not those of network {}{}", path, spec.name, text));
  }

 private:
  std::map<std::string, std::vector<std::string>> lists_;
};

/// "features.0." and "weight".
std::pair<std::string, std::string> split(const std::string& name) {
  const std::size_t dot = name.rfind('.') + 1;  // 0 where there is none
  return {name.substr(0, dot), name.substr(dot)};
}

/// Names with the same text before their last dot, in the order of the first of them.
struct Group {
  std::string prefix;
  std::vector<std::string> fields;
};

template <class Named>
std::vector<Group> group(const std::vector<Named>& all) {
  std::vector<Group> groups;
  std::map<std::string, std::size_t> places;
  for (const Named& one : all) {
    const auto [prefix, field] = split(one.name);
    const auto [place, is_new] = places.emplace(prefix, groups.size());
    if (is_new) groups.push_back({prefix, {}});
    groups[place->second].fields.push_back(field);
  }
  return groups;
}

using TensorsByName = std::map<std::string, const StoredTensor*>;

TensorsByName index(const std::vector<StoredTensor>& tensors) {
  TensorsByName by_name;
  for (const StoredTensor& tensor : tensors) by_name[tensor.name] = &tensor;
  return by_name;
}

/// By the order of layers; weights without a tensor and tensors without a weight are misfits.
std::vector<WeightSource> match_by_order(const std::vector<WeightShape>& weights,
                                         const std::vector<StoredTensor>& tensors, Misfits& misfits) {
  std::vector<WeightSource> sources;
  const std::vector<Group> ours = group(weights);
  const std::vector<Group> theirs = group(tensors);
  for (std::size_t i = 0; i < std::max(ours.size(), theirs.size()); ++i) {
    const Group empty;
    const Group& own = i < ours.size() ? ours[i] : empty;
    const Group& other = i < theirs.size() ? theirs[i] : empty;
    for (const std::string& field : own.fields) {
      if (std::ranges::find(other.fields, field) != other.fields.end()) {
        sources.push_back({own.prefix + field, other.prefix + field});
      } else {
        misfits.add("missing", own.prefix + field);
      }
    }
    for (const std::string& field : other.fields) {
      if (std::ranges::find(own.fields, field) == own.fields.end()) misfits.add("left over", other.prefix + field);
    }
  }
  return sources;
}

/// As a map says; a weight without a tensor is a misfit.
std::vector<WeightSource> match_by_map(const std::vector<WeightShape>& weights, std::span<const WeightSource> map,
                                       const TensorsByName& tensors, Misfits& misfits) {
  std::map<std::string, std::string> names;
  for (const WeightSource& line : map) names.emplace(line.weight, line.tensor);
  std::vector<WeightSource> sources;
  for (const WeightShape& weight : weights) {
    const auto found = names.find(weight.name);
    if (found == names.end()) {
      misfits.add("missing in the map", weight.name);
    } else if (!tensors.contains(found->second)) {
      misfits.add("missing", found->second);
    } else {
      sources.push_back({weight.name, found->second});
    }
    if (found != names.end()) names.erase(found);
  }
  for (const auto& [weight, tensor] : names) misfits.add("unknown to the network", weight);
  return sources;
}

/// Values for each output, if their number fits 64 bits; −1 else.
std::int64_t values_per_output(const Dimensions& shape) {
  std::int64_t count = 1;
  for (std::size_t i = 1; i < shape.size(); ++i) {
    if (__builtin_mul_overflow(count, shape[i], &count)) return -1;
  }
  return count;
}

/// The same, or one of them a matrix: the values of an output lie in the same order.
bool fits(const Dimensions& found, const Dimensions& expected) {
  if (found == expected) return true;
  const bool matrix = found.size() == 2 || expected.size() == 2;
  return matrix && std::min(found.size(), expected.size()) >= 2 && found[0] == expected[0] &&
         values_per_output(found) == values_per_output(expected);
}

/// By the map, the network's own names, or the order of layers.
std::vector<WeightSource> match(const std::vector<WeightShape>& weights, std::vector<StoredTensor> tensors,
                                std::span<const WeightSource> map, Misfits& misfits) {
  if (!map.empty()) return match_by_map(weights, map, index(tensors), misfits);
  // BatchNorm counts the batches of its training.
  std::erase_if(tensors, [](const StoredTensor& tensor) { return split(tensor.name).second == "num_batches_tracked"; });
  TensorsByName rest = index(tensors);
  std::vector<WeightSource> sources;
  for (const WeightShape& weight : weights) {
    if (rest.erase(weight.name) == 1) sources.push_back({weight.name, weight.name});
  }
  if (sources.size() != weights.size()) return match_by_order(weights, tensors, misfits);
  for (const auto& [name, tensor] : rest) misfits.add("left over", name);
  return sources;
}

void check_sizes(const std::vector<WeightShape>& weights, const std::vector<StoredTensor>& tensors,
                 std::span<const WeightSource> sources, Misfits& misfits) {
  const TensorsByName by_name = index(tensors);
  std::map<std::string, Dimensions> expected;
  for (const WeightShape& weight : weights) expected[weight.name] = weight.shape;
  for (const WeightSource& source : sources) {
    const Dimensions& found = by_name.at(source.tensor)->shape;
    const Dimensions& shape = expected.at(source.weight);
    if (fits(found, shape)) continue;
    misfits.add("of other sizes",
                fmt::format("{} {} for {} {}", source.tensor, shown(found), source.weight, shown(shape)));
  }
}

std::vector<StoredTensor> list_tensors(std::span<const std::byte> bytes, const std::string& path) {
  switch (net::file_kind(bytes)) {
    case net::FileKind::safetensors:
      return list_safetensors(bytes, path);
    case net::FileKind::torch:
      return list_torch_tensors(bytes, path);
    case net::FileKind::deepcompare_bin:
    case net::FileKind::torch7:
      throw FormatError(path, 0, "this file names its network itself: convert it without --network");
    case net::FileKind::onnx:
    case net::FileKind::unknown:
      break;
  }
  throw FormatError(path, 0, "expected weights as safetensors, as PyTorch's torch.save writes them, or ONNX");
}

}  // namespace

std::vector<WeightSource> parse_weight_map(std::string_view text, const std::string& path) {
  std::vector<WeightSource> map;
  std::set<std::string, std::less<>> seen;
  text = without_byte_order_mark(text, path);
  for (int number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, std::min(text.substr(0, end).find('#'), end));
    text.remove_prefix(std::min(end + 1, text.size()));
    std::vector<std::string> words;
    while (!line.empty()) {
      constexpr std::string_view kBlank = " \t\r";
      const std::size_t begin = std::min(line.find_first_not_of(kBlank), line.size());
      line.remove_prefix(begin);
      const std::size_t length = std::min(line.find_first_of(kBlank), line.size());
      if (length > 0) words.emplace_back(line.substr(0, length));
      line.remove_prefix(length);
    }
    if (words.empty()) continue;
    if (words.size() != 2) {
      throw FormatError(path, -1,
                        fmt::format("line {}: expected the name of a weight and that of a tensor, found {} words",
                                    number, words.size()));
    }
    if (!seen.insert(words[0]).second) {
      throw FormatError(path, -1, fmt::format("line {}: duplicate weight {}", number, words[0]));
    }
    map.push_back({std::move(words[0]), std::move(words[1])});
  }
  if (map.empty()) throw FormatError(path, -1, "a map without a line");
  return map;
}

ForeignModel import_weights(std::span<const std::byte> bytes, const std::string& path, const NetworkSpec& spec,
                            std::span<const WeightSource> map) {
  check(spec);
  if (net::file_kind(bytes) == net::FileKind::onnx) {
    if (!map.empty())
      throw InvalidArgument(path + ": an ONNX graph says itself which weights belong to a layer: no map");
    return net::import_onnx(bytes, path, spec);
  }
  ForeignModel result;
  result.model.spec = spec;
  result.model.metadata = {{"imported", is_torch_file(bytes) ? "PyTorch file" : "safetensors"},
                           {"license", "weights of another program: their authors' terms apply"}};
  const std::vector<WeightShape> weights = weight_shapes(spec);
  const std::vector<StoredTensor> tensors = list_tensors(bytes, path);
  Misfits misfits;
  result.sources = match(weights, tensors, map, misfits);
  check_sizes(weights, tensors, result.sources, misfits);
  misfits.refuse(path, spec);

  // Only now are values read: their number is that of the network, whatever the file says.
  const TensorsByName by_name = index(tensors);
  std::set<std::string> used;
  for (const WeightSource& source : result.sources) {
    result.model.weights[source.weight] = read_tensor(*by_name.at(source.tensor), path);
    used.insert(source.tensor);
  }
  for (const WeightShape& weight : weights) result.model.weights.at(weight.name).shape = weight.shape;
  for (const StoredTensor& tensor : tensors) {
    if (!used.contains(tensor.name)) result.unused.push_back(tensor.name);
  }
  check(result.model);
  return result;
}

ForeignModel import_weights(const std::filesystem::path& path, const NetworkSpec& spec,
                            std::span<const WeightSource> map) {
  return import_weights(MappedFile(path).bytes(), path.string(), spec, map);
}

}  // namespace twinpatch
