#include "attest/x509/key_reading.h"

#include <openssl/core_dispatch.h>
#include <openssl/crypto.h>
#include <openssl/provider.h>

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

// A provider (provider(7)) that passes on what another has, but for what is left out here.
constexpr char kName[] = "sealfold-key-reading";

bool IsOfKey(const OSSL_ALGORITHM& algorithm) {
  const absl::string_view names = algorithm.algorithm_names;  // "EC:id-ecPublicKey:1.2.840..."
  const absl::string_view first = names.substr(0, names.find(':'));
  return first == "EC" || first == "RSA";
}

bool IsOfCertificatesKey(const OSSL_ALGORITHM& decoder) {
  const absl::string_view properties = decoder.property_definition;
  return IsOfKey(decoder) && absl::StrContains(properties, "input=der") &&
         absl::StrContains(properties, "structure=SubjectPublicKeyInfo");
}

struct Passed {
  OSSL_PROVIDER* from;
  std::vector<OSSL_ALGORITHM> keys, decoders;  // each with an end marker, as OpenSSL takes them

  static const Passed& Get();
  std::vector<OSSL_ALGORITHM> Only(int operation, bool (*wanted)(const OSSL_ALGORITHM&)) const {
    int no_store = 0;
    std::vector<OSSL_ALGORITHM> out;
    const OSSL_ALGORITHM* each = OSSL_PROVIDER_query_operation(from, operation, &no_store);
    for (; each != nullptr && each->algorithm_names != nullptr; ++each) {
      if (wanted(*each)) out.push_back(*each);
    }
    SEALFOLD_CHECK(!out.empty());
    out.push_back({});
    return out;
  }
};

const Passed& Passed::Get() {
  static const Passed* const kPassed = [] {
    OSSL_LIB_CTX* context = OSSL_LIB_CTX_new();
    SEALFOLD_CHECK(context != nullptr);
    auto* passed = new Passed{OSSL_PROVIDER_load(context, "default"), {}, {}};
    SEALFOLD_CHECK(passed->from != nullptr);
    passed->keys = passed->Only(OSSL_OP_KEYMGMT, &IsOfKey);
    passed->decoders = passed->Only(OSSL_OP_DECODER, &IsOfCertificatesKey);
    return passed;
  }();
  return *kPassed;
}

const OSSL_ALGORITHM* Query(void* /*context*/, int operation, int* no_store) {
  const Passed& passed = Passed::Get();
  *no_store = 0;
  if (operation == OSSL_OP_KEYMGMT) return passed.keys.data();
  if (operation == OSSL_OP_DECODER) return passed.decoders.data();
  return OSSL_PROVIDER_query_operation(passed.from, operation, no_store);
}

int Start(const OSSL_CORE_HANDLE* /*handle*/, const OSSL_DISPATCH* /*core*/,
          const OSSL_DISPATCH** functions, void** context) {
  static const OSSL_DISPATCH kFunctions[] = {
      {OSSL_FUNC_PROVIDER_QUERY_OPERATION, reinterpret_cast<void (*)()>(&Query)}, {0, nullptr}};
  *functions = kFunctions;
  *context = OSSL_PROVIDER_get0_provider_ctx(Passed::Get().from);
  return 1;
}

}  // namespace

OSSL_LIB_CTX* KeyReadingContext() {
  static OSSL_LIB_CTX* const kContext = [] {
    OSSL_LIB_CTX* context = OSSL_LIB_CTX_new();
    SEALFOLD_CHECK(context != nullptr);
    SEALFOLD_CHECK(OSSL_PROVIDER_add_builtin(context, kName, &Start) == 1);
    SEALFOLD_CHECK(OSSL_PROVIDER_load(context, kName) != nullptr);
    return context;
  }();
  return kContext;
}

}  // namespace sealfold
