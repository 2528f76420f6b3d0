// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <cstdio>

#include "support/message.hpp"
#include "support/random.hpp"
#include "support/real_data.hpp"
#include "support/torch_writer.hpp"
#include "twinpatch/core/file.hpp"
#include "twinpatch/formats/stored_tensor.hpp"

using namespace twinpatch;
using Catch::Contains;
namespace pickle = twinpatch::test::pickle;

namespace {

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

/// Lists and reads everything.
std::vector<Tensor> read_all(const std::string& file) {
  std::vector<Tensor> tensors;
  for (const StoredTensor& tensor : list_torch_tensors(bytes_of(file), "f.pth")) {
    tensors.push_back(read_tensor(tensor, "f.pth"));
  }
  return tensors;
}

std::string refusal(const std::string& file) {
  return test::message_of<FormatError>([&] { (void)read_all(file); });
}

std::vector<test::NamedTensor> some_tensors() {
  return {{"features.0.weight", {2, 1, 3, 3}, test::normal_floats(18, 1)},
          {"features.0.bias", {2}, test::normal_floats(2, 2)},
          {"count", {}, {7}},
          {"none", {0, 4}, {}}};
}

/// A file with one value in storage "0" and this pickle.
std::string file_of(const std::string& body) { return test::as_torch_archive(body, {{"a", {1}, {1}}}); }

}  // namespace

TEST_CASE("tensors come out of both forms of torch.save, in order") {
  const auto tensors = some_tensors();
  const std::string body = pickle::dictionary(tensors);
  for (const std::string& file : {test::as_torch_archive(body, tensors), test::as_torch_legacy(body, tensors)}) {
    REQUIRE(is_torch_file(bytes_of(file)));
    const auto listed = list_torch_tensors(bytes_of(file), "f.pth");
    REQUIRE(listed.size() == tensors.size());
    for (std::size_t i = 0; i < listed.size(); ++i) {
      CHECK(listed[i].name == tensors[i].name);
      CHECK(listed[i].type == "F32");
      const Tensor read = read_tensor(listed[i], "f.pth");
      CHECK(read.shape == tensors[i].shape);
      CHECK(read.values == tensors[i].values);
    }
  }
}

TEST_CASE("a checkpoint's state_dict is taken, and other dictionaries by their keys") {
  const std::vector<test::NamedTensor> tensors{{"w", {1}, {3}}};
  const std::string dictionary = pickle::dictionary(tensors);
  const auto names = [&](const std::string& body) {
    std::vector<std::string> result;
    const std::string file = test::as_torch_legacy(body, tensors);
    for (const auto& tensor : list_torch_tensors(bytes_of(file), "f.pth")) result.push_back(tensor.name);
    return result;
  };
  using Names = std::vector<std::string>;
  const std::string optimiser = pickle::text("optimizer") + dictionary;
  CHECK(names("}(" + pickle::text("epoch") + "K\x07" + optimiser + pickle::text("state_dict") + dictionary + "u") ==
        Names{"w"});
  CHECK(names("}(" + optimiser + pickle::text("net") + dictionary + "u") == Names{"optimizer.w", "net.w"});
  // Python 2 gives OrderedDict its pairs at once, with texts of bytes.
  const std::string pair = "](U\x01w" + pickle::tensor(pickle::storage("0", 1), {1}) + "e";
  CHECK(names(pickle::global("collections", "OrderedDict") + "](" + pair + "e\x85R") == Names{"w"});
}

TEST_CASE("strided tensors and other types are read") {
  const std::string matrix = pickle::global("torch._utils", "_rebuild_tensor_v2") + "(" + pickle::storage("0", 7) +
                             pickle::integer(1) + pickle::integers({3, 2}) + pickle::integers({1, 3}) + "\x89" +
                             pickle::kOrderedDict + "tR";
  const std::string body = "}" + pickle::text("t") + matrix + "s";
  CHECK(read_all(test::as_torch_archive(body, {{"", {7}, {0, 1, 2, 3, 4, 5, 6}}}))[0].values ==
        std::vector<float>{1, 4, 2, 5, 3, 6});  // column-major
  const auto typed = [](std::string_view type, const std::string& value) {
    return test::as_zip({{"a/data.pkl", pickle::whole("}" + pickle::text("t") +
                                                      pickle::tensor(pickle::storage("0", 1, type), {1}) + "s")},
                         {"a/data/0", value}});
  };
  CHECK(read_all(typed("DoubleStorage", test::little_endian(0.25)))[0].values[0] == 0.25F);
  CHECK(read_all(typed("HalfStorage", test::little_endian(std::uint16_t{0x3800})))[0].values[0] == 0.5F);
  CHECK(read_all(typed("BFloat16Storage", test::little_endian(std::uint16_t{0x3f80})))[0].stored_as ==
        TensorType::bf16);
  CHECK_THAT(refusal(typed("LongStorage", test::little_endian(std::int64_t{1}))),
             Contains("tensor \"t\": expected values of F32, F16, BF16 or F64, found I64"));
  CHECK_THAT(refusal(typed("DoubleStorage", test::little_endian(1e300))), Contains("expected a finite number"));
}

