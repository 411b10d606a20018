#include "protocol/envelope/sealed_data.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/cbor/fields.h"
#include "protocol/cbor/first_item.h"
#include "protocol/cose/sign1.h"
#include "protocol/crypto/hash.h"
#include "protocol/envelope/sealed_chunks.h"

namespace sealfold {
namespace {

constexpr char kSignContext[] = "sealfold data set 1";
constexpr cbor::Limits kSignedLimits = {.size_bytes_max = 8192, .items_max = 32, .depth_max = 3};
constexpr cbor::Limits kHeaderLimits = {.size_bytes_max = 8192, .items_max = 32, .depth_max = 1};
constexpr size_t kWrappedKeySizeMax = 6144;  // of KMS
constexpr uint64_t kChunkBytesMin = 4096;
constexpr uint64_t kChunkBytesMax = 1 << 20;

SealedChunks Chunks(const SealedDataHeader& header, const Digest& header_digest,
                    ByteSpan data_key) {
  return {Aead::Make(AeadId::kAes256Gcm, data_key), ToBytes(header_digest.span()),
          header.data_bytes, header.chunk_bytes};
}

absl::Status CheckBounds(absl::string_view name, uint64_t value, uint64_t min, uint64_t max) {
  if (value >= min && value <= max) return absl::OkStatus();
  return BadInput({.code = "data_header",
                   .what = absl::StrCat(name, " of a sealed data set"),
                   .expected = absl::StrCat(min, " to ", max),
                   .found = absl::StrCat(value)});
}

absl::Status CheckHeader(const SealedDataHeader& header) {
  SEALFOLD_RETURN_IF_ERROR(
      CheckBounds("size of wrapped_key", header.wrapped_key.size(), 1, kWrappedKeySizeMax));
  SEALFOLD_RETURN_IF_ERROR(CheckBounds("data_bytes", header.data_bytes, 1, kSealedDataBytesMax));
  return CheckBounds("chunk_bytes", header.chunk_bytes, kChunkBytesMin, kChunkBytesMax);
}

}  // namespace

std::map<std::string, std::string> DataKeyContext(const SigningPublicKey& owner,
                                                  const Digest& terms) {
  return {{"sealfold:owner", owner.hex()}, {"sealfold:terms", terms.hex()}};
}

Bytes SealData(ByteSpan data, SealedDataHeader header, ByteSpan data_key, const SigningKey& owner) {
  header.data_bytes = data.size();
  SEALFOLD_CHECK(CheckHeader(header).ok() && data_key.size() == kDataKeySize);
  Bytes file = SignSign1(owner, kSignContext, cbor::EncodeFields(header));
  const SealedChunks chunks = Chunks(header, Sha256(file), data_key);
  size_t at = file.size();
  file.resize(at + SealedChunksSizeBytes(header.data_bytes, header.chunk_bytes));
  for (uint64_t i = 0; i < chunks.chunk_count(); ++i) {
    const size_t size = chunks.chunk_size_bytes(i);
    chunks.SealChunk(i, data.subspan(i * header.chunk_bytes, size),
                     absl::MakeSpan(file).subspan(at, size + kAeadTagSize));
    at += size + kAeadTagSize;
  }
  return file;
}

absl::StatusOr<SealedData> ReadSealedData(ByteSpan file) {
  // The head's item is looked for in its first bytes only: what follows is chunks.
  SEALFOLD_ASSIGN_OR_RETURN(
      const size_t size,
      cbor::FirstItemSize(file.first(std::min(file.size(), kSignedLimits.size_bytes_max)),
                          kSignedLimits));
  SEALFOLD_ASSIGN_OR_RETURN(const Sign1 opened, OpenSign1(file.first(size), kSignContext));
  SealedData data{.owner = opened.signer,
                  .header = {},
                  .header_digest = Sha256(file.first(size)),
                  .chunks = file.subspan(size)};
  SEALFOLD_ASSIGN_OR_RETURN(data.header,
                            cbor::DecodeFields<SealedDataHeader>(opened.payload, kHeaderLimits));
  SEALFOLD_RETURN_IF_ERROR(CheckHeader(data.header));
  const uint64_t expected = SealedChunksSizeBytes(data.header.data_bytes, data.header.chunk_bytes);
  if (data.chunks.size() == expected) return data;
  return BadInput({.code = "data_length",
                   .what = "chunks of a sealed data set",
                   .expected = absl::StrCat(expected, " bytes, as its header says"),
                   .found = absl::StrCat(data.chunks.size(), " bytes"),
                   .advice = "the file may be cut short; copy it again"});
}

absl::StatusOr<Secret> SealedData::Open(ByteSpan data_key) const {
  if (data_key.size() != kDataKeySize) {
    return BadInput({.code = "data_key_length",
                     .what = "key of a sealed data set",
                     .expected = absl::StrCat(kDataKeySize, " bytes"),
                     .found = absl::StrCat(data_key.size(), " bytes")});
  }
  const SealedChunks sealed = Chunks(header, header_digest, data_key);
  Secret data(header.data_bytes);
  size_t at = 0;
  for (uint64_t i = 0; i < sealed.chunk_count(); ++i) {
    const size_t size = sealed.chunk_size_bytes(i);
    SEALFOLD_RETURN_IF_ERROR(
        sealed.OpenChunk(i, chunks.subspan(at, size + kAeadTagSize),
                         data.mutable_span().subspan(i * header.chunk_bytes, size)));
    at += size + kAeadTagSize;
  }
  return data;
}

}  // namespace sealfold
