// tests/data/aead-edge-cases.json by every backend: each case sealed to its bytes, opened, and
// refused with anything about it changed.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "protocol/base/error.h"
#include "protocol/testing/aead_backends.h"

namespace sealfold {
namespace {

using testing::AeadOfBackend;

Bytes Hex(const nlohmann::json& hex) { return HexDecode(hex.get<std::string>()).value(); }

struct Case {
  std::string comment;
  Bytes key;
  Bytes nonce;
  Bytes aad;
  Bytes plaintext;
  Bytes sealed;
};

std::vector<Case> CasesOf(AeadId id) {
  std::ifstream file(SEALFOLD_TEST_DATA "/aead-edge-cases.json");
  std::vector<Case> out;
  const nlohmann::json all = nlohmann::json::parse(file);
  for (const auto& group : all.at("testGroups")) {
    if (group.at("aead_id") != static_cast<int>(id)) continue;
    for (const auto& t : group.at("tests")) {
      out.push_back({.comment = t.at("comment"),
                     .key = Hex(t.at("key")),
                     .nonce = Hex(t.at("iv")),
                     .aad = Hex(t.at("aad")),
                     .plaintext = Hex(t.at("msg")),
                     .sealed = Hex(t.at("ct"))});
      Append(out.back().sealed, Hex(t.at("tag")));
    }
  }
  return out;
}

class AeadEdgeCasesTest : public ::testing::TestWithParam<AeadOfBackend> {
 protected:
  // Each case with its key's Aead.
  template <class Check>
  void ForEach(Check&& check) const {
    const std::vector<Case> cases = CasesOf(GetParam().id);
    ASSERT_GT(cases.size(), 100U);
    for (const Case& each : cases) {
      SCOPED_TRACE(each.comment);
      check(each, GetParam().Make(each.key));
    }
  }

  static void ExpectRefused(const Aead& aead, const Case& each) {
    Bytes opened(each.sealed.size() - kAeadTagSize, 0xee);
    EXPECT_EQ(ErrorCode(aead.Open(each.nonce, each.aad, each.sealed, absl::MakeSpan(opened))),
              "seal_broken");
    EXPECT_EQ(opened, Bytes(opened.size(), 0)) << "plaintext is left";
  }
};

std::vector<AeadOfBackend> OfSuites() {
  std::vector<AeadOfBackend> out = testing::BackendsOf(AeadId::kAes256Gcm);
  for (AeadOfBackend& each : testing::BackendsOf(AeadId::kChaCha20Poly1305)) out.push_back(each);
  return out;
}

INSTANTIATE_TEST_SUITE_P(All, AeadEdgeCasesTest, ::testing::ValuesIn(OfSuites()),
                         [](const auto& instance) { return testing::NameOf(instance.param); });

TEST_P(AeadEdgeCasesTest, SealsToTheExpectedBytesAndOpensThem) {
  ForEach([](const Case& each, const Aead& aead) {
    Bytes sealed(each.sealed.size());
    aead.Seal(each.nonce, each.aad, each.plaintext, absl::MakeSpan(sealed));
    EXPECT_EQ(HexEncode(sealed), HexEncode(each.sealed));
    Bytes opened(each.plaintext.size());
    EXPECT_TRUE(aead.Open(each.nonce, each.aad, each.sealed, absl::MakeSpan(opened)).ok());
    EXPECT_EQ(opened, each.plaintext);
  });
}

TEST_P(AeadEdgeCasesTest, EachOfTheTags128BitsCounts) {
  ForEach([](const Case& each, const Aead& aead) {
    Case changed = each;
    uint8_t* const tag = &changed.sealed[each.plaintext.size()];
    for (size_t bit = 0; bit < 8 * kAeadTagSize; ++bit) {
      tag[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
      ExpectRefused(aead, changed);
      tag[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    }
  });
}

TEST_P(AeadEdgeCasesTest, OtherTagsAreRefused) {
  ForEach([](const Case& each, const Aead& aead) {
    const auto with_tag = [&](auto&& change) {
      Case changed = each;
      const MutableByteSpan tag = absl::MakeSpan(changed.sealed).last(kAeadTagSize);
      change(tag);
      if (changed.sealed != each.sealed) ExpectRefused(aead, changed);
    };
    with_tag([](MutableByteSpan tag) { std::fill(tag.begin(), tag.end(), uint8_t{0}); });
    with_tag([](MutableByteSpan tag) { std::fill(tag.begin(), tag.end(), uint8_t{0xff}); });
    with_tag([](MutableByteSpan tag) {
      for (uint8_t& byte : tag) byte = static_cast<uint8_t>(~byte);
    });
    with_tag([](MutableByteSpan tag) { std::reverse(tag.begin(), tag.end()); });
    // One half right, as a comparison by 8 bytes might have it.
    with_tag([](MutableByteSpan tag) { std::fill_n(tag.begin(), 8, uint8_t{0}); });
    with_tag([](MutableByteSpan tag) { std::fill_n(tag.begin() + 8, 8, uint8_t{0}); });
  });
}

TEST_P(AeadEdgeCasesTest, WhatIsCutOrAddedIsRefused) {
  ForEach([](const Case& each, const Aead& aead) {
    Case changed = each;
    changed.sealed.pop_back();
    if (changed.sealed.size() >= kAeadTagSize) ExpectRefused(aead, changed);
    changed.sealed = each.sealed;
    changed.sealed.push_back(0);
    ExpectRefused(aead, changed);
    if (!each.plaintext.empty()) {
      changed.sealed = each.sealed;
      changed.sealed.erase(changed.sealed.begin());
      ExpectRefused(aead, changed);
    }
    changed.sealed = each.sealed;
    changed.aad.push_back(0);  // as if padding were not told from data
    ExpectRefused(aead, changed);
    if (!each.aad.empty()) {
      changed.aad = Bytes(each.aad.begin(), each.aad.end() - 1);
      ExpectRefused(aead, changed);
      // A byte moved from the end of the associated data to the start of the ciphertext.
      changed.sealed.insert(changed.sealed.begin(), each.aad.back());
      ExpectRefused(aead, changed);
    }
  });
}

TEST_P(AeadEdgeCasesTest, ChangedBitsAreRefused) {
  ForEach([](const Case& each, const Aead& aead) {
    Case changed = each;
    const auto check_each_byte = [&](Bytes& bytes, size_t count) {
      for (size_t i = 0; i < count; ++i) {
        const auto mask = static_cast<uint8_t>(1 << i % 8);
        bytes[i] ^= mask;
        ExpectRefused(aead, changed);
        bytes[i] ^= mask;
      }
    };
    check_each_byte(changed.sealed, each.plaintext.size());
    check_each_byte(changed.aad, each.aad.size());
    check_each_byte(changed.nonce, each.nonce.size());
  });
}

}  // namespace
}  // namespace sealfold
