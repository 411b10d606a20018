#include "protocol/envelope/envelope.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "protocol/cbor/fields.h"
#include "protocol/cose/sign1.h"
#include "protocol/crypto/hash.h"

namespace sealfold {
namespace {

constexpr char kSignContext[] = "sealfold envelope 1";
constexpr cbor::Limits kHeaderLimits = {.size_bytes_max = 1024, .items_max = 32, .depth_max = 1};

// What every message of a header is bound to: the header without what HPKE itself produces.
Bytes ContextInfo(const EnvelopeHeader& header) {
  EnvelopeHeader bound = header;
  bound.enc = SealingPublicKey();
  Bytes info = ToBytes(AsBytes("sealfold update 1"));
  Append(info, cbor::EncodeFields(bound));
  return info;
}

}  // namespace

absl::StatusOr<EnvelopeSender> EnvelopeSender::Make(const Plan& plan, EnvelopeHeader header,
                                                    const SealingPublicKey& recipient,
                                                    const SealedHead& head, const SigningKey& key,
                                                    const Secret& ephemeral_seed) {
  const uint64_t chunk_count = ChunkCount(header.payload_bytes, plan.chunk_bytes);
  SEALFOLD_CHECK(header.participant == key.public_key());
  header.recipient = Sha256(recipient.span());
  SEALFOLD_ASSIGN_OR_RETURN(
      HpkeContext context,
      HpkeContext::SetupSender(SuiteAead(plan.suite), recipient, ContextInfo(header),
                               HpkeKeyPair::Derive(ephemeral_seed)));
  header.enc = context.enc();
  EnvelopeSender sender(std::move(context), head, chunk_count, header.start);
  sender.signed_header_ = SignSign1(key, kSignContext, cbor::EncodeFields(header));
  sender.header_digest_ = Sha256(sender.signed_header_);
  return sender;
}

absl::StatusOr<OpenedHeader> OpenEnvelopeHeader(ByteSpan signed_header) {
  SEALFOLD_ASSIGN_OR_RETURN(Sign1 opened, OpenSign1(signed_header, kSignContext));
  SEALFOLD_ASSIGN_OR_RETURN(EnvelopeHeader header,
                            cbor::DecodeFields<EnvelopeHeader>(opened.payload, kHeaderLimits));
  if (opened.signer != header.participant) {
    return Refused({.code = "envelope_signer",
                    .what = "signer of an envelope",
                    .expected = header.participant.hex(),
                    .found = opened.signer.hex()});
  }
  return OpenedHeader{.header = header, .digest = Sha256(signed_header)};
}

absl::StatusOr<EnvelopeReceiver> EnvelopeReceiver::Make(const Plan& plan,
                                                        const EnvelopeHeader& header,
                                                        const HpkeKeyPair& recipient,
                                                        ByteSpan sealed_head) {
  SEALFOLD_ASSIGN_OR_RETURN(HpkeContext context,
                            HpkeContext::SetupReceiver(SuiteAead(plan.suite), header.enc, recipient,
                                                       ContextInfo(header)));
  SEALFOLD_ASSIGN_OR_RETURN(StreamOpener stream,
                            StreamOpener::Make(std::move(context), sealed_head,
                                               ChunkCount(header.payload_bytes, plan.chunk_bytes)));
  return EnvelopeReceiver(std::move(stream));
}

}  // namespace sealfold
