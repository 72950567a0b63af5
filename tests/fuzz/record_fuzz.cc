// Values of the store: whatever the bytes, decoding does not read beyond them, and an accepted value has only this one
// encoding. The first byte chooses how the rest is taken: as it is (hardly anything passes the checksum), or as fields
// to which head and checksum are added.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/string_view.h"
#include "cache/due.h"
#include "cache/lifetime.h"
#include "cache/record.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace verifyd {
namespace {

void Check(bool holds) {
  if (!holds) std::abort();
}

std::string Seal(char tag, absl::string_view fields) {
  std::string bytes = std::string(1, tag) + '\x01' + std::string(fields);
  const auto checksum = static_cast<uint32_t>(XXH3_64bits(bytes.data(), bytes.size()));
  for (int shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<char>(checksum >> shift & 0xff));
  return bytes;
}

void CheckValue(absl::string_view bytes) {
  const Lifetimes lifetimes;
  int accepted = 0;
  if (const auto record = DecodeRecord(bytes); record.ok()) {
    ++accepted;
    Check(EncodeRecord(*record) == bytes);
    Check(record->history.size() <= Record::kMaxHistory);
    Check(record->finding.text.size() <= Finding::kMaxText);
    (void)FreshnessOf(*record, lifetimes, absl::FromUnixSeconds(1700000000));
    for (const Due& due : DuesOf(StoreTable::kRecords, "k", bytes, lifetimes)) {
      // Do not compare the time: one that does not fit into 64 bits of nanoseconds becomes the last one in the index.
      const std::string entry = due.Encode();
      const auto decoded = Due::Decode(entry);
      Check(decoded.has_value() && decoded->Encode() == entry && decoded->key == due.key);
    }
  }
  if (const auto fact = DecodeDomainFact("example.com", bytes); fact.ok()) {
    ++accepted;
    Check(EncodeDomainFact(*fact) == bytes);
    (void)FreshnessOf(*fact, lifetimes, absl::FromUnixSeconds(1700000000));
  }
  if (const auto state = DecodeDestinationState("mx", bytes); state.ok()) {
    ++accepted;
    Check(EncodeDestinationState(*state) == bytes);
  }
  if (const auto breaker = DecodeDomainBreaker(DomainBreakerKey("mx", "example.com"), bytes); breaker.ok()) {
    ++accepted;
    Check(EncodeDomainBreaker(*breaker) == bytes);
  }
  if (const auto pin = DecodePin(bytes); pin.ok()) {
    ++accepted;
    Check(EncodePin(*pin) == bytes);
  }
  Check(accepted <= 1);
}

}  // namespace
}  // namespace verifyd

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const absl::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  const char tag = static_cast<char>(data[0]);
  if (tag == 'r' || tag == 'd' || tag == 't' || tag == 'p') {
    verifyd::CheckValue(verifyd::Seal(tag, rest));
  } else {
    verifyd::CheckValue(rest);
    (void)verifyd::Due::Decode(rest);
  }
  return 0;
}
