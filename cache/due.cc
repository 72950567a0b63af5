#include "cache/due.h"

#include <limits>

#include "cache/record.h"

namespace verifyd {
namespace {

constexpr uint64_t kSign = uint64_t{1} << 63;

void Add(std::vector<Due>& dues, DueKind kind, absl::Time when, absl::string_view key) {
  if (when == absl::InfiniteFuture()) return;
  dues.push_back({.kind = kind, .when = when, .key = std::string(key)});
}

}  // namespace

std::string Due::Encode() const {
  const uint64_t time = static_cast<uint64_t>(absl::ToUnixNanos(when)) ^ kSign;
  std::string out;
  out.reserve(kOverhead + key.size());
  out.push_back(static_cast<char>(kind));
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(time >> shift & 0xff));
  return out + key;
}

std::optional<Due> Due::Decode(absl::string_view bytes) {
  if (bytes.size() < kOverhead) return std::nullopt;
  const auto kind = static_cast<DueKind>(bytes[0]);
  if (kind != DueKind::kProbe && kind != DueKind::kRecordExpiry && kind != DueKind::kDomainExpiry &&
      kind != DueKind::kDestinationExpiry && kind != DueKind::kBreakerExpiry) {
    return std::nullopt;
  }
  uint64_t time = 0;
  for (size_t i = 1; i < kOverhead; ++i) time = time << 8 | static_cast<uint8_t>(bytes[i]);
  const auto nanos = static_cast<int64_t>(time ^ kSign);
  return Due{.kind = kind,
             .when = nanos == std::numeric_limits<int64_t>::min() ? absl::InfinitePast() : absl::FromUnixNanos(nanos),
             .key = std::string(bytes.substr(kOverhead))};
}

std::vector<Due> DuesOf(StoreTable table, absl::string_view key, absl::string_view value, const Lifetimes& lifetimes) {
  std::vector<Due> dues;
  switch (table) {
    case StoreTable::kRecords:
      if (const auto record = DecodeRecord(value); record.ok()) {
        Add(dues, DueKind::kRecordExpiry, KeptUntil(*record, lifetimes), key);
        if (record->on_agenda()) Add(dues, DueKind::kProbe, record->next_probe, key);
      }
      break;
    case StoreTable::kDomains:
      if (const auto fact = DecodeDomainFact(key, value); fact.ok()) {
        Add(dues, DueKind::kDomainExpiry, ExpiryOf(*fact, lifetimes), key);
      }
      break;
    case StoreTable::kDestinations:
      if (const auto state = DecodeDestinationState(key, value); state.ok()) {
        Add(dues, DueKind::kDestinationExpiry, ExpiryOf(*state, lifetimes), key);
      }
      break;
    case StoreTable::kBreakers:
      if (const auto breaker = DecodeDomainBreaker(key, value); breaker.ok()) {
        Add(dues, DueKind::kBreakerExpiry, ExpiryOf(*breaker, lifetimes), key);
      }
      break;
    case StoreTable::kPins:
      break;
  }
  return dues;
}

}  // namespace verifyd
