#include "participant-client/memory/earlier_runs.h"

#include <filesystem>
#include <system_error>

#include "participant-client/memory/memory_store.h"
#include "protocol/cbor/fields.h"
#include "protocol/program/program.h"

namespace sealfold {

bool SeenInAnotherRun(const std::string& state_dir, const Digest& plan,
                      const SigningPublicKey& identity) {
  std::error_code error;
  std::filesystem::directory_iterator each(state_dir, error);
  for (; !error && each != std::filesystem::directory_iterator(); each.increment(error)) {
    const absl::StatusOr<std::string> content =
        ReadFile((each->path() / "memory.cbor").string(), kMemoryBytesMax);
    if (!content.ok()) continue;
    const absl::StatusOr<Memory> memory = cbor::DecodeFields<Memory>(AsBytes(*content));
    if (memory.ok() && memory->plan != plan && memory->seen.has_value() &&
        memory->seen->identity == identity) {
      return true;
    }
  }
  return false;
}

}  // namespace sealfold
