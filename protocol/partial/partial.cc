#include "protocol/partial/partial.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/cbor/fields.h"
#include "protocol/cose/sign1.h"
#include "protocol/crypto/hash.h"

namespace sealfold {
namespace {

constexpr char kSignContext[] = "sealfold partial 1";
constexpr cbor::Limits kHeaderLimits = {.size_bytes_max = 1024, .items_max = 32, .depth_max = 1};
constexpr size_t kEntriesMax = 65'535;  // a plan's participants
constexpr cbor::Limits kLogLimits = {
    .size_bytes_max = kRecordFileBytesMax, .items_max = kEntriesMax * 18 + 16, .depth_max = 3};

// What every message is bound to: the header without what HPKE itself produces.
Bytes ContextInfo(const PartialHeader& header) {
  PartialHeader bound = header;
  bound.enc = SealingPublicKey();
  Bytes info = ToBytes(AsBytes("sealfold partial 1"));
  Append(info, cbor::EncodeFields(bound));
  return info;
}

}  // namespace

Bytes EncodePartialLog(absl::Span<const LogEntry> entries) {
  return cbor::EncodeFields(PartialLog{.entries = {entries.begin(), entries.end()}});
}

absl::StatusOr<std::vector<LogEntry>> DecodePartialLog(ByteSpan bytes) {
  SEALFOLD_ASSIGN_OR_RETURN(PartialLog log, cbor::DecodeFields<PartialLog>(bytes, kLogLimits));
  if (log.entries.size() > kEntriesMax) {
    return BadInput({.code = "partial_log_too_long",
                     .what = "log of a partial sum",
                     .expected = absl::StrCat("at most ", kEntriesMax, " entries"),
                     .found = absl::StrCat(log.entries.size())});
  }
  return std::move(log.entries);
}

absl::StatusOr<PartialSealer> PartialSealer::Make(const Plan& plan, PartialHeader header,
                                                  const SealingPublicKey& root,
                                                  const SealedHead& head,
                                                  const SigningKey& record_key,
                                                  const Secret& ephemeral_seed) {
  header.recipient = Sha256(root.span());
  SEALFOLD_ASSIGN_OR_RETURN(
      HpkeContext context,
      HpkeContext::SetupSender(SuiteAead(plan.suite), root, ContextInfo(header),
                               HpkeKeyPair::Derive(ephemeral_seed)));
  header.enc = context.enc();
  PartialSealer sealer(std::move(context), head, ChunkCount(header.sum_bytes, plan.chunk_bytes),
                       /*start=*/0);
  sealer.signed_header_ = SignSign1(record_key, kSignContext, cbor::EncodeFields(header));
  return sealer;
}

absl::StatusOr<OpenedPartialHeader> OpenPartialHeader(ByteSpan signed_header) {
  SEALFOLD_ASSIGN_OR_RETURN(Sign1 opened, OpenSign1(signed_header, kSignContext));
  SEALFOLD_ASSIGN_OR_RETURN(PartialHeader header,
                            cbor::DecodeFields<PartialHeader>(opened.payload, kHeaderLimits));
  return OpenedPartialHeader{.header = header, .signer = opened.signer};
}

absl::StatusOr<PartialOpener> PartialOpener::Make(const Plan& plan, const PartialHeader& header,
                                                  const HpkeKeyPair& root, ByteSpan sealed_head) {
  SEALFOLD_ASSIGN_OR_RETURN(
      HpkeContext context,
      HpkeContext::SetupReceiver(SuiteAead(plan.suite), header.enc, root, ContextInfo(header)));
  SEALFOLD_ASSIGN_OR_RETURN(StreamOpener stream,
                            StreamOpener::Make(std::move(context), sealed_head,
                                               ChunkCount(header.sum_bytes, plan.chunk_bytes)));
  return PartialOpener(std::move(stream));
}

}  // namespace sealfold
