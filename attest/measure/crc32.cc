#include "attest/measure/crc32.h"

#include <array>

namespace sealfold {
namespace {

constexpr std::array<uint32_t, 256> MakeTable() {
  std::array<uint32_t, 256> table = {};
  for (uint32_t i = 0; i < table.size(); ++i) {
    uint32_t c = i;
    for (int bit = 0; bit < 8; ++bit) c = (c >> 1) ^ ((c & 1) != 0 ? 0xedb88320u : 0u);
    table[i] = c;
  }
  return table;
}

}  // namespace

uint32_t Crc32(std::initializer_list<ByteSpan> parts) {
  static constexpr std::array<uint32_t, 256> kTable = MakeTable();
  uint32_t state = ~0u;
  for (const ByteSpan part : parts) {
    for (const uint8_t byte : part) state = kTable[(state ^ byte) & 0xff] ^ (state >> 8);
  }
  return ~state;
}

}  // namespace sealfold
