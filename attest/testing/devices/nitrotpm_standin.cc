#include "attest/testing/devices/nitrotpm_standin.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cstring>

#include "attest/tpm/device/esys.h"
#include "attest/tpm/enrol/tpm_kdf.h"
#include "attest/tpm/structure/tpm_bytes.h"
#include "protocol/base/error.h"
#include "protocol/base/random.h"

namespace sealfold {
namespace {

constexpr size_t kHeader = 10;
constexpr uint32_t kNvDefineSpace = 0x12a;
constexpr uint32_t kNvUndefineSpace = 0x122;
constexpr uint32_t kNvWrite = 0x137;
constexpr uint32_t kNvRead = 0x14e;
constexpr uint32_t kStartAuthSession = 0x176;
constexpr uint32_t kFlushContext = 0x165;
constexpr uint32_t kNsmRequest = 0x20000001;
constexpr uint16_t kBufferSize = 0x2000;
constexpr uint16_t kSwtpmBufferSize = 0x800;  // as much as swtpm gives to one index
constexpr uint32_t kRcAuthFail = 0x98e;       // TPM_RC_AUTH_FAIL of the first session
constexpr uint32_t kRcSize = 0x095;
constexpr size_t kSaltSize = 32;
constexpr size_t kHashSize = 64;

uint32_t CodeOf(ByteSpan command) {
  TpmReader reader("command", command);
  reader.Take(6);
  return reader.U32();
}

Bytes Failure(uint32_t rc) { return TpmWriter().U16(0x8001).U32(kHeader).U32(rc).bytes(); }

Bytes Sha512(std::initializer_list<ByteSpan> parts) {
  Bytes all;
  for (ByteSpan part : parts) Append(all, part);
  Bytes out(kHashSize);
  SEALFOLD_CHECK(EVP_Digest(all.data(), all.size(), out.data(), nullptr, EVP_sha512(), nullptr) ==
                 1);
  return out;
}

}  // namespace

struct NitroTpmStandin::Context {
  TSS2_TCTI_CONTEXT_COMMON_V2 common = {};  // first: TSS sees only this
  NitroTpmStandin* owner = nullptr;

