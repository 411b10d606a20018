#include "protocol/model/safetensors.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

// `json` behind its length, then `data_bytes` of zeros.
Bytes File(absl::string_view json, size_t data_bytes) {
  Bytes file;
  for (int i = 0; i < 8; ++i)
    file.push_back(static_cast<uint8_t>(uint64_t{json.size()} >> (8 * i)));
  Append(file, AsBytes(json));
  file.resize(file.size() + data_bytes);
  return file;
}

absl::StatusOr<SafetensorsHeader> ParseFile(const Bytes& file) {
  return SafetensorsHeader::Parse(file, file.size());
}

std::string CodeOf(absl::string_view json, size_t data_bytes = 8) {
  return ErrorCode(ParseFile(File(json, data_bytes)).status());
}

// As safetensors' own serializer writes from PyTorch: metadata first, wide dtypes first, padded
// to 8.
constexpr char kPyTorch[] = R"({"__metadata__":{"format":"pt"},)"
                            R"("fc.bias":{"dtype":"F32","shape":[3],"data_offsets":[0,12]},)"
                            R"("fc.weight":{"dtype":"BF16","shape":[3,2],"data_offsets":[12,24]},)"
                            R"("step":{"dtype":"F16","shape":[],"data_offsets":[24,26]}}   )";

TEST(SafetensorsTest, ReadsWhatPyTorchWrites) {
  absl::StatusOr<SafetensorsHeader> header = ParseFile(File(kPyTorch, 26));
  ASSERT_TRUE(header.ok()) << header.status();
  ASSERT_EQ(header->entries.size(), 3u);
  EXPECT_EQ(header->size_bytes, 8 + sizeof(kPyTorch) - 1);
  EXPECT_EQ(header->metadata.at("format"), "pt");
  EXPECT_EQ(header->entries[1].spec, (TensorSpec{"fc.weight", Dtype::kBf16, {3, 2}}));
  EXPECT_EQ(header->entries[1].offset_bytes, header->size_bytes + 12);
  ASSERT_NE(header->Find("step"), nullptr);
  EXPECT_EQ(header->Find("step")->spec.dtype, Dtype::kF16);
  EXPECT_EQ(header->Find("fc"), nullptr);
}

TEST(SafetensorsTest, KeysMayComeInAnyOrderAndWithSpaces) {
  absl::StatusOr<SafetensorsHeader> header = ParseFile(File(
      R"({ "late" : {"data_offsets": [4, 12], "shape": [1, 2], "dtype": "F32"},
           "early": {"shape": [2], "dtype": "F16", "data_offsets": [0, 4]}, "__metadata__": {} })",
      12));
  ASSERT_TRUE(header.ok()) << header.status();
  EXPECT_EQ(header->entries[0].spec.name, "early");
  EXPECT_EQ(header->entries[1].spec.name, "late");
  EXPECT_EQ(header->entries[1].spec.shape, (std::vector<uint64_t>{1, 2}));
}

TEST(SafetensorsTest, OnlyTheHeaderNeedsToBeThere) {
  const Bytes file = File(kPyTorch, 0);
  EXPECT_TRUE(SafetensorsHeader::Parse(file, file.size() + 26).ok());
  EXPECT_EQ(ErrorCode(SafetensorsHeader::Parse(file, file.size() + 27).status()),
            "safetensors_size");
  EXPECT_EQ(ErrorCode(SafetensorsHeader::Parse(file, file.size() + 25).status()),
            "safetensors_size");
}

TEST(SafetensorsTest, WritesWhatItReads) {
  const std::vector<TensorSpec> tensors = {{"ä", Dtype::kF32, {2}}, {"b", Dtype::kF16, {}}};
  const std::map<std::string, std::string> metadata = {{"examples", "12"}, {"odd \"\\\n", "\x01ü"}};
  for (const auto& written : {metadata, std::map<std::string, std::string>()}) {
    Bytes file = SafetensorsHeaderBytes(tensors, written);
    EXPECT_EQ(file.size() % 8, 0u);
    absl::StatusOr<SafetensorsHeader> header = SafetensorsHeader::Parse(file, file.size() + 10);
    ASSERT_TRUE(header.ok()) << header.status();
    EXPECT_EQ(header->metadata, written);
    EXPECT_EQ(header->size_bytes, file.size());
    ASSERT_EQ(header->entries.size(), 2u);
    for (size_t i = 0; i < 2; ++i) EXPECT_EQ(header->entries[i].spec, tensors[i]);
  }
  EXPECT_EQ(SafetensorsHeaderBytes(tensors, {}), ModelFileHeader(tensors));
}

TEST(SafetensorsTest, OtherDtypesAreExplained) {
  for (const char* dtype : {"F64", "I64", "U8", "BOOL", "F8_E4M3", "f32", ""}) {
    const absl::Status status =
        ParseFile(File(absl::StrCat(R"({"a":{"dtype":")", dtype,
                                    R"(","shape":[1],"data_offsets":[0,8]}})"),
                       8))
            .status();
    ASSERT_FALSE(status.ok()) << dtype;
    EXPECT_EQ(Explain(status).code, "safetensors_dtype");
    EXPECT_EQ(Explain(status).found, dtype);
    EXPECT_FALSE(Explain(status).advice.empty());
  }
}

