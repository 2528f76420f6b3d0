// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "torch_pickle.hpp"
#include "twinpatch/formats/zip_archive.hpp"

// What torch.save writes: a pickle whose tensors name storages, and the storages' bytes; in files of a zip archive
// (since PyTorch 1.6), or one after the other behind three pickles. Reference: torch/serialization.py.

namespace twinpatch {

namespace {

constexpr auto kLegacyMagic = [] {
  // PROTO 2; LONG1 of ten bytes, 0x1950a86a20f9469cfc6c; STOP
  constexpr unsigned kBytes[] = {0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.'};
  std::array<std::byte, std::size(kBytes)> magic{};
  for (std::size_t i = 0; i < magic.size(); ++i) magic[i] = static_cast<std::byte>(kBytes[i]);
  return magic;
}();
constexpr std::int64_t kLegacyVersion = 1001;

/// The files of a PyTorch archive: all lie in one folder, whose name is anything.
class Archive {
 public:
  Archive(std::span<const std::byte> bytes, const std::string& path) : entries_(parse_zip(bytes, path)), path_(path) {
    const std::string name = "data.pkl";
    const auto pickle = std::ranges::find_if(entries_, [&](const ZipEntry& entry) {
      return entry.name == name ||
             (entry.name.ends_with("/" + name) && entry.name.find('/') + name.size() + 1 == entry.name.size());
    });
    if (pickle == entries_.end()) throw FormatError(path, 0, "a zip archive without data.pkl: no PyTorch file");
    folder_ = pickle->name.substr(0, pickle->name.size() - name.size());
    for (const ZipEntry& entry : entries_) files_.emplace(entry.name, &entry);
  }

  /// Null where there is none.
  [[nodiscard]] const ZipEntry* find(const std::string& name) const {
    const auto found = files_.find(folder_ + name);
    if (found == files_.end()) return nullptr;
    if (!found->second->plain) {
      throw FormatError(path_, found->second->offset,
                        fmt::format("{} is compressed or encrypted: torch.save does neither", found->first));
    }
    return found->second;
  }

 private:
  std::vector<ZipEntry> entries_;
  std::map<std::string_view, const ZipEntry*> files_;
  std::string folder_;
  const std::string& path_;
};

std::string_view text_of(const ZipEntry& entry) {
  return {reinterpret_cast<const char*>(entry.bytes.data()), entry.bytes.size()};
}

std::vector<StoredTensor> list_archive(std::span<const std::byte> bytes, const std::string& path) {
  const Archive archive(bytes, path);
  if (const ZipEntry* order = archive.find("byteorder"); order != nullptr && text_of(*order) != "little") {
    throw FormatError(path, order->offset,
                      fmt::format("its byte order is \"{}\", expected \"little\"", text_of(*order)));
  }
  const ZipEntry& data = *archive.find("data.pkl");
  ByteReader reader(data.bytes, path + ", " + data.name);
  PickleValues values;
  const PickleValue& root = read_pickle(reader, torch_globals(), values);
  const TorchPickle pickle(reader.path());
  std::vector<StoredTensor> tensors;
  for (const TorchTensor& tensor : pickle.tensors(root)) {
    const std::string file = "data/" + pickle.storage_of(tensor).key;
    const ZipEntry* entry = archive.find(file);
    if (entry == nullptr) pickle.fail(*tensor.call, fmt::format("tensor {}: there is no {}", tensor.name, file));
    tensors.push_back(pickle.stored(tensor, {entry->bytes, entry->offset}));
  }
  return tensors;
}

/// What stands before the dictionaries in files of PyTorch before 1.6: a magic number, a version, the byte order.
void read_legacy_head(ByteReader& reader, PickleValues& values) {
  (void)read_pickle(reader, {}, values);
  const PickleValue& version = read_pickle(reader, {}, values);
  if (version.kind != PickleValue::Kind::integer || version.integer != kLegacyVersion) {
    reader.fail(fmt::format("expected a PyTorch file of version {}, found {}", kLegacyVersion, version.integer));
  }
  for (const auto& [key, value] : read_pickle(reader, {}, values).entries) {
    if (key->text == "little_endian" && value->integer != 1) reader.fail("its byte order is not little-endian");
  }
}

/// The storages, one after the other; `ids` are those that the pickle names.
std::map<std::string, TorchStorage> read_legacy_storages(ByteReader& reader, PickleValues& values,
                                                         const std::map<std::string, TorchStorageId>& ids) {
  std::map<std::string, TorchStorage> storages;
  for (const PickleValue* key : read_pickle(reader, {}, values).items) {
    const auto id = ids.find(key->text);
    if (id == ids.end()) reader.fail(fmt::format("storage \"{}\" belongs to no tensor", key->text));
    const auto count = reader.read<std::int64_t>("count of a storage's values");
    if (count != id->second.count) {
      reader.fail(
          fmt::format("storage \"{}\" has {} values, its tensors expect {}", key->text, count, id->second.count));
    }
    const std::int64_t offset = reader.offset();
    storages[key->text] = {reader.take(count * id->second.item_bytes, "values of a storage"), offset};
  }
  if (reader.left() != 0) reader.fail(fmt::format("the last storage ends here, {} bytes follow", reader.left()));
  return storages;
}

std::vector<StoredTensor> list_legacy(std::span<const std::byte> bytes, const std::string& path) {
  ByteReader reader(bytes, path);
  PickleValues head;
  read_legacy_head(reader, head);
  PickleValues values;
  const PickleValue& root = read_pickle(reader, torch_globals(), values);
  const TorchPickle pickle(path);
  std::map<std::string, TorchStorageId> ids;  // also of tensors that nobody wants
  for (const PickleValue& value : values.all()) {
    if (value.kind != PickleValue::Kind::persistent) continue;
    const TorchStorageId id = pickle.storage_id(value);
    ids.emplace(id.key, id);
  }
  const std::map<std::string, TorchStorage> storages = read_legacy_storages(reader, head, ids);
  std::vector<StoredTensor> tensors;
  for (const TorchTensor& tensor : pickle.tensors(root)) {
    const auto storage = storages.find(pickle.storage_of(tensor).key);
    if (storage == storages.end()) pickle.fail(*tensor.call, fmt::format("tensor {}: no storage", tensor.name));
    tensors.push_back(pickle.stored(tensor, storage->second));
  }
  return tensors;
}

bool is_zip(std::span<const std::byte> bytes) {
  constexpr std::array kBegin{std::byte{'P'}, std::byte{'K'}, std::byte{3}, std::byte{4}};
  return bytes.size() >= kBegin.size() && std::equal(kBegin.begin(), kBegin.end(), bytes.begin());
}

}  // namespace

bool is_torch_file(std::span<const std::byte> bytes) {
  return is_zip(bytes) ||
         (bytes.size() >= kLegacyMagic.size() && std::equal(kLegacyMagic.begin(), kLegacyMagic.end(), bytes.begin()));
}

std::vector<StoredTensor> list_torch_tensors(std::span<const std::byte> bytes, const std::string& path) {
  if (!is_torch_file(bytes)) throw FormatError(path, 0, "no file of PyTorch's torch.save");
  return is_zip(bytes) ? list_archive(bytes, path) : list_legacy(bytes, path);
}

}  // namespace twinpatch
