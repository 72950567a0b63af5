#include "cache/due.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "tests/cache/samples.h"

namespace verifyd {
namespace {

TEST(DueTest, EntriesSortByKindThenTimeThenKey) {
  std::vector<Due> dues;
  for (const DueKind kind : {DueKind::kDomainExpiry, DueKind::kProbe, DueKind::kRecordExpiry}) {
    for (const absl::Time when : {absl::InfinitePast(), absl::FromUnixSeconds(-5), absl::UnixEpoch(), SampleTime(),
                                  SampleTime() + absl::Nanoseconds(1)}) {
      for (const char* key : {"", "a", "b"}) dues.push_back({.kind = kind, .when = when, .key = key});
    }
  }
  std::vector<std::string> encoded;
  for (const Due& due : dues) {
    encoded.push_back(due.Encode());
    EXPECT_EQ(Due::Decode(encoded.back()), due);
  }
  EXPECT_TRUE(std::is_sorted(encoded.begin(), encoded.end()));
}

TEST(DueTest, WhatIsNoEntryIsRefused) {
  EXPECT_FALSE(Due::Decode("").has_value());
  EXPECT_FALSE(Due::Decode("r1234567").has_value());
  EXPECT_FALSE(Due::Decode("x12345678key").has_value());
}

// The fuzzer found this: an expiry does not fit into 64 bits of nanoseconds.
TEST(DueTest, ATimeBeyond2262StillLeadsBackToItsEntry) {
  const Due due = {.when = absl::FromUnixNanos(std::numeric_limits<int64_t>::max()) + absl::Hours(1), .key = "k"};
  const auto decoded = Due::Decode(due.Encode());
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(decoded->Encode(), due.Encode());
}

TEST(DueTest, AValueIsDueWhenItIsNotKeptAnyMoreAndWhenAProbeIsPlanned) {
  const Lifetimes lifetimes;
  const Record record = FullRecord();
  EXPECT_THAT(
      DuesOf(StoreTable::kRecords, "k", EncodeRecord(record), lifetimes),
      testing::ElementsAre(Due{.kind = DueKind::kRecordExpiry, .when = KeptUntil(record, lifetimes), .key = "k"},
                           Due{.kind = DueKind::kProbe, .when = record.next_probe, .key = "k"}));
  EXPECT_EQ(DuesOf(StoreTable::kRecords, "k", EncodeRecord(PositiveRecord(SampleTime())), lifetimes).size(), 1U);
  // A probe that only a question would start has no entry.
  Record refreshed = PositiveRecord(SampleTime());
  refreshed.next_probe = SampleTime() + absl::Minutes(5);
  EXPECT_EQ(DuesOf(StoreTable::kRecords, "k", EncodeRecord(refreshed), lifetimes).size(), 1U);
  EXPECT_EQ(DuesOf(StoreTable::kDomains, "k", EncodeDomainFact(FullDomainFact()), lifetimes).size(), 1U);
  EXPECT_EQ(DuesOf(StoreTable::kDestinations, "k", EncodeDestinationState(FullDestinationState()), lifetimes).size(),
            1U);
  const std::string breaker_key = DomainBreakerKey("mx.example.com", "customer.example");
  EXPECT_EQ(DuesOf(StoreTable::kBreakers, breaker_key, EncodeDomainBreaker(FullDomainBreaker()), lifetimes).size(), 1U);
  EXPECT_EQ(DuesOf(StoreTable::kPins, "k", EncodePin(FullPin()), lifetimes).size(), 0U);
  EXPECT_EQ(DuesOf(StoreTable::kRecords, "k", "damaged", lifetimes).size(), 0U);
}

}  // namespace
}  // namespace verifyd