TEST(SafetensorsTest, DoubledUnknownAndMissingKeysAreRefused) {
  const std::string a = R"("a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]})";
  const std::string b = R"("a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]})";
  EXPECT_EQ(CodeOf("{" + a + "}", 4), "");
  EXPECT_EQ(CodeOf("{" + a + "," + b + "}"), "safetensors_key_doubled");
  EXPECT_EQ(CodeOf("{" + a + R"(,"\u0061":{}})"), "safetensors_key_doubled");
  EXPECT_EQ(CodeOf(R"({"__metadata__":{},"__metadata__":{},)" + a + "}", 4),
            "safetensors_key_doubled");
  EXPECT_EQ(CodeOf(R"({"__metadata__":{"x":"1","x":"2"},)" + a + "}", 4),
            "safetensors_key_doubled");
  EXPECT_EQ(CodeOf(R"({"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 4),
            "safetensors_key_doubled");
  EXPECT_EQ(CodeOf(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}})", 4),
            "safetensors_key_unknown");
  EXPECT_EQ(CodeOf(R"({"a":{"dtype":"F32","shape":[1]}})", 4), "safetensors_key_missing");
  EXPECT_EQ(CodeOf(R"({"a":{}})", 4), "safetensors_key_missing");
}

TEST(SafetensorsTest, ValuesOfAnotherKindAreRefused) {
  const std::string good =
      R"({"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  ASSERT_EQ(CodeOf(good), "");
  const std::string wrong[][2] = {{"[2]", "[2.0]"},
                                  {"[2]", "[-2]"},
                                  {"[2]", "[2e0]"},
                                  {"[2]", "[\"2\"]"},
                                  {"[2]", "[[2]]"},
                                  {"[2]", "2"},
                                  {"[2]", "null"},
                                  {"[2]", "[18446744073709551618]"},
                                  {"[2]", "{}"},
                                  {"[0,8]", "[0]"},
                                  {"[0,8]", "[0,8,8]"},
                                  {"[0,8]", "[]"},
                                  {"\"F32\"", "1"},
                                  {"\"F32\"", "[]"},
                                  {"\"F32\"", "{}"},
                                  {"\"v\"", "1"},
                                  {"\"v\"", "{}"},
                                  {"\"v\"", "[]"},
                                  {"{\"k\":\"v\"}", "1"},
                                  {"{\"k\":\"v\"}", "[]"},
                                  {"{\"k\":\"v\"}", "\"v\""},
                                  {"[0,8]", "true"}};
  for (const auto& [from, to] : wrong) {
    EXPECT_EQ(CodeOf(absl::StrReplaceAll(good, {{from, to}})), "safetensors_field")
        << from << " " << to;
  }
}

