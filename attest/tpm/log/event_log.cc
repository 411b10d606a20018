#include "attest/tpm/log/event_log.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "attest/tpm/structure/tpm_hash.h"
#include "attest/tpm/tpm_registers.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr uint32_t kNoAction = 0x00000003;
constexpr size_t kSha1Size = 20;
constexpr size_t kAlgorithmsMax = 8;
constexpr size_t kDigestSizeMax = 64;
constexpr size_t kTextMax = 80;
constexpr absl::string_view kSpecId("Spec ID Event03\0", 16);
constexpr absl::string_view kStartupLocality("StartupLocality\0", 16);

constexpr std::pair<uint32_t, const char*> kTypes[] = {
    {0x00000000, "EV_PREBOOT_CERT"},
    {0x00000001, "EV_POST_CODE"},
    {0x00000003, "EV_NO_ACTION"},
    {0x00000004, "EV_SEPARATOR"},
    {0x00000005, "EV_ACTION"},
    {0x00000006, "EV_EVENT_TAG"},
    {0x00000007, "EV_S_CRTM_CONTENTS"},
    {0x00000008, "EV_S_CRTM_VERSION"},
    {0x00000009, "EV_CPU_MICROCODE"},
    {0x0000000a, "EV_PLATFORM_CONFIG_FLAGS"},
    {0x0000000b, "EV_TABLE_OF_DEVICES"},
    {0x0000000c, "EV_COMPACT_HASH"},
    {0x0000000d, "EV_IPL"},
    {0x0000000e, "EV_IPL_PARTITION_DATA"},
    {0x0000000f, "EV_NONHOST_CODE"},
    {0x00000010, "EV_NONHOST_CONFIG"},
    {0x00000011, "EV_NONHOST_INFO"},
    {0x00000012, "EV_OMIT_BOOT_DEVICE_EVENTS"},
    {0x80000001, "EV_EFI_VARIABLE_DRIVER_CONFIG"},
    {0x80000002, "EV_EFI_VARIABLE_BOOT"},
    {0x80000003, "EV_EFI_BOOT_SERVICES_APPLICATION"},
    {0x80000004, "EV_EFI_BOOT_SERVICES_DRIVER"},
    {0x80000005, "EV_EFI_RUNTIME_SERVICES_DRIVER"},
    {0x80000006, "EV_EFI_GPT_EVENT"},
    {0x80000007, "EV_EFI_ACTION"},
    {0x80000008, "EV_EFI_PLATFORM_FIRMWARE_BLOB"},
    {0x80000009, "EV_EFI_HANDOFF_TABLES"},
    {0x8000000a, "EV_EFI_PLATFORM_FIRMWARE_BLOB2"},
    {0x8000000b, "EV_EFI_HANDOFF_TABLES2"},
    {0x8000000c, "EV_EFI_VARIABLE_BOOT2"},
    {0x80000010, "EV_EFI_HCRTM_EVENT"},
    {0x800000e0, "EV_EFI_VARIABLE_AUTHORITY"},
    {0x800000e1, "EV_EFI_SPDM_FIRMWARE_BLOB"},
    {0x800000e2, "EV_EFI_SPDM_FIRMWARE_CONFIG"},
};

absl::Status Malformed(absl::string_view code, absl::string_view what, std::string expected,
                       std::string found) {
  return BadInput({.code = absl::StrCat("event_log_", code),
                   .what = absl::StrCat("event log's ", what),
                   .expected = std::move(expected),
                   .found = std::move(found)});
}

// Little-endian, and like TpmReader: cannot run over, zero or empty after the first violation.
class LogReader {
 public:
  explicit LogReader(ByteSpan bytes) : rest_(bytes), size_(bytes.size()) {}

  uint32_t Integer(size_t size) {
    uint32_t value = 0;
    const ByteSpan bytes = Take(size);
    for (size_t i = bytes.size(); i > 0; --i) value = value << 8 | bytes[i - 1];
    return value;
  }
  ByteSpan Take(size_t size) {
    if (size > rest_.size()) {
      over_ = true;
      rest_ = {};
      return {};
    }
    const ByteSpan taken = rest_.first(size);
    rest_.remove_prefix(size);
    return taken;
  }
  bool over() const { return over_; }
  bool at_end() const { return rest_.empty(); }
  size_t position() const { return size_ - rest_.size(); }

 private:
  ByteSpan rest_;
  size_t size_;
  bool over_ = false;
};

using Algorithms = std::map<uint16_t, size_t>;  // TPM_ALG_ID -> digest size

// TCG_EfiSpecIDEvent: which banks the events have digests for.
absl::StatusOr<Algorithms> ReadSpecId(ByteSpan data) {
  LogReader reader(data);
  const absl::string_view signature = AsText(reader.Take(kSpecId.size()));
  if (signature != kSpecId) {
    return Malformed("spec_id", "first event", "Spec ID Event03", "another");
  }
  reader.Take(8);  // platform class, versions, size of UINTN
  const uint32_t count = reader.Integer(4);
  if (count == 0 || count > kAlgorithmsMax) {
    return Malformed("spec_id", "banks", absl::StrCat("1 to ", kAlgorithmsMax),
                     absl::StrCat(count));
  }
  Algorithms algorithms;
  for (uint32_t i = 0; i < count; ++i) {
    const auto alg = static_cast<uint16_t>(reader.Integer(2));
    const size_t size = reader.Integer(2);
    const size_t known = TpmHashSize(alg);
    if (size == 0 || size > kDigestSizeMax || (known != 0 && known != size) ||
        !algorithms.emplace(alg, size).second) {
      return Malformed("spec_id", "banks", "each once, with its digest's size",
                       absl::StrCat("algorithm 0x", absl::Hex(alg), ", ", size, " bytes"));
    }
  }
  reader.Take(reader.Integer(1));  // vendor's information
  if (reader.over() || !reader.at_end()) {
    return Malformed("spec_id", "first event", "its stated size", "another");
  }
  return algorithms;
}

