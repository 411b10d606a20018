// What says who signed a request (SigV4): an Authorization header and a time, each the same when
// written and read again.
#include <cstddef>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "attest/keyclient/wire/sigv4.h"
#include "protocol/base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sealfold;  // NOLINT(google-build-using-namespace): a program of one function
  const absl::string_view text = AsText(ByteSpan(data, size));
  const absl::StatusOr<SigV4Credential> read = ParseSigV4Authorization(text);
  if (read.ok()) {
    SEALFOLD_CHECK(read->signature.size() == 64 && HexDecode(read->signature).ok());
    const std::string written =
        absl::StrCat(kSigV4Algorithm, " Credential=", read->access_key_id, "/", read->scope.Text(),
                     ", SignedHeaders=", absl::StrJoin(read->signed_headers, ";"),
                     ", Signature=", read->signature);
    const absl::StatusOr<SigV4Credential> again = ParseSigV4Authorization(written);
    SEALFOLD_CHECK(again.ok() && again->access_key_id == read->access_key_id &&
                   again->scope.Text() == read->scope.Text() &&
                   again->signed_headers == read->signed_headers &&
                   again->signature == read->signature);
  } else {
    SEALFOLD_CHECK(ErrorCode(read.status()) == "authorization_malformed");
  }
  const absl::StatusOr<uint64_t> time = ParseSigV4Time(text);
  if (time.ok()) {
    SEALFOLD_CHECK(SigV4Time(*time) == text);
  } else {
    SEALFOLD_CHECK(ErrorCode(time.status()) == "date_malformed");
  }
  return 0;
}
