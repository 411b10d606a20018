// Microsoft's 'Windows Authenticode Portable Executable Signature Format', as UEFI firmware does
// it.
#include <openssl/err.h>
#include <openssl/pkcs7.h>
#include <openssl/x509.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "attest/measure/uki/pe.h"
#include "protocol/base/byte_reader.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr size_t kChecksumSize = 4;
constexpr size_t kDirectoryEntrySize = 8;
constexpr size_t kCertificateHeaderSize = 8;
constexpr uint16_t kRevision2 = 0x0200;
constexpr uint16_t kPkcsSignedData = 0x0002;
constexpr size_t kCertificatesMax = 64;

absl::Status Malformed(std::string expected, std::string found) {
  return BadInput({.code = "pe_malformed",
                   .what = "UEFI program, certificate table",
                   .expected = std::move(expected),
                   .found = std::move(found),
                   .advice = "give a whole UEFI program, such as a Unified Kernel Image"});
}

absl::Status AddCertificates(ByteSpan der, std::vector<Bytes>& out) {
  const uint8_t* position = der.data();
  const std::unique_ptr<PKCS7, decltype(&PKCS7_free)> signed_data(
      d2i_PKCS7(nullptr, &position, static_cast<int64_t>(der.size())), &PKCS7_free);
  ERR_clear_error();
  if (signed_data == nullptr || !PKCS7_type_is_signed(signed_data.get()) ||
      signed_data->d.sign == nullptr) {
    return Malformed("PKCS #7 SignedData", "something else");
  }
  const STACK_OF(X509)* const certificates = signed_data->d.sign->cert;
  for (int i = 0; i < sk_X509_num(certificates); ++i) {
    unsigned char* encoded = nullptr;
    const int size = i2d_X509(sk_X509_value(certificates, i), &encoded);
    if (size <= 0) return Malformed("certificates", "one that cannot be written");
    out.push_back(Bytes(encoded, encoded + size));
    OPENSSL_free(encoded);
    if (out.size() > kCertificatesMax) {
      return Malformed(absl::StrCat("at most ", kCertificatesMax, " certificates"), "more");
    }
  }
  return absl::OkStatus();
}

}  // namespace

Bytes AuthenticodeDigest(const PeImage& image, BankHash hash) {
  BankHasher hasher(hash);
  const ByteSpan headers = image.file.first(image.headers_size);
  const size_t after_checksum = image.checksum_offset + kChecksumSize;
  hasher.Update(headers.first(image.checksum_offset));
  hasher.Update(headers.subspan(after_checksum, image.certificate_entry_offset - after_checksum));
  hasher.Update(headers.subspan(image.certificate_entry_offset + kDirectoryEntrySize));
  std::vector<ByteSpan> sections;
  for (const PeSection& section : image.sections) {
    if (!section.raw.empty()) sections.push_back(section.raw);
  }
  std::stable_sort(sections.begin(), sections.end(),
                   [](ByteSpan a, ByteSpan b) { return a.data() < b.data(); });
  size_t hashed = image.headers_size;
  for (const ByteSpan section : sections) {
    hasher.Update(section);
    hashed += section.size();
  }
  // The rest is found by how much was hashed, as the specification has it, wherever sections are.
  const size_t end = image.file.size() - image.certificates.size();
  if (hashed < end) hasher.Update(image.file.subspan(hashed, end - hashed));
  return hasher.Finish();
}

absl::StatusOr<std::vector<Bytes>> SignatureCertificates(const PeImage& image) {
  std::vector<Bytes> out;
  ByteReader reader(image.certificates, ByteReader::Order::kLittleEndian);
  while (reader.left() > 0) {
    const uint32_t length = reader.U32();
    const uint16_t revision = reader.U16();
    const uint16_t type = reader.U16();
    if (!reader.ok() || length < kCertificateHeaderSize) {
      return Malformed("an entry within the table", "one cut short");
    }
    const ByteSpan content = reader.Take(length - kCertificateHeaderSize);
    // Entries begin at multiples of eight; the last one's padding may be missing.
    reader.Take(std::min<size_t>(reader.left(), (8 - length % 8) % 8));
    if (!reader.ok() || revision != kRevision2 || type != kPkcsSignedData) {
      return Malformed("entries of revision 2.0, PKCS #7", "another");
    }
    SEALFOLD_RETURN_IF_ERROR(AddCertificates(content, out));
  }
  return out;
}

}  // namespace sealfold
