#include "attest/measure/eif/eif.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "attest/measure/crc32.h"
#include "protocol/base/byte_reader.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr absl::string_view kMagic = ".eif";
constexpr uint16_t kVersionMin = 2;  // the first with a CRC
constexpr uint16_t kVersionMax = 4;
constexpr uint16_t kFlagArm64 = 1;
constexpr size_t kCrcOffset = kEifHeaderSize - sizeof(uint32_t);
constexpr size_t kSectionHeaderSize = 12;

struct Header {
  uint64_t offsets[kEifSectionsMax] = {};
  uint64_t sizes[kEifSectionsMax] = {};
  uint16_t sections = 0;
  uint32_t crc = 0;
};

absl::Status Malformed(absl::string_view part, absl::string_view what, std::string expected,
                       std::string found) {
  return BadInput({.code = absl::StrCat("eif_", part),
                   .what = absl::StrCat("enclave image's ", what),
                   .expected = std::move(expected),
                   .found = std::move(found),
                   .advice = "give a whole Enclave Image File"});
}

absl::StatusOr<Header> ReadHeader(ByteReader& reader, EifImage& image) {
  if (AsText(reader.Take(kMagic.size())) != kMagic) {
    return Malformed("header", "magic", "\".eif\"", "another beginning, or a file too short");
  }
  Header header;
  image.version = reader.U16();
  const uint16_t flags = reader.U16();
  image.arm64 = flags == kFlagArm64;
  image.default_memory_bytes = reader.U64();
  image.default_cpus = reader.U64();
  const uint16_t reserved = reader.U16();
  header.sections = reader.U16();
  for (uint64_t& offset : header.offsets) offset = reader.U64();
  for (uint64_t& size : header.sizes) size = reader.U64();
  const uint32_t unused = reader.U32();
  header.crc = reader.U32();
  if (!reader.ok()) {
    return Malformed("header", "header", absl::StrCat(kEifHeaderSize, " bytes"), "a shorter file");
  }
  if (image.version < kVersionMin || image.version > kVersionMax) {
    return Malformed("header", "version", absl::StrCat(kVersionMin, " to ", kVersionMax),
                     absl::StrCat(image.version));
  }
  if (flags > kFlagArm64 || reserved != 0 || unused != 0) {
    return Malformed("header", "flags and unused fields", "0, or 1 in flags", "something else");
  }
  if (header.sections == 0 || header.sections > kEifSectionsMax) {
    return Malformed("header", "number of sections", absl::StrCat("1 to ", kEifSectionsMax),
                     absl::StrCat(header.sections));
  }
  return header;
}

absl::StatusOr<EifSection> ReadSection(ByteReader& reader, const Header& header, size_t index,
                                       uint64_t position) {
  const std::string what = absl::StrCat("section ", index);
  const uint16_t type = reader.U16();
  const uint16_t flags = reader.U16();
  const uint64_t size = reader.U64();
  const ByteSpan data = reader.Take(size);
  if (!reader.ok()) {
    return Malformed("section", what, "one that ends within the file",
                     absl::StrCat("a size of ", size, " bytes at byte ", position));
  }
  if (type < static_cast<uint16_t>(EifSectionType::kKernel) ||
      type > static_cast<uint16_t>(EifSectionType::kMetadata) || flags != 0) {
    return Malformed("section", what, "a type from 1 to 5, without flags",
                     absl::StrCat("type ", type, ", flags ", flags));
  }
  if (header.offsets[index] != position || header.sizes[index] != size) {
    return Malformed(
        "section", what, absl::StrCat(size, " bytes at byte ", position, ", as the file goes on"),
        absl::StrCat(header.sizes[index], " at ", header.offsets[index], " in the header"));
  }
  return EifSection{static_cast<EifSectionType>(type), data};
}

size_t Count(const EifImage& image, EifSectionType type) {
  return static_cast<size_t>(
      std::count_if(image.sections.begin(), image.sections.end(),
                    [type](const EifSection& section) { return section.type == type; }));
}

absl::Status CheckSections(const EifImage& image) {
  const size_t kernels = Count(image, EifSectionType::kKernel);
  const size_t command_lines = Count(image, EifSectionType::kCommandLine);
  const size_t ramdisks = Count(image, EifSectionType::kRamdisk);
  const size_t signatures = Count(image, EifSectionType::kSignature);
  const size_t metadata = Count(image, EifSectionType::kMetadata);
  if (kernels == 1 && command_lines == 1 && ramdisks >= 1 && signatures <= 1 && metadata <= 1) {
    return absl::OkStatus();
  }
  return Malformed("section", "sections",
                   "one kernel, one command line, at least one ramdisk, at most one signature and "
                   "one metadata",
                   absl::StrCat(kernels, ", ", command_lines, ", ", ramdisks, ", ", signatures,
                                " and ", metadata, " of them"));
}

}  // namespace

uint32_t EifCrc(ByteSpan file) {
  SEALFOLD_CHECK(file.size() >= kEifHeaderSize);
  return Crc32({file.first(kCrcOffset), file.subspan(kEifHeaderSize)});
}

absl::StatusOr<EifImage> ParseEif(ByteSpan file) {
  EifImage image;
  ByteReader reader(file, ByteReader::Order::kBigEndian);
  SEALFOLD_ASSIGN_OR_RETURN(const Header header, ReadHeader(reader, image));
  uint64_t position = kEifHeaderSize;
  for (size_t i = 0; i < header.sections; ++i) {
    SEALFOLD_ASSIGN_OR_RETURN(EifSection section, ReadSection(reader, header, i, position));
    position += kSectionHeaderSize + section.data.size();
    image.sections.push_back(section);
  }
  for (size_t i = header.sections; i < kEifSectionsMax; ++i) {
    if (header.offsets[i] != 0 || header.sizes[i] != 0) {
      return Malformed("header", "table of sections", "zeros after the last section",
                       absl::StrCat("an entry ", i));
    }
  }
  if (reader.left() != 0) {
    return Malformed("section", "end", "nothing after the last section",
                     absl::StrCat(reader.left(), " bytes"));
  }
  SEALFOLD_RETURN_IF_ERROR(CheckSections(image));
  if (const uint32_t crc = EifCrc(file); crc != header.crc) {
    return Malformed("crc", "CRC-32", absl::StrCat(absl::Hex(crc, absl::kZeroPad8)),
                     absl::StrCat(absl::Hex(header.crc, absl::kZeroPad8), ": a damaged file"));
  }
  return image;
}

}  // namespace sealfold
