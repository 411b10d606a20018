#include "attest/measure/uki/pe.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/base/byte_reader.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

// Offsets and sizes of Microsoft's PE format; within the optional header, those of PE32+.
constexpr size_t kLfanewOffset = 0x3c;
constexpr size_t kCoffHeaderSize = 20;
constexpr uint16_t kMagicPe32Plus = 0x20b;
constexpr size_t kHeadersSizeOffset = 60;
constexpr size_t kChecksumOffset = 64;
constexpr size_t kDirectoriesCountOffset = 108;
constexpr size_t kCertificateEntryOffset = 144;  // the fifth of the data directories
constexpr size_t kDirectoryEntrySize = 8;
constexpr uint32_t kCertificateDirectory = 4;
constexpr size_t kSectionNameSize = 8;

absl::Status Malformed(absl::string_view what, std::string expected, std::string found) {
  return BadInput({.code = "pe_malformed",
                   .what = absl::StrCat("UEFI program, ", what),
                   .expected = std::move(expected),
                   .found = std::move(found),
                   .advice = "give a whole UEFI program, such as a Unified Kernel Image"});
}

// A reader from `offset` on; one that has nothing where that is beyond the end.
ByteReader At(ByteSpan bytes, size_t offset) {
  return ByteReader(bytes.subspan(std::min(offset, bytes.size())),
                    ByteReader::Order::kLittleEndian);
}

absl::StatusOr<PeSection> ReadSection(ByteReader& reader, ByteSpan file) {
  PeSection section;
  const absl::string_view name = AsText(reader.Take(kSectionNameSize));
  section.name = std::string(name.substr(0, name.find('\0')));
  section.memory_size = reader.U32();
  section.memory_offset = reader.U32();
  const uint32_t raw_size = reader.U32();
  const uint32_t raw_offset = reader.U32();
  reader.Take(16);  // relocations, line numbers, flags
  if (!reader.ok()) return Malformed("section table", "one within the file", "a shorter file");
  if (raw_size == 0) return section;
  if (raw_offset > file.size() || raw_size > file.size() - raw_offset) {
    return Malformed("section", "one within the file",
                     absl::StrCat(raw_size, " bytes at byte ", raw_offset));
  }
  section.raw = file.subspan(raw_offset, raw_size);
  return section;
}

absl::Status ReadCertificateTable(ByteReader entry, PeImage& image) {
  const uint32_t offset = entry.U32();
  const uint32_t size = entry.U32();
  if (size == 0 && offset == 0) return absl::OkStatus();
  if (size > image.file.size() || offset != image.file.size() - size ||
      offset < image.headers_size) {
    return Malformed("certificate table", "one at the end of the file",
                     absl::StrCat(size, " bytes at byte ", offset));
  }
  image.certificates = image.file.subspan(offset);
  return absl::OkStatus();
}

// Else a small file could make its digest read much.
absl::Status CheckApart(const std::vector<PeSection>& sections) {
  std::vector<ByteSpan> ranges;
  for (const PeSection& section : sections) {
    if (!section.raw.empty()) ranges.push_back(section.raw);
  }
  std::sort(ranges.begin(), ranges.end(),
            [](ByteSpan a, ByteSpan b) { return a.data() < b.data(); });
  for (size_t i = 1; i < ranges.size(); ++i) {
    if (ranges[i - 1].data() + ranges[i - 1].size() > ranges[i].data()) {
      return Malformed("sections", "bytes of their own for each", "two that share some");
    }
  }
  return absl::OkStatus();
}

}  // namespace

const PeSection* PeImage::Find(absl::string_view name) const {
  auto found = std::find_if(sections.begin(), sections.end(),
                            [name](const PeSection& section) { return section.name == name; });
  return found == sections.end() ? nullptr : &*found;
}

absl::StatusOr<PeImage> ParsePe(ByteSpan file) {
  PeImage image{.file = file};
  if (AsText(file.first(std::min<size_t>(file.size(), 2))) != "MZ") {
    return Malformed("beginning", "\"MZ\"", "something else");
  }
  const size_t header = At(file, kLfanewOffset).U32();
  ByteReader coff = At(file, header);
  if (AsText(coff.Take(4)) != absl::string_view("PE\0\0", 4)) {
    return Malformed("header", "\"PE\"", absl::StrCat("something else at byte ", header));
  }
  coff.U16();  // machine
  const uint16_t sections = coff.U16();
  coff.Take(12);  // time, symbols
  const uint16_t optional_size = coff.U16();
  coff.U16();  // flags
  const size_t optional_offset = header + 4 + kCoffHeaderSize;
  const ByteSpan optional = coff.Take(optional_size);
  if (!coff.ok() || optional.size() < kCertificateEntryOffset + kDirectoryEntrySize ||
      At(optional, 0).U16() != kMagicPe32Plus ||
      At(optional, kDirectoriesCountOffset).U32() <= kCertificateDirectory) {
    return Malformed("optional header", "one of PE32+ with a place for certificates", "another");
  }
  if (sections == 0 || sections > kPeSectionsMax) {
    return Malformed("number of sections", absl::StrCat("1 to ", kPeSectionsMax),
                     absl::StrCat(sections));
  }
  image.headers_size = At(optional, kHeadersSizeOffset).U32();
  image.checksum_offset = optional_offset + kChecksumOffset;
  image.certificate_entry_offset = optional_offset + kCertificateEntryOffset;
  if (image.headers_size > file.size() ||
      image.headers_size < image.certificate_entry_offset + kDirectoryEntrySize) {
    return Malformed("headers", "a size within the file", absl::StrCat(image.headers_size));
  }
  SEALFOLD_RETURN_IF_ERROR(ReadCertificateTable(At(optional, kCertificateEntryOffset), image));
  for (uint16_t i = 0; i < sections; ++i) {
    SEALFOLD_ASSIGN_OR_RETURN(PeSection section, ReadSection(coff, file));
    image.sections.push_back(std::move(section));
  }
  SEALFOLD_RETURN_IF_ERROR(CheckApart(image.sections));
  return image;
}

}  // namespace sealfold