TEST_CASE("pickles with code are refused by the name and the place of what they use") {
  const std::string call = pickle::global("os", "system") + pickle::text("echo") + "\x85R";
  CHECK_THAT(refusal(file_of(call)), Contains("f.pth, archive/data.pkl: byte 2: a pickle that uses os.system: only "));
  CHECK_THAT(refusal(file_of("}" + pickle::text("a") + call + "s")), Contains("byte 9: a pickle that uses os.system"));
  CHECK_THAT(refusal(file_of(pickle::text("posix") + pickle::text("system") + "\x93")),
             Contains("a pickle that uses posix.system"));
  CHECK_THAT(refusal(test::as_torch_legacy(call, {})), Contains("byte 49: a pickle that uses os.system"));
  CHECK_THAT(refusal(file_of(pickle::global("__main__", "HardNet") + ")\x81}b")), Contains("uses __main__.HardNet"));
  CHECK_THAT(refusal(file_of("i__main__\nHardNet\n")), Contains("byte 2: opcode INST (0x69) of a pickle"));
  CHECK_THAT(refusal(file_of(")\x81")), Contains("opcode NEWOBJ (0x81)"));
  CHECK_THAT(refusal(file_of("\xff")), Contains("opcode 0xff"));
  // Known names are handed to nobody who would call them.
  CHECK_THAT(refusal(file_of("}" + pickle::text("a") + pickle::global("torch", "FloatStorage") + ")Rs" +
                             pickle::text("b") + "\x85R")),
             Contains("a call of something that is no function"));
  CHECK_THAT(refusal(file_of("]" + pickle::kOrderedDict + "b")),
             Contains("attributes given to something that is none"));
}

TEST_CASE("malformed pickles are refused where they go wrong") {
  const auto refused = [](const std::string& body, const char* why) {
    CHECK_THAT(refusal(file_of(body)), Contains(why));
  };
  refused("", "a pickle without the result");
  refused("]", "expected a dictionary of tensors");
  refused("a", "a pickle without a value to append");
  refused("t", "a pickle without a MARK");
  refused("}(K\x01u", "a key without a value");
  refused("h\x05", "recalls value 5");
  refused("q\x05", "remembers nothing");
  refused("\x80\x09", "versions 2 to 5 of pickle are read, found 9");
  refused("X" + test::little_endian(std::int32_t{-1}), "a text: at most 65536 bytes, found -1");
  refused("X" + test::little_endian(std::int32_t{60000}), "a text");
  refused("K", "an opcode of a pickle: needs 1 bytes");
  refused("]q\x01h\x01\x87", "items of a tuple");
  // A dictionary that contains itself, and one that is a thousand million entries when it is written out.
  refused("}q\x01(" + pickle::text("a") + "h\x01u", "dictionaries nested deeper than 16");
  std::string bomb = "}q" + std::string(1, '\0') + "K\x01K\x01s";
  for (char i = 1; i < 12; ++i) {
    bomb += std::string("}(");
    for (char k = 0; k < 10; ++k) bomb += std::string("K") + k + "h" + static_cast<char>(i - 1);
    bomb += std::string("uq") + i;
  }
  refused(bomb, "more than 131072 entries");
  const std::string many = "(" + std::string(40, 'N') + "t";
  refused(pickle::global("torch._utils", "_rebuild_tensor") + many + "R", "more than 16 arguments");
}

TEST_CASE("tensors that do not fit their storages are refused") {
  const auto refused = [](const std::string& tensor, const char* why) {
    CHECK_THAT(refusal(file_of("}" + pickle::text("t") + tensor + "s")), Contains(why));
  };
  const std::string good = pickle::storage("0", 1);
  refused(pickle::tensor(good, {2}), "tensor t: it reaches to value 1 of a storage of 1");
  refused(pickle::tensor(good, {1}, 1), "tensor t: it reaches to value 1");
  refused(pickle::tensor(good, {1}, -1), "tensor t: it begins outside its storage");
  refused(pickle::tensor(good, {-1}), "a size or stride that is no count");
  refused(pickle::tensor(good, std::vector<std::int64_t>(9, 1)), "at most 8 sizes");
  const std::vector<std::int64_t> large(3, 2000000000);
  refused(pickle::global("torch._utils", "_rebuild_tensor") + "(" + good + pickle::integer(0) +
              pickle::integers(large) + pickle::integers(large) + "tR",
          "its size overflows 64 bits");
  refused(pickle::tensor(pickle::storage("0", 2), {2}), "its storage should have 2 values of F32, it has 4 bytes");
  refused(pickle::tensor(pickle::storage("0", 1, "DoubleStorage"), {1}), "should have 1 values of F64");
  refused(pickle::tensor(pickle::storage("7", 1), {1}), "there is no data/7");
  refused(pickle::tensor(pickle::storage("0", -5), {1}), "a storage of -5 values");
  refused(pickle::tensor("N", {1}), "expected the storage of a tensor");
  refused(pickle::global("torch._utils", "_rebuild_tensor") + "(" + good + "tR", "a tensor without storage, offset");
}

