#include "attest/nitrotpm/device/hmac_session.h"

#include <openssl/evp.h>

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "attest/tpm/device/esys.h"
#include "attest/tpm/enrol/tpm_kdf.h"
#include "attest/tpm/structure/tpm_bytes.h"
#include "attest/tpm/structure/tpm_hash.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr uint16_t kNoSessions = 0x8001;
constexpr uint16_t kSessions = 0x8002;
constexpr uint32_t kStartAuthSession = 0x00000176;
constexpr uint32_t kFlushContext = 0x00000165;
constexpr uint32_t kNullHandle = 0x40000007;
constexpr uint8_t kHmacSession = 0x00;
constexpr uint16_t kAlgSha512 = 0x000d;
constexpr uint8_t kEndsWithCommand = 0x00;  // TPMA_SESSION without continueSession
constexpr size_t kHashSize = 64;

const EVP_MD* Md() { return EVP_sha512(); }

Bytes Hash(std::initializer_list<ByteSpan> parts) {
  Bytes all;
  for (ByteSpan part : parts) Append(all, part);
  Bytes out(kHashSize);
  SEALFOLD_CHECK(EVP_Digest(all.data(), all.size(), out.data(), nullptr, Md(), nullptr) == 1);
  return out;
}

absl::Status WrongAnswer(absl::string_view what) {
  return PeerError({.code = "tpm_device",
                    .what = "TPM's answer",
                    .expected = std::string(what),
                    .found = "another"});
}

// Sends a command; returns what follows the header of the answer.
absl::StatusOr<Bytes> Exchange(TSS2_TCTI_CONTEXT* tcti, uint16_t tag, uint32_t code, ByteSpan body,
                               absl::string_view what) {
  const Bytes command =
      TpmWriter().U16(tag).U32(static_cast<uint32_t>(10 + body.size())).U32(code).Raw(body).bytes();
  SEALFOLD_RETURN_IF_ERROR(TssStatus(TctiTransmit(tcti, command), what));
  Bytes answer;
  SEALFOLD_RETURN_IF_ERROR(TssStatus(TctiReceive(tcti, answer), what));
  TpmReader reader("TPM's answer", answer);
  const uint16_t answer_tag = reader.U16();
  const uint32_t stated = reader.U32();
  const uint32_t rc = reader.U32();
  if (!reader.ok() || stated != answer.size()) return WrongAnswer("a header with its size");
  SEALFOLD_RETURN_IF_ERROR(TssStatus(rc, what));
  if (answer_tag != tag) return WrongAnswer("the command's tag");
  return ToBytes(reader.Take(reader.left()));
}

class Session {
 public:
  static absl::StatusOr<Session> Start(TSS2_TCTI_CONTEXT* tcti, const SaltKey& salt_key,
                                       const FillBytes& random) {
    Session session(tcti);
    session.nonce_caller_.resize(kHashSize);
    random(absl::MakeSpan(session.nonce_caller_));
    Secret salt(TpmHashSize(salt_key.public_area.name_hash));
    random(salt.mutable_span());
    SEALFOLD_ASSIGN_OR_RETURN(const UniquePkey key, salt_key.public_area.Key());
    if (salt_key.public_area.type != kTpmAlgRsa) return WrongAnswer("an RSA endorsement key");
    SEALFOLD_ASSIGN_OR_RETURN(const Bytes encrypted,
                              TpmOaepEncrypt(key.get(), TpmHashMd(salt_key.public_area.name_hash),
                                             "SECRET", salt.span()));
    const Bytes body = TpmWriter()
                           .U32(salt_key.handle)
                           .U32(kNullHandle)
                           .Sized(session.nonce_caller_)
                           .Sized(encrypted)
                           .U8(kHmacSession)
                           .U16(kTpmAlgNull)
                           .U16(kAlgSha512)
                           .bytes();
    SEALFOLD_ASSIGN_OR_RETURN(
        const Bytes answer, Exchange(tcti, kNoSessions, kStartAuthSession, body, "TPM's session"));
    TpmReader reader("TPM's session", answer);
    session.handle_ = reader.U32();
    session.nonce_tpm_ = ToBytes(reader.Sized("nonceTPM", kHashSize));
    SEALFOLD_RETURN_IF_ERROR(reader.Finish());
    session.key_ =
        TpmKdfA(Md(), salt.span(), "ATH", session.nonce_tpm_, session.nonce_caller_, 8 * kHashSize);
    return session;
  }