  static NitroTpmStandin& Owner(TSS2_TCTI_CONTEXT* tcti) {
    return *reinterpret_cast<Context*>(tcti)->owner;
  }
};

NitroTpmStandin::NitroTpmStandin(TSS2_TCTI_CONTEXT* swtpm, Answer answer)
    : context_(std::make_unique<Context>()), swtpm_(swtpm), answer_(std::move(answer)) {
  context_->owner = this;
  context_->common.v1.magic = 0x4e6974726f54504d;
  context_->common.v1.version = 2;
  context_->common.v1.transmit = [](TSS2_TCTI_CONTEXT* self, size_t size, const uint8_t* command) {
    return Context::Owner(self).Transmit(ByteSpan(command, size));
  };
  context_->common.v1.receive = [](TSS2_TCTI_CONTEXT* self, size_t* size, uint8_t* out, int32_t) {
    return Context::Owner(self).Receive(size, out);
  };
  context_->common.v1.finalize = [](TSS2_TCTI_CONTEXT*) {};
  context_->common.v1.cancel = [](TSS2_TCTI_CONTEXT*) -> TSS2_RC {
    return TSS2_TCTI_RC_NOT_IMPLEMENTED;
  };
  context_->common.v1.getPollHandles = [](TSS2_TCTI_CONTEXT*, TSS2_TCTI_POLL_HANDLE*,
                                          size_t*) -> TSS2_RC {
    return TSS2_TCTI_RC_NOT_IMPLEMENTED;
  };
  context_->common.v1.setLocality = [](TSS2_TCTI_CONTEXT*, uint8_t) -> TSS2_RC {
    return TSS2_TCTI_RC_NOT_IMPLEMENTED;
  };
  context_->common.makeSticky = [](TSS2_TCTI_CONTEXT*, TPM2_HANDLE*, uint8_t) -> TSS2_RC {
    return TSS2_TCTI_RC_NOT_IMPLEMENTED;
  };
}

NitroTpmStandin::~NitroTpmStandin() = default;

TSS2_TCTI_CONTEXT* NitroTpmStandin::tcti() {
  return reinterpret_cast<TSS2_TCTI_CONTEXT*>(context_.get());
}

FillBytes NitroTpmStandin::random() {
  return [this](MutableByteSpan out) {
    FillRandom(out);
    drawn_.push_back(ToBytes(out));
  };
}

TSS2_RC NitroTpmStandin::PassOn(ByteSpan command) {
  sent_ = CodeOf(command);
  return TctiTransmit(swtpm_, command);
}

// One answer of the swtpm, at once.
Bytes NitroTpmStandin::TakeAnswer() {
  Bytes answer;
  SEALFOLD_CHECK(TctiReceive(swtpm_, answer) == TSS2_RC_SUCCESS);
  return answer;
}

TSS2_RC NitroTpmStandin::Transmit(ByteSpan command) {
  const uint32_t code = CodeOf(command);
  pending_.clear();
  if (code == kNsmRequest) {
    pending_ = AnswerRequest(command);
    return TSS2_RC_SUCCESS;
  }
  if (code == kNvDefineSpace) {
    // The last two bytes of the public area are the size.
    Bytes smaller = ToBytes(command);
    const size_t at = smaller.size() - 2;
    SEALFOLD_CHECK((smaller[at] << 8 | smaller[at + 1]) == kBufferSize);
    smaller[at] = kSwtpmBufferSize >> 8;
    smaller[at + 1] = 0;
    memory_.assign(kBufferSize, 0xa5);
    return PassOn(smaller);
  }
  if (code == kNvWrite) {
    TpmReader reader("NV write", command.subspan(kHeader));
    reader.Take(8);
    reader.Take(reader.U32());
    const Bytes data = ToBytes(reader.Sized("data", kSwtpmBufferSize));
    const size_t offset = reader.U16();
    SEALFOLD_CHECK(reader.Finish().ok() && offset + data.size() <= memory_.size());
    std::copy(data.begin(), data.end(), memory_.begin() + static_cast<int64_t>(offset));
  }
  if (code == kNvRead) {
    pending_ = ReadMemory(command);
    return TSS2_RC_SUCCESS;
  }
  if (code == kStartAuthSession) session_command_ = ToBytes(command);
  return PassOn(command);
}

TSS2_RC NitroTpmStandin::Receive(size_t* size, uint8_t* out) {
  // TSS asks for the size first, with no buffer.
  if (!pending_.empty()) {
    const size_t capacity = *size;
    *size = pending_.size();
    if (out == nullptr) return TSS2_RC_SUCCESS;
    SEALFOLD_CHECK(capacity >= pending_.size());
    std::copy(pending_.begin(), pending_.end(), out);
    return TSS2_RC_SUCCESS;
  }
  const auto& swtpm = *reinterpret_cast<const TSS2_TCTI_CONTEXT_COMMON_V1*>(swtpm_);
  const TSS2_RC rc = swtpm.receive(swtpm_, size, out, TSS2_TCTI_TIMEOUT_BLOCK);
  if (rc != TSS2_RC_SUCCESS || out == nullptr) return rc;
  TpmReader reader("answer", ByteSpan(out, *size));
  reader.Take(6);
  if (reader.U32() != 0) return rc;
  if (sent_ == kNvDefineSpace) ++defined_;
  if (sent_ == kNvUndefineSpace) --defined_;
  if (sent_ == kStartAuthSession) {
    session_ = reader.U32();
    nonce_tpm_ = ToBytes(reader.Sized("nonceTPM", kHashSize));
    TpmReader sent("session", ByteSpan(session_command_).subspan(kHeader + 8));
    nonce_caller_ = ToBytes(sent.Sized("nonceCaller", kHashSize));
  }
  return rc;
}

// The swtpm reads a byte, so that it checks the authorisation; the data are our own.
Bytes NitroTpmStandin::ReadMemory(ByteSpan command) {
  TpmReader reader("NV read", command.subspan(command.size() - 4));
  const size_t size = reader.U16();
  const size_t offset = reader.U16();
  Bytes small = ToBytes(command);
  std::copy_n(Bytes{0, 1, 0, 0}.begin(), 4, small.end() - 4);
  SEALFOLD_CHECK(PassOn(small) == TSS2_RC_SUCCESS);
  Bytes answer = TakeAnswer();
  TpmReader parts("answer", answer);
  parts.Take(6);
  if (parts.U32() != 0) return answer;
  if (offset + size > memory_.size()) return Failure(kRcSize);
  parts.Take(parts.U32());
  const Bytes sessions = ToBytes(parts.Take(parts.left()));
  const ByteSpan data = ByteSpan(memory_).subspan(offset, size);
  return TpmWriter()
      .U16(0x8002)
      .U32(static_cast<uint32_t>(kHeader + 4 + 2 + data.size() + sessions.size()))
      .U32(0)
      .U32(static_cast<uint32_t>(2 + data.size()))
      .Sized(data)
      .Raw(sessions)
      .bytes();
}

Bytes NitroTpmStandin::AnswerRequest(ByteSpan command) {
  TpmReader reader("request", command);
  const bool tagged = reader.U16() == 0x8002 && reader.U32() == command.size();
  reader.U32();
  const uint32_t authorises = reader.U32();
  const uint32_t index = reader.U32();
  reader.U32();  // size of the session area
  const uint32_t session = reader.U32();
  const Bytes nonce = ToBytes(reader.Sized("nonceCaller", kHashSize));
  const uint8_t attributes = reader.U8();
  const Bytes mac = ToBytes(reader.Sized("hmac", kHashSize));
  if (!reader.Finish().ok() || !tagged || authorises != index || session != session_) {
    return Failure(kRcSize);
  }
  // The name of the index, from the swtpm.
  const Bytes ask = TpmWriter().U16(0x8001).U32(14).U32(0x169).U32(index).bytes();
  SEALFOLD_CHECK(PassOn(ask) == TSS2_RC_SUCCESS);
  const Bytes told = TakeAnswer();
  TpmReader public_area("NV public", told);
  public_area.Take(kHeader);
  public_area.Sized("nvPublic", 256);
  const Bytes name = ToBytes(public_area.Sized("name", 2 + kHashSize));
  SEALFOLD_CHECK(public_area.Finish().ok());

  const Bytes code = TpmWriter().U32(kNsmRequest).bytes();
  const Bytes flags = {attributes};
  // The salt and the index's authorisation value are among what the caller drew; a NitroTPM knows
  // them otherwise.
  for (const Bytes& salt : drawn_) {
    if (salt.size() != kSaltSize) continue;
    const Secret key = TpmKdfA(EVP_sha512(), salt, "ATH", nonce_tpm_, nonce_caller_, 8 * kHashSize);
    for (Bytes auth : drawn_) {
      if (auth.size() != kHashSize) continue;
      auth.back() |= 1;
      Bytes whole = ToBytes(key.span());
      Append(whole, auth);
      if (TpmHmac(EVP_sha512(), whole, {Sha512({code, name, name}), nonce, nonce_tpm_, flags}) !=
          mac) {
        continue;
      }
      ++requests_;
      // The request ends where its CBOR does; the rest of the memory is as it was.
      Bytes request = memory_;
      while (!request.empty() && request.back() == 0xa5) request.pop_back();
      const auto parsed = ParseNsmRequest(request);
      SEALFOLD_CHECK(parsed.ok());
      const Bytes response = answer_(*parsed);
      std::copy(response.begin(), response.end(), memory_.begin());
      const Bytes nonce_new(kHashSize, 0x5a);
      const Bytes success(4);
      Bytes answer_mac =
          TpmHmac(EVP_sha512(), whole, {Sha512({success, code}), nonce_new, nonce, flags});
      if (break_answers_) answer_mac[0] ^= 1;
      // The session ended with the command: the swtpm, which never saw it, is told.
      SEALFOLD_CHECK(
          PassOn(TpmWriter().U16(0x8001).U32(14).U32(kFlushContext).U32(session).bytes()) ==
          TSS2_RC_SUCCESS);
      TakeAnswer();
      const Bytes area = TpmWriter().Sized(nonce_new).U8(attributes).Sized(answer_mac).bytes();
      return TpmWriter()
          .U16(0x8002)
          .U32(static_cast<uint32_t>(kHeader + 4 + area.size()))
          .U32(0)
          .U32(0)
          .Raw(area)
          .bytes();
    }
  }
  return Failure(kRcAuthFail);
}

}  // namespace sealfold
