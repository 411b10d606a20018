#include "attest/measure/uki/secure_boot.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/base/byte_reader.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

using UniqueX509 = std::unique_ptr<X509, decltype(&X509_free)>;

constexpr size_t kGuidSize = 16;
using Guid = uint8_t[kGuidSize];
// As they stand in memory: the first three fields little-endian.
// 8be4df61-93ca-11d2-aa0d-00e098032b8c
constexpr Guid kGlobalVariable = {0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11,
                                  0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c};
// d719b2cb-3d3a-4596-a3bc-dad00e67656f
constexpr Guid kSecurityDatabase = {0xcb, 0xb2, 0x19, 0xd7, 0x3a, 0x3d, 0x96, 0x45,
                                    0xa3, 0xbc, 0xda, 0xd0, 0x0e, 0x67, 0x65, 0x6f};
// a5c059a1-94e4-4aa7-87b5-ab155c2bf072
constexpr Guid kX509Certificate = {0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a,
                                   0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72};
constexpr size_t kListHeaderSize = kGuidSize + 12;

void PutLittleEndian64(uint64_t value, Bytes& out) {
  for (int i = 0; i < 8; ++i) out.push_back(static_cast<uint8_t>(value >> (8 * i)));
}

// UEFI_VARIABLE_DATA.
Bytes VariableData(const Guid& guid, absl::string_view name, ByteSpan data) {
  Bytes out(guid, guid + kGuidSize);
  PutLittleEndian64(name.size(), out);
  PutLittleEndian64(data.size(), out);
  for (const char c : name) {  // UTF-16
    out.push_back(static_cast<uint8_t>(c));
    out.push_back(0);
  }
  Append(out, data);
  return out;
}

absl::Status BadDatabase(std::string expected, std::string found) {
  return BadInput({.code = "secure_boot_db",
                   .what = "Secure Boot's db",
                   .expected = std::move(expected),
                   .found = std::move(found),
                   .advice = "give the variable's content, without efivarfs's first four bytes"});
}

// EFI_SIGNATURE_DATA (owner, then certificate) of all X.509 certificates in a signature database.
absl::StatusOr<std::vector<ByteSpan>> X509Entries(ByteSpan database) {
  std::vector<ByteSpan> out;
  ByteReader reader(database, ByteReader::Order::kLittleEndian);
  while (reader.left() > 0) {
    const ByteSpan type = reader.Take(kGuidSize);
    const uint32_t list_size = reader.U32();
    const uint32_t header_size = reader.U32();
    const uint32_t signature_size = reader.U32();
    if (!reader.ok() || list_size < kListHeaderSize || header_size > list_size - kListHeaderSize ||
        signature_size <= kGuidSize ||
        (list_size - kListHeaderSize - header_size) % signature_size != 0) {
      return BadDatabase("EFI signature lists", "something else");
    }
    reader.Take(header_size);
    ByteReader entries(reader.Take(list_size - kListHeaderSize - header_size),
                       ByteReader::Order::kLittleEndian);
    if (!reader.ok()) return BadDatabase("whole EFI signature lists", "one cut short");
    while (entries.left() > 0) {
      const ByteSpan entry = entries.Take(signature_size);
      if (type == ByteSpan(kX509Certificate)) out.push_back(entry);
    }
  }
  return out;
}

// As firmware reads them, which asks less of a certificate than evidence does. Null where it cannot
// be read.
UniqueX509 Read(ByteSpan der) {
  const uint8_t* position = der.data();
  UniqueX509 certificate(d2i_X509(nullptr, &position, static_cast<int64_t>(der.size())),
                         &X509_free);
  ERR_clear_error();
  return certificate;
}

// A certificate of a program's signature.
struct Signer {
  Bytes der;
  UniqueX509 x509;
};

// Whether one of `signers` is `trusted` or signed by it: then firmware that has it in db comes to
// it from the signature.
bool LeadsTo(ByteSpan trusted, absl::Span<const Signer> signers) {
  const UniqueX509 issuer = Read(trusted);
  EVP_PKEY* const key = issuer == nullptr ? nullptr : X509_get0_pubkey(issuer.get());
  const bool leads = std::any_of(signers.begin(), signers.end(), [&](const Signer& signer) {
    return ByteSpan(signer.der) == trusted ||
           (key != nullptr && signer.x509 != nullptr && X509_verify(signer.x509.get(), key) == 1);
  });
  ERR_clear_error();
  return leads;
}

// The entry of `database` that vouches for a program. Which of several firmware takes, and measures
// with it, goes by its own order.
absl::StatusOr<ByteSpan> Authority(const PeImage& image, absl::Span<const ByteSpan> database) {
  SEALFOLD_ASSIGN_OR_RETURN(std::vector<Bytes> certificates, SignatureCertificates(image));
  std::vector<Signer> signers;
  for (Bytes& der : certificates) {
    UniqueX509 x509 = Read(der);
    signers.push_back({.der = std::move(der), .x509 = std::move(x509)});
  }
  std::optional<ByteSpan> found;
  for (const ByteSpan entry : database) {
    if (!LeadsTo(entry.subspan(kGuidSize), signers)) continue;
    if (found.has_value() && *found != entry) {
      return Refused({.code = "secure_boot_signer_ambiguous",
                      .what = "UEFI program under Secure Boot",
                      .expected = "a signature that leads to one entry of db",
                      .found = "several, of which firmware measures the one that it tries first",
                      .advice = "sign by one of them alone, leave the others out of db, or take "
                                "PCR4"});
    }
    if (!found.has_value()) found = entry;
  }
  if (found.has_value()) return *found;
  return Refused({.code = "secure_boot_signer",
                  .what = "UEFI program under Secure Boot",
                  .expected = "a signature by a certificate of db",
                  .found = signers.empty() ? "no signature" : "another's",
                  .advice = "sign the image, or give the machine's own db"});
}

}  // namespace

absl::StatusOr<Bytes> SecureBootPcr7(BankHash hash, const SecureBootVariables& variables,
                                     absl::Span<const PeImage> started) {
  BankRegister reg(hash);
  const uint8_t enabled = variables.enabled() ? 1 : 0;
  reg.Measure(VariableData(kGlobalVariable, "SecureBoot", ByteSpan(&enabled, 1)));
  reg.Measure(VariableData(kGlobalVariable, "PK", variables.pk));
  reg.Measure(VariableData(kGlobalVariable, "KEK", variables.kek));
  reg.Measure(VariableData(kSecurityDatabase, "db", variables.db));
  reg.Measure(VariableData(kSecurityDatabase, "dbx", variables.dbx));
  reg.Measure(Bytes(4));  // the separator
  if (!variables.enabled()) return reg.value();
  SEALFOLD_ASSIGN_OR_RETURN(const std::vector<ByteSpan> database, X509Entries(variables.db));
  std::set<const uint8_t*> measured;
  for (const PeImage& image : started) {
    SEALFOLD_ASSIGN_OR_RETURN(const ByteSpan authority, Authority(image, database));
    if (!measured.insert(authority.data()).second) continue;
    reg.Measure(VariableData(kSecurityDatabase, "db", authority));
  }
  return reg.value();
}

}  // namespace sealfold