TEST_CASE("zip archives that are damaged or of another kind are refused") {
  const auto tensors = some_tensors();
  const std::string good = test::as_torch_archive(pickle::dictionary(tensors), tensors);
  CHECK(read_all(good).size() == tensors.size());
  CHECK_THAT(refusal(test::as_zip({{"readme.txt", "hello"}})), Contains("a zip archive without data.pkl: no PyTorch"));
  CHECK_THAT(refusal(test::as_zip({})), Contains("no file of PyTorch"));
  CHECK_THAT(refusal(test::as_zip({{"a/data.pkl", "."}, {"a/byteorder", "big"}})),
             Contains("its byte order is \"big\""));
  for (std::size_t length = 4; length < good.size(); ++length) CHECK_FALSE(refusal(good.substr(0, length)).empty());
  const auto refused = [&](std::size_t at, char value, const char* why) {
    std::string file = good;
    file[at] = value;
    CHECK_THAT(refusal(file), Contains(why));
  };
  const std::size_t directory = good.find("PK\x01\x02");
  const std::size_t end = good.find("PK\x05\x06");
  refused(directory + 10, 8, "archive/data.pkl is compressed or encrypted");
  refused(directory + 8, 1, "archive/data.pkl is compressed or encrypted");
  refused(directory + 22, 1, "bytes are stored, it should have");
  refused(directory + 45, 1, "expected the file archive/data.pkl");
  refused(directory, 'Q', "expected an entry of the directory");
  refused(end + 11, '\x7f', "cannot have");
  refused(end + 19, '\x7f', "its directory reaches past its end");
  refused(end + 20, 1, "no directory at its end");
  refused(28, '\x7f', "data.pkl");
}

TEST_CASE("files of the old form that are cut off or changed are refused") {
  const auto tensors = some_tensors();
  const std::string good = test::as_torch_legacy(pickle::dictionary(tensors), tensors);
  for (std::size_t length = 15; length < good.size(); ++length) CHECK_FALSE(refusal(good.substr(0, length)).empty());
  CHECK_THAT(refusal(good + "x"), Contains("the last storage ends here, 1 bytes follow"));
  CHECK_THAT(refusal(test::as_torch_legacy(pickle::dictionary(tensors), {})), Contains("no storage"));
  CHECK_THAT(refusal(test::as_torch_legacy("}", tensors)), Contains("storage \"0\" belongs to no tensor"));
  CHECK_FALSE(is_torch_file(bytes_of(good.substr(0, 14))));
}

TEST_CASE("safetensors are listed with numbers by their value, whatever their types") {
  SafeTensors content;
  for (const char* name : {"features.10.weight", "features.9.weight", "features.9.bias", "a", "features.010.weight"}) {
    content.tensors[name] = {.shape = {1}, .values = {1}};
  }
  std::vector<std::byte> bytes = serialize_safetensors(content);
  std::vector<std::string> names;
  for (const StoredTensor& tensor : list_safetensors(bytes, "f")) names.push_back(tensor.name);
  CHECK(names == std::vector<std::string>{"a", "features.9.bias", "features.9.weight", "features.010.weight",
                                          "features.10.weight"});
  // 64-bit counts stand in every state_dict with BatchNorm.
  const std::string header = R"({"n":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}})";
  const std::string file = test::little_endian(std::uint64_t{header.size()}) + header + std::string(8, '\1');
  REQUIRE(list_safetensors(bytes_of(file), "f").size() == 1);
  CHECK_THAT(test::message_of<FormatError>([&] { (void)read_tensor(list_safetensors(bytes_of(file), "f")[0], "f"); }),
             Contains("found I64"));
  const std::string short_header = R"({"n":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})";
  const std::string wrong = test::little_endian(std::uint64_t{short_header.size()}) + short_header + std::string(8, 1);
  CHECK_THAT(test::message_of<FormatError>([&] { (void)list_safetensors(bytes_of(wrong), "f"); }),
             Contains("the shape [3] of F32 does not fill its 8 bytes"));
}

TEST_CASE("TFeat's published weights are listed") {
  const auto path = test::real_data("tfeat/tfeat-liberty.params");
  if (path.empty()) {
    std::puts("skipped: no published weights of TFeat");
    return;
  }
  const MappedFile file(path);
  std::vector<std::string> names;
  std::int64_t values = 0;
  for (const StoredTensor& tensor : list_torch_tensors(file.bytes(), path.string())) {
    names.push_back(tensor.name);
    values += std::ssize(read_tensor(tensor, path.string()).values);
  }
  CHECK(names == std::vector<std::string>{"features.1.weight", "features.1.bias", "features.4.weight",
                                          "features.4.bias", "descr.0.weight", "descr.0.bias"});
  CHECK(values == 599808);
}