  absl::StatusOr<Bytes> Run(const SessionCommand& command, ByteSpan auth, const FillBytes& random) {
    random(absl::MakeSpan(nonce_caller_));
    const Bytes code = TpmWriter().U32(command.code).bytes();
    Bytes names;
    for (const Bytes& name : command.names) Append(names, name);
    const Bytes mac = Mac(auth, Hash({code, names, command.parameters}), nonce_caller_, nonce_tpm_);
    const Bytes area =
        TpmWriter().U32(handle_).Sized(nonce_caller_).U8(kEndsWithCommand).Sized(mac).bytes();
    TpmWriter body;
    for (uint32_t handle : command.handles) body.U32(handle);
    body.U32(static_cast<uint32_t>(area.size())).Raw(area).Raw(command.parameters);
    absl::StatusOr<Bytes> answer =
        Exchange(tcti_, kSessions, command.code, body.bytes(), "TPM's command under a session");
    if (!answer.ok()) {
      // A command that failed does not end its session.
      Exchange(tcti_, kNoSessions, kFlushContext, TpmWriter().U32(handle_).bytes(), "TPM's session")
          .IgnoreError();
      return answer.status();
    }
    return Checked(*answer, code, auth);
  }

 private:
  explicit Session(TSS2_TCTI_CONTEXT* tcti) : tcti_(tcti) {}

  Bytes Mac(ByteSpan auth, ByteSpan hash, ByteSpan newer, ByteSpan older) const {
    Secret key(key_.size() + auth.size());
    std::copy(key_.span().begin(), key_.span().end(), key.mutable_span().begin());
    std::copy(auth.begin(), auth.end(),
              key.mutable_span().begin() + static_cast<int64_t>(key_.size()));
    const Bytes attributes = {kEndsWithCommand};
    return TpmHmac(Md(), key.span(), {hash, newer, older, attributes});
  }

  absl::StatusOr<Bytes> Checked(ByteSpan answer, ByteSpan code, ByteSpan auth) const {
    TpmReader reader("TPM's answer", answer);
    const Bytes parameters = ToBytes(reader.Take(reader.U32()));
    const Bytes nonce = ToBytes(reader.Sized("nonceTPM", kHashSize));
    const uint8_t attributes = reader.U8();
    reader.Require(attributes == kEndsWithCommand, "sessionAttributes", "the command's",
                   attributes);
    const Bytes mac = ToBytes(reader.Sized("hmac", kHashSize));
    SEALFOLD_RETURN_IF_ERROR(reader.Finish());
    const Bytes success(4);
    if (!EqualConstantTime(mac,
                           Mac(auth, Hash({success, code, parameters}), nonce, nonce_caller_))) {
      return WrongAnswer("one with the session's HMAC");
    }
    return parameters;
  }

  TSS2_TCTI_CONTEXT* tcti_;
  uint32_t handle_ = 0;
  Bytes nonce_caller_ = {}, nonce_tpm_ = {};
  Secret key_;
};

}  // namespace

absl::StatusOr<Bytes> RunUnderSession(TSS2_TCTI_CONTEXT* tcti, const SaltKey& salt_key,
                                      const SessionCommand& command, ByteSpan auth,
                                      const FillBytes& random) {
  SEALFOLD_ASSIGN_OR_RETURN(Session session, Session::Start(tcti, salt_key, random));
  return session.Run(command, auth, random);
}

}  // namespace sealfold
