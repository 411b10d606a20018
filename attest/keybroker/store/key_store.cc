#include "attest/keybroker/store/key_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "attest/keybroker/demand/evidence.h"
#include "protocol/base/error.h"
#include "protocol/base/random.h"
#include "protocol/cbor/fields.h"

namespace sealfold {
namespace {

constexpr size_t kKeySize = 32;
constexpr size_t kCallerSecretSize = 40;
constexpr size_t kAccessKeyIdSize = 20;
constexpr size_t kRecordsMax = 1000;
constexpr cbor::Limits kLimits = {
    .size_bytes_max = kSealedStoreSizeMax, .items_max = 1 << 18, .depth_max = 6};
constexpr absl::string_view kLetters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567abcdefghijklmnopqrstuvwxyz0189+/";  // 64; the first 32: ids

absl::Status Bad(absl::string_view code, std::string what, std::string expected,
                 std::string found) {
  return BadInput({.code = std::string(code),
                   .what = std::move(what),
                   .expected = std::move(expected),
                   .found = std::move(found)});
}

// What is sealed, apart from the secrets.
struct Content {
  static constexpr char kType[] = "sealfold-keystore-1";
  std::vector<StoredTrust> trust = {};
  std::vector<KeyRecord> keys = {};
  std::vector<CallerRecord> callers = {};
  template <class V>
  void Fields(V& v) {
    v("trust", trust);
    v("keys", keys);
    v("callers", callers);
  }
};

absl::Status CheckTrust(absl::Span<const TrustRecord> trust) {
  if (trust.empty()) {
    return Bad("store_trust_empty", "key store", "at least one platform that it trusts", "none");
  }
  size_t lists_bytes = 0;
  for (const TrustRecord& each : trust) {
    SEALFOLD_RETURN_IF_ERROR(CheckTrustRecord(each));
    if (each.revocation == nullptr) continue;
    for (const RevocationList& list : each.revocation->lists) lists_bytes += list.der().size();
  }
  if (lists_bytes <= kTrustListsBytesMax) return absl::OkStatus();
  return Bad("trust_lists_large", "revocation lists of the key store",
             absl::StrCat("at most ", kTrustListsBytesMax, " bytes of all platforms together"),
             absl::StrCat(lists_bytes));
}

template <class Record>
absl::Status CheckName(absl::string_view kind, const std::string& name,
                       const std::vector<Record>& others) {
  if (name.empty() || name.size() > 64 ||
      !std::all_of(name.begin(), name.end(), [](unsigned char c) {
        return absl::ascii_isalnum(c) || c == '-' || c == '_';
      })) {
    return Bad("name_malformed", absl::StrCat("name of the ", kind),
               "1 to 64 letters, digits, '-' or '_'", absl::StrCat("'", name.substr(0, 80), "'"));
  }
  if (std::any_of(others.begin(), others.end(),
                  [&](const Record& other) { return other.name == name; })) {
    return Bad("name_taken", absl::StrCat("name of the ", kind), "a name not used yet", name);
  }
  if (others.size() >= kRecordsMax) {
    return Bad("store_full", absl::StrCat("number of ", kind, "s"),
               absl::StrCat("at most ", kRecordsMax), "that many");
  }
  return absl::OkStatus();
}

// `size` characters of the first `count` of kLetters, each as likely as the others: count divides
// 256.
void DrawLetters(size_t count, MutableByteSpan out) {
  FillRandom(out);
  for (uint8_t& each : out) each = static_cast<uint8_t>(kLetters[each % count]);
}

template <class Record>
size_t IndexOf(const Record& record, const std::vector<Record>& records) {
  const size_t index = static_cast<size_t>(&record - records.data());
  SEALFOLD_CHECK(index < records.size());
  return index;
}

}  // namespace

std::string KeyIdText(const KeyId& id) {
  std::string text = id.hex();
  for (size_t at : {20, 16, 12, 8}) text.insert(at, 1, '-');
  return text;
}

absl::StatusOr<KeyStore> KeyStore::Create(std::vector<TrustRecord> trust) {
  SEALFOLD_RETURN_IF_ERROR(CheckTrust(trust));
  KeyStore store;
  store.trust_ = std::move(trust);
  return store;
}

absl::Status KeyStore::SetRevocation(absl::string_view platform,
                                     const std::shared_ptr<const RevocationLists>& revocation) {
  std::vector<TrustRecord> changed = trust_;
  bool found = false;
  for (TrustRecord& each : changed) {
    if (!platform.empty() && each.platform != platform) continue;
    each.revocation = revocation;
    found = true;
  }
  if (!found) {
    return Bad("platform_untrusted", "platform of the revocation lists",
               "one that the store trusts", absl::StrCat("'", platform.substr(0, 40), "'"));
  }
  SEALFOLD_RETURN_IF_ERROR(CheckTrust(changed));
  trust_ = std::move(changed);
  return absl::OkStatus();
}

absl::StatusOr<KeyId> KeyStore::AddKey(std::string name, bool unattested,
                                       std::vector<Condition> conditions) {
  return AddFresh(
      {.name = std::move(name), .unattested = unattested, .conditions = std::move(conditions)});
}

absl::StatusOr<KeyId> KeyStore::AddReleasedKey(std::string name, KeyReleases releases,
                                               const Release& first) {
  releases.version = 0;
  SEALFOLD_RETURN_IF_ERROR(CheckKeyReleases(releases));
  SEALFOLD_ASSIGN_OR_RETURN(std::vector<Condition> conditions, ConditionsBy(releases, first));
  releases.version = first.statement.version;
  return AddFresh({.name = std::move(name),
                   .conditions = std::move(conditions),
                   .releases = std::move(releases)});
}

absl::StatusOr<KeyId> KeyStore::AddFresh(KeyRecord record) {
  FillRandom(record.id.mutable_span());
  const KeyId id = record.id;
  SEALFOLD_RETURN_IF_ERROR(Insert(std::move(record), RandomSecret(kKeySize)));
  return id;
}

absl::Status KeyStore::ApplyRelease(absl::string_view name, const Release& release) {
  for (KeyRecord& key : keys_) {
    if (key.name != name) continue;
    if (!key.releases.has_value()) {
      return Bad("key_fixed", absl::StrCat("conditions of key ", name),
                 "those of a release, which a later one may take the place of",
                 "conditions that were set when the key was made");
    }
    KeyRecord changed = key;
    SEALFOLD_ASSIGN_OR_RETURN(changed.conditions, ConditionsBy(*key.releases, release));
    changed.releases->version = release.statement.version;
    SEALFOLD_RETURN_IF_ERROR(CheckGuard(changed));
    key = std::move(changed);
    return absl::OkStatus();
  }
  return Bad("key_name_unknown", "name of the key", "a key of this broker",
             absl::StrCat("'", name.substr(0, 80), "'"));
}

absl::Status KeyStore::CheckGuard(const KeyRecord& record) const {
  if (record.unattested != record.conditions.empty()) {
    return Bad("key_unguarded", absl::StrCat("key ", record.name),
               "conditions on evidence (--condition), or --unattested: released without any",
               record.unattested ? "both" : "neither");
  }
  if (record.releases.has_value()) SEALFOLD_RETURN_IF_ERROR(CheckKeyReleases(*record.releases));
  if (record.unattested) return absl::OkStatus();
  SEALFOLD_ASSIGN_OR_RETURN(const EvidenceDemand demand, ReadConditions(record.conditions));
  return CheckReachable(demand, trust_);
}

absl::Status KeyStore::Insert(KeyRecord record, Secret secret) {
  SEALFOLD_RETURN_IF_ERROR(CheckName("key", record.name, keys_));
  SEALFOLD_RETURN_IF_ERROR(CheckGuard(record));
  if (FindKey(record.id) != nullptr) {
    return Bad("name_taken", "id of the key", "an id not used yet", KeyIdText(record.id));
  }
  keys_.push_back(std::move(record));
  key_secrets_.push_back(std::move(secret));
  return absl::OkStatus();
}

absl::StatusOr<std::string> KeyStore::AddCaller(std::string name) {
  std::string id = "SFKB";
  id.resize(kAccessKeyIdSize);
  DrawLetters(32, MutableByteSpan(reinterpret_cast<uint8_t*>(id.data()), id.size()).subspan(4));
  Secret secret(kCallerSecretSize);
  DrawLetters(64, secret.mutable_span());
  SEALFOLD_RETURN_IF_ERROR(
      Insert(CallerRecord{.access_key_id = id, .name = std::move(name)}, std::move(secret)));
  return id;
}

absl::Status KeyStore::Insert(CallerRecord record, Secret secret) {
  SEALFOLD_RETURN_IF_ERROR(CheckName("caller", record.name, callers_));
  if (record.access_key_id.size() != kAccessKeyIdSize ||
      FindCaller(record.access_key_id) != nullptr) {
    return Bad("name_taken", "access key id", absl::StrCat(kAccessKeyIdSize, " letters, not used"),
               record.access_key_id.substr(0, 40));
  }
  callers_.push_back(std::move(record));
  caller_secrets_.push_back(std::move(secret));
  return absl::OkStatus();
}

// 8 bytes: the size of the records' CBOR; it; then each key's and each caller's secret. So no
// secret passes through a CBOR tree, which is not wiped.
absl::StatusOr<Secret> KeyStore::Encode() const {
  Content known{.keys = keys_, .callers = callers_};
  for (const TrustRecord& each : trust_) known.trust.push_back(Store(each));
  const Bytes records = cbor::EncodeFields(known);
  const size_t size = 8 + records.size() + key_secrets_.size() * kKeySize +
                      caller_secrets_.size() * kCallerSecretSize;
  // What is written and could not be opened again would be lost.
  if (size > kStoreContentSizeMax || !cbor::DecodeFields<Content>(records, kLimits).ok()) {
    return Bad("store_full", "key store",
               absl::StrCat("at most ", kStoreContentSizeMax, " bytes and ", kLimits.items_max,
                            " names and values"),
               absl::StrCat(size, " bytes, or more names and values"));
  }
  Secret content(size);
  MutableByteSpan out = content.mutable_span();
  StoreBigEndian64(out.first(8), records.size());
  auto at = std::copy(records.begin(), records.end(), out.begin() + 8);
  for (const auto* secrets : {&key_secrets_, &caller_secrets_}) {
    for (const Secret& each : *secrets) {
      at = std::copy(each.span().begin(), each.span().end(), at);
    }
  }
  SEALFOLD_CHECK(at == out.end());
  return content;
}

absl::StatusOr<Bytes> KeyStore::Seal(ByteSpan passphrase, const PassphraseCost& cost) const {
  SEALFOLD_ASSIGN_OR_RETURN(const Secret content, Encode());
  return SealWithPassphrase(passphrase, cost, content);
}

absl::StatusOr<KeyStore> KeyStore::Open(ByteSpan passphrase, ByteSpan sealed) {
  SEALFOLD_ASSIGN_OR_RETURN(const Secret content, OpenWithPassphrase(passphrase, sealed));
  return Decode(content);
}

absl::StatusOr<KeyStore> KeyStore::Decode(const Secret& content) {
  ByteSpan rest = content.span();
  const auto malformed = [] {
    return Bad("store_malformed", "key store", "records and as many secrets", "another length");
  };
  if (rest.size() < 8) return malformed();
  const uint64_t size = LoadBigEndian64(rest.first(8));
  rest.remove_prefix(8);
  if (size > rest.size()) return malformed();
  SEALFOLD_ASSIGN_OR_RETURN(Content records,
                            cbor::DecodeFields<Content>(rest.first(size), kLimits));
  rest.remove_prefix(size);
  if (rest.size() != records.keys.size() * kKeySize + records.callers.size() * kCallerSecretSize) {
    return malformed();
  }
  std::vector<TrustRecord> trust;
  for (const StoredTrust& each : records.trust) {
    SEALFOLD_ASSIGN_OR_RETURN(trust.emplace_back(), Restore(each));
  }
  SEALFOLD_ASSIGN_OR_RETURN(KeyStore store, Create(std::move(trust)));
  for (KeyRecord& each : records.keys) {
    SEALFOLD_RETURN_IF_ERROR(store.Insert(std::move(each), Secret::CopyOf(rest.first(kKeySize))));
    rest.remove_prefix(kKeySize);
  }
  for (CallerRecord& each : records.callers) {
    SEALFOLD_RETURN_IF_ERROR(
        store.Insert(std::move(each), Secret::CopyOf(rest.first(kCallerSecretSize))));
    rest.remove_prefix(kCallerSecretSize);
  }
  return store;
}

const KeyRecord* KeyStore::FindKey(absl::string_view id) const {
  const bool alias = absl::ConsumePrefix(&id, "alias/");
  for (const KeyRecord& each : keys_) {
    if (alias ? each.name == id : KeyIdText(each.id) == id) return &each;
  }
  return nullptr;
}

const KeyRecord* KeyStore::FindKey(const KeyId& id) const {
  for (const KeyRecord& each : keys_) {
    if (each.id == id) return &each;
  }
  return nullptr;
}

const CallerRecord* KeyStore::FindCaller(absl::string_view access_key_id) const {
  for (const CallerRecord& each : callers_) {
    if (each.access_key_id == access_key_id) return &each;
  }
  return nullptr;
}

const Secret& KeyStore::SecretOf(const KeyRecord& key) const {
  return key_secrets_[IndexOf(key, keys_)];
}

const Secret& KeyStore::SecretOf(const CallerRecord& caller) const {
  return caller_secrets_[IndexOf(caller, callers_)];
}

}  // namespace sealfold
