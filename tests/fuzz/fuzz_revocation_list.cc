// Certificate revocation lists, in DER and in PEM: one that is read is the same when read again,
// and about a chain it has an answer.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "attest/nitro/aws_root.h"
#include "attest/x509/revocation/revocation.h"
#include "protocol/base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sealfold;  // NOLINT(google-build-using-namespace): a program of one function
  const absl::StatusOr<RevocationList> list = RevocationList::Parse(ByteSpan(data, size));
  if (!list.ok()) {
    SEALFOLD_CHECK(ErrorCode(list.status()) == "revocation_list_malformed" ||
                   ErrorCode(list.status()) == "revocation_list_kind");
    return 0;
  }
  const std::string issuer = list->Issuer();
  SEALFOLD_CHECK(
      std::all_of(issuer.begin(), issuer.end(), [](char c) { return c >= ' ' && c <= '~'; }));
  const absl::StatusOr<RevocationList> again = RevocationList::Parse(list->der());
  SEALFOLD_CHECK(again.ok() && again->der() == list->der() && again->Issuer() == issuer);
  // Nobody but AWS signs a list that says anything of AWS's root.
  const Certificate& root = AwsNitroRoot();
  const absl::Status status =
      CheckRevocation({root, root}, {.lists = {*list}}, 1'700'000'000, 1'700'000'000);
  SEALFOLD_CHECK(status.ok() != list->IsOf(root));
  return 0;
}