// The digest for `bank` of a TPML_DIGEST_VALUES with one digest for each algorithm.
absl::StatusOr<Bytes> ReadDigests(LogReader& reader, const Algorithms& algorithms, uint16_t bank,
                                  size_t number) {
  const std::string what = absl::StrCat("event ", number, ", digests");
  const uint32_t count = reader.Integer(4);
  if (count != algorithms.size()) {
    return Malformed("digests", what, absl::StrCat(algorithms.size()), absl::StrCat(count));
  }
  std::map<uint16_t, Bytes> digests;
  for (uint32_t i = 0; i < count; ++i) {
    const auto alg = static_cast<uint16_t>(reader.Integer(2));
    const auto entry = algorithms.find(alg);
    if (entry == algorithms.end() || digests.count(alg) > 0) {
      return Malformed("digests", what, "one of each bank",
                       absl::StrCat("algorithm 0x", absl::Hex(alg)));
    }
    digests[alg] = ToBytes(reader.Take(entry->second));
  }
  return std::move(digests[bank]);
}

}  // namespace

bool TpmEvent::extends() const { return type != kNoAction; }

std::string TpmEvent::Describe() const {
  const auto* entry = std::find_if(std::begin(kTypes), std::end(kTypes),
                                   [&](const auto& known) { return known.first == type; });
  std::string text = absl::StrCat("event ", number, ", ");
  if (entry == std::end(kTypes)) {
    absl::StrAppend(&text, "type 0x", absl::Hex(type));
  } else {
    absl::StrAppend(&text, entry->second);
  }
  // UTF-16 as firmware writes it reads well without its zero bytes.
  std::string readable;
  for (uint8_t byte : data) {
    if (byte >= ' ' && byte <= '~' && readable.size() < kTextMax) {
      readable.push_back(static_cast<char>(byte));
    }
  }
  if (readable.size() >= 4) absl::StrAppend(&text, ", \"", readable, "\"");
  return text;
}

absl::StatusOr<EventLog> ParseEventLog(ByteSpan bytes, uint16_t bank) {
  if (bytes.size() > kEventLogSizeMax) {
    return Malformed("too_large", "size", absl::StrCat("at most ", kEventLogSizeMax, " bytes"),
                     absl::StrCat(bytes.size()));
  }
  LogReader reader(bytes);
  const uint32_t first_register = reader.Integer(4);
  const uint32_t first_type = reader.Integer(4);
  reader.Take(kSha1Size);
  const ByteSpan first = reader.Take(reader.Integer(4));
  if (reader.over() || first_register != 0 || first_type != kNoAction) {
    return Malformed("spec_id", "first event", "a Spec ID event of the crypto-agile form",
                     "another, or none");
  }
  SEALFOLD_ASSIGN_OR_RETURN(const Algorithms algorithms, ReadSpecId(first));
  if (algorithms.count(bank) == 0 || TpmHashSize(bank) == 0) {
    return Malformed("bank", "banks", "the quote's", "others only");
  }
  EventLog log{.bank = bank};
  while (!reader.at_end()) {
    TpmEvent event{.number = log.events.size() + 1};
    event.register_index = reader.Integer(4);
    event.type = reader.Integer(4);
    SEALFOLD_ASSIGN_OR_RETURN(event.digest, ReadDigests(reader, algorithms, bank, event.number));
    event.data = ToBytes(reader.Take(reader.Integer(4)));
    if (reader.over()) {
      return Malformed("truncated", absl::StrCat("event ", event.number), "all of its bytes",
                       "the log's end");
    }
    if (event.register_index >= kTpmRegisters) {
      return Malformed("register", absl::StrCat("event ", event.number),
                       absl::StrCat("a register below ", kTpmRegisters),
                       absl::StrCat(event.register_index));
    }
    if (!event.extends() && event.data.size() == kStartupLocality.size() + 1 &&
        AsText(event.data).substr(0, kStartupLocality.size()) == kStartupLocality) {
      log.startup_locality = event.data.back();
    }
    log.events.push_back(std::move(event));
  }
  return log;
}

std::map<uint32_t, Bytes> ReplayEventLog(const EventLog& log) {
  std::map<uint32_t, Bytes> registers;
  for (const TpmEvent& event : log.events) {
    if (!event.extends()) continue;
    auto [entry, fresh] = registers.try_emplace(event.register_index, TpmHashSize(log.bank));
    if (fresh && event.register_index == 0) entry->second.back() = log.startup_locality;
    entry->second = TpmHash(log.bank, {entry->second, event.digest});
  }
  return registers;
}

}  // namespace sealfold
