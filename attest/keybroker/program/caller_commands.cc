#include "attest/keybroker/program/caller_commands.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/json/json_text.h"

namespace sealfold {

using nlohmann::json;

absl::Status CreateCallerCommand(const BrokerFolder& folder, const std::string& name,
                                 const std::string& out_path, const Output& output) {
  std::error_code error;
  if (std::filesystem::exists(out_path, error)) {
    return BadInput({.code = "access_key_exists",
                     .what = absl::StrCat("access key ", out_path),
                     .expected = "no file of this name",
                     .found = "one: it may be all there is of another caller's secret",
                     .advice = "name another file"});
  }
  std::string id;
  const auto add = [&](KeyStore& store) -> absl::Status {
    SEALFOLD_ASSIGN_OR_RETURN(id, store.AddCaller(name));
    std::string credential =
        absl::StrCat("{\"format\": \"sealfold-access-key-1\", \"access_key_id\": \"", id,
                     "\", \"secret_access_key\": \"",
                     AsText(store.SecretOf(*store.FindCaller(id)).span()), "\"}\n");
    absl::Status written = WriteFileAtomic(out_path, credential, /*secret=*/true);
    Wipe(MutableByteSpan(reinterpret_cast<uint8_t*>(credential.data()), credential.size()));
    return written;
  };
  SEALFOLD_RETURN_IF_ERROR(ChangeStore(folder, add).status());
  output.Line(absl::StrCat("access key ", id, " of ", name, " in ", out_path));
  output.Json(JsonText(json({{"access_key_id", id}, {"name", name}, {"file", out_path}})));
  return absl::OkStatus();
}

absl::Status ListCallersCommand(const BrokerFolder& folder, const Output& output) {
  SEALFOLD_ASSIGN_OR_RETURN(const KeyStore store, OpenStore(folder));
  for (const CallerRecord& caller : store.callers()) {
    output.Line(absl::StrCat(caller.access_key_id, " ", caller.name));
    output.Json(JsonText(json({{"access_key_id", caller.access_key_id}, {"name", caller.name}})));
  }
  return absl::OkStatus();
}

}  // namespace sealfold
