#include "attest/keybroker/log/store_changes.h"

#include <map>
#include <string>
#include <utility>

#include "protocol/cbor/fields.h"
#include "protocol/crypto/hash.h"

namespace sealfold {
namespace {

template <class Record>
std::string DigestOf(Record record) {
  return Sha256(cbor::EncodeFields(record)).hex();
}

Decision Of(const TrustRecord& record) {
  return {.evidence = DigestOf(Store(record)), .platform = record.platform};
}
Decision Of(const KeyRecord& record) {
  return {.key = KeyIdText(record.id),
          .name = record.name,
          .evidence = DigestOf(record),
          .caveat = record.unattested ? "released without evidence" : ""};
}
Decision Of(const CallerRecord& record) {
  return {.key = record.access_key_id, .name = record.name, .evidence = DigestOf(record)};
}

struct Operations {
  const char* made;
  const char* changed;
  const char* removed;
};

// By what does not change of a record: its platform, or its id.
template <class Record>
std::map<std::string, Decision> ByIdentity(const std::vector<Record>& records) {
  std::map<std::string, Decision> out;
  for (const Record& each : records) {
    Decision decision = Of(each);
    std::string identity = decision.platform + decision.key;
    out.emplace(std::move(identity), std::move(decision));
  }
  return out;
}

template <class Record>
void Compare(const std::vector<Record>& before, const std::vector<Record>& after,
             const Operations& operations, uint64_t now_ms, std::vector<Decision>& out) {
  const auto add = [&](Decision decision, const char* operation) {
    decision.time_ms = now_ms;
    decision.caller = kAdministrator;
    decision.operation = operation;
    decision.allowed = true;
    out.push_back(std::move(decision));
  };
  std::map<std::string, Decision> old = ByIdentity(before);
  for (auto& [identity, now] : ByIdentity(after)) {
    const auto was = old.find(identity);
    if (was == old.end()) {
      add(now, operations.made);
      continue;
    }
    if (was->second.evidence != now.evidence) add(now, operations.changed);
    old.erase(was);
  }
  for (auto& [identity, gone] : old) {
    gone.evidence.clear();
    gone.caveat.clear();
    add(gone, operations.removed);
  }
}

}  // namespace

StoreRecords RecordsOf(const KeyStore& store) {
  return {.trust = store.trust(), .keys = store.keys(), .callers = store.callers()};
}

std::vector<Decision> StoreChanges(const StoreRecords& before, const StoreRecords& after,
                                   uint64_t now_ms) {
  std::vector<Decision> out;
  Compare(before.trust, after.trust, {"TrustPlatform", "SetRevocation", "DistrustPlatform"}, now_ms,
          out);
  Compare(before.keys, after.keys, {"CreateKey", "ChangeKey", "RemoveKey"}, now_ms, out);
  Compare(before.callers, after.callers, {"CreateCaller", "ChangeCaller", "RemoveCaller"}, now_ms,
          out);
  return out;
}

}  // namespace sealfold