TEST(SafetensorsTest, WhatIsNotOneJsonObjectIsRefused) {
  const std::string a = R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  ASSERT_EQ(CodeOf(a, 4), "");
  for (const std::string& json :
       {std::string(), std::string("   "), std::string("[]"), std::string("{"), std::string("}"),
        " " + a, a + "\n", a + a, a + "}", "\xEF\xBB\xBF" + a, a + std::string("\0", 1),
        a + std::string("\0}", 2), a + std::string("\0{}", 3), a.substr(0, a.size() - 1),
        absl::StrReplaceAll(a, {{"]}}", "],}}"}}), absl::StrReplaceAll(a, {{"\"a\"", "\"\xFF\""}}),
        absl::StrReplaceAll(a, {{":", "/**/:"}})}) {
    EXPECT_EQ(CodeOf(json, 4), "safetensors_json") << json;
  }
  EXPECT_EQ(CodeOf("{}", 0), "tensors_count");
  EXPECT_EQ(CodeOf(R"({"\u0000":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 4),
            "tensor_name_invalid");
}

TEST(SafetensorsTest, OffsetsMustTileTheData) {
  const auto two = [](const char* first, const char* second) {
    return absl::StrCat(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":)", first,
                        R"(},"b":{"dtype":"F32","shape":[1],"data_offsets":)", second, "}}");
  };
  EXPECT_EQ(CodeOf(two("[0,4]", "[4,8]")), "");
  EXPECT_EQ(CodeOf(two("[4,8]", "[0,4]")), "");
  for (const auto& json : {two("[0,4]", "[0,4]"), two("[0,4]", "[2,6]"), two("[0,4]", "[5,9]"),
                           two("[1,5]", "[5,9]"), two("[0,4]", "[4,9]"), two("[0,4]", "[4,7]"),
                           two("[0,4]", "[8,4]"), two("[0,4]", "[4,18446744073709551615]"),
                           two("[0,4]", "[18446744073709551612,18446744073709551615]")}) {
    EXPECT_EQ(CodeOf(json), "safetensors_offsets") << json;
  }
  EXPECT_EQ(CodeOf(two("[0,4]", "[4,8]"), 9), "safetensors_size");
  EXPECT_EQ(CodeOf(two("[0,4]", "[4,8]"), 7), "safetensors_size");
  EXPECT_EQ(CodeOf(R"({"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}})", 0), "tensor_empty");
  EXPECT_EQ(
      CodeOf(R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", 0),
      "tensor_too_large");
}

TEST(SafetensorsTest, BoundsHold) {
  Bytes file = File("{}", 0);
  file[3] = 1;  // 16 MiB + 2
  EXPECT_EQ(ErrorCode(SafetensorsHeader::Parse(file, uint64_t{1} << 40).status()),
            "safetensors_header_too_long");
  file[7] = 0xFF;
  EXPECT_EQ(ErrorCode(SafetensorsHeader::Parse(file, UINT64_MAX).status()),
            "safetensors_header_too_long");

  std::string tensors;
  std::string metadata;
  for (size_t i = 0; i <= kTensorsMax; ++i) {
    absl::StrAppend(&tensors, i == 0 ? "" : ",", "\"", i,
                    R"(":{"dtype":"F16","shape":[],"data_offsets":[)", 2 * i, ",", 2 * i + 2, "]}");
    absl::StrAppend(&metadata, i == 0 ? "" : ",", "\"", i, "\":\"\"");
  }
  EXPECT_EQ(CodeOf("{" + tensors + "}", 2 * kTensorsMax + 2), "tensors_count");
  EXPECT_EQ(CodeOf(R"({"__metadata__":{)" + metadata + "}}"), "safetensors_metadata");
  std::string shape = "1";
  for (size_t i = 0; i < kTensorDimensionsMax; ++i) shape += ",1";
  EXPECT_EQ(
      CodeOf(absl::StrCat(R"({"a":{"dtype":"F32","shape":[)", shape, R"(],"data_offsets":[0,4]}})"),
             4),
      "safetensors_field");
  // Depth costs nothing: the first unexpected bracket ends it.
  EXPECT_EQ(CodeOf(R"({"a":)" + std::string(1 << 20, '[') + "}"), "safetensors_field");
}

TEST(SafetensorsTest, EveryTruncationIsRefused) {
  const Bytes file = File(kPyTorch, 26);
  for (size_t size = 0; size < file.size(); ++size) {
    const ByteSpan cut = ByteSpan(file).subspan(0, size);
    EXPECT_FALSE(SafetensorsHeader::Parse(cut, size).ok()) << size;
    const size_t header = 8 + sizeof(kPyTorch) - 1;
    EXPECT_EQ(SafetensorsHeader::Parse(cut, file.size()).ok(), size >= header) << size;
  }
  // A byte missing within the header.
  for (size_t i = 8; i < file.size() - 26; ++i) {
    Bytes cut = file;
    cut.erase(cut.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_FALSE(SafetensorsHeader::Parse(cut, cut.size()).ok()) << i;
  }
}

// A changed byte is refused, or it is harmless in one of two ways. Between JSON's tokens it changes
// nothing. Within a name or the metadata it makes the header of another file, whose tensors lie
// where they lay: a name that the plan does not have is refused by whoever compares with the plan,
// and metadata is not relied on.
TEST(SafetensorsTest, EveryChangedByteIsRefusedOrHarmless) {
  const Bytes file = File(kPyTorch, 26);
  const SafetensorsHeader original = *ParseFile(file);
  int renamed = 0;
  for (size_t i = 0; i < original.size_bytes; ++i) {
    for (int flip = 1; flip < 256; ++flip) {
      Bytes changed = file;
      changed[i] ^= static_cast<uint8_t>(flip);
      absl::StatusOr<SafetensorsHeader> header = ParseFile(changed);
      if (!header.ok()) continue;
      ASSERT_EQ(header->size_bytes, original.size_bytes);
      ASSERT_EQ(header->entries.size(), original.entries.size()) << i;
      int differences = header->metadata == original.metadata ? 0 : 1;
      for (size_t t = 0; t < original.entries.size(); ++t) {
        const SafetensorsHeader::Entry& was = original.entries[t];
        const SafetensorsHeader::Entry& is = header->entries[t];
        ASSERT_EQ(is.offset_bytes, was.offset_bytes) << i;
        ASSERT_EQ(is.spec.dtype, was.spec.dtype) << i;
        ASSERT_EQ(is.spec.shape, was.spec.shape) << i;
        differences += is.spec.name == was.spec.name ? 0 : 1;
      }
      ASSERT_LE(differences, 1) << i;
      if (differences == 0) {
        ASSERT_EQ(file[i], ' ') << i;
        ASSERT_TRUE(changed[i] == '\n' || changed[i] == '\r' || changed[i] == '\t') << i;
      }
      renamed += differences;
    }
  }
  EXPECT_GT(renamed, 0);
}

}  // namespace
}  // namespace sealfold
