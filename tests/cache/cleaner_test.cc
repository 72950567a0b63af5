#include "cache/cleaner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "cache/record.h"
#include "tests/cache/samples.h"
#include "tests/status_matchers.h"

namespace verifyd {
namespace {

class CleanerTest : public testing::Test {
 protected:
  void PutRecord(const std::string& key, absl::Time when, const Lifetimes& lifetimes = {}) {
    PutBytes(StoreTable::kRecords, key, EncodeRecord(PositiveRecord(when)), lifetimes);
  }
  void PutBytes(StoreTable table, const std::string& key, const std::string& value, const Lifetimes& lifetimes = {}) {
    ASSERT_THAT(store_->Write([&](Store::Changes& changes) { return changes.Put(table, key, value, lifetimes); }),
                IsOk());
  }
  bool Has(StoreTable table, const std::string& key) {
    return store_->Find(table, key, [](absl::string_view) {}).value_or(false);
  }
  int RunAll(Cleaner& cleaner, absl::Time now, const Lifetimes& lifetimes = {}) {
    int slices = 0;
    cleaner.Begin(now);
    for (; cleaner.running(); ++slices) EXPECT_THAT(cleaner.RunSlice(lifetimes), IsOk());
    return slices;
  }

  TemporaryFolder folder_;
  std::unique_ptr<Store> store_ = *Store::Open(folder_.file(), SampleTime());
  CapturedLog log_;
  absl::Duration day_ = absl::Hours(24);
};

TEST_F(CleanerTest, RemovesWhatHasExpiredAndSaysSoAsPostfixDoes) {
  PutRecord("old", SampleTime());
  PutRecord("just at its end", SampleTime() + day_);
  PutRecord("young", SampleTime() + 2 * day_);
  PutBytes(StoreTable::kDomains, "example.org", EncodeDomainFact(FullDomainFact()));
  PutBytes(StoreTable::kDestinations, "mx:example.com", EncodeDestinationState(FullDestinationState()));
  const DomainBreaker breaker = FullDomainBreaker();
  const std::string breaker_key = DomainBreakerKey(breaker.destination, breaker.domain);
  PutBytes(StoreTable::kBreakers, breaker_key, EncodeDomainBreaker(breaker));
  PutBytes(StoreTable::kPins, "old", EncodePin(FullPin()));
  Cleaner cleaner(*store_, "lmdb:/var/lib/verifyd/verify_cache");
  EXPECT_EQ(RunAll(cleaner, SampleTime() + 91 * day_), 1);
  EXPECT_THAT(log_.lines(),
              testing::ElementsAre(testing::HasSubstr(
                  "cache lmdb:/var/lib/verifyd/verify_cache full cleanup: retained=2 dropped=2 entries")));
  EXPECT_FALSE(Has(StoreTable::kRecords, "old"));
  EXPECT_TRUE(Has(StoreTable::kRecords, "just at its end"));
  EXPECT_TRUE(Has(StoreTable::kRecords, "young"));
  EXPECT_FALSE(Has(StoreTable::kDomains, "example.org"));
  EXPECT_FALSE(Has(StoreTable::kDestinations, "mx:example.com"));
  EXPECT_FALSE(Has(StoreTable::kBreakers, breaker_key));
  EXPECT_TRUE(Has(StoreTable::kPins, "old"));
  const auto last = store_->LastCleanup();
  ASSERT_THAT(last, IsOk());
  EXPECT_EQ(*last, SampleTime() + 91 * day_);
}

TEST_F(CleanerTest, WorksInSlices) {
  for (int i = 0; i < 25; ++i) PutRecord(absl::StrCat("old", i), SampleTime());
  PutRecord("young", SampleTime() + 2 * day_);
  Cleaner cleaner(*store_, "map", 10);
  EXPECT_EQ(RunAll(cleaner, SampleTime() + 91 * day_), 3);
  EXPECT_TRUE(log_.Contains("cache map full cleanup: retained=1 dropped=25 entries"));
}

TEST_F(CleanerTest, ARunThatIsBrokenOffIsPartialAndNotNoted) {
  for (int i = 0; i < 25; ++i) PutRecord(absl::StrCat("old", i), SampleTime());
  Cleaner cleaner(*store_, "map", 10);
  cleaner.Begin(SampleTime() + 91 * day_);
  EXPECT_THAT(cleaner.RunSlice(Lifetimes()), IsOk());
  cleaner.Abandon();
  EXPECT_FALSE(cleaner.running());
  EXPECT_THAT(log_.lines(),
              testing::ElementsAre(testing::HasSubstr("cache map partial cleanup: retained=15 dropped=10 entries")));
  EXPECT_FALSE(store_->LastCleanup()->has_value());
}

TEST_F(CleanerTest, KeepsWhatWasRefreshedBetweenSlices) {
  for (int i = 0; i < 20; ++i) PutRecord(absl::StrCat("old", i), SampleTime());
  Cleaner cleaner(*store_, "map", 10);
  cleaner.Begin(SampleTime() + 91 * day_);
  ASSERT_THAT(cleaner.RunSlice(Lifetimes()), IsOk());
  for (int i = 0; i < 20; ++i) PutRecord(absl::StrCat("old", i), SampleTime() + 91 * day_);
  ASSERT_THAT(cleaner.RunSlice(Lifetimes()), IsOk());
  EXPECT_TRUE(log_.Contains("cache map full cleanup: retained=20 dropped=10 entries"));
}

TEST_F(CleanerTest, GoesByTheLifetimesOfTodayNotByThoseOfTheIndex) {
  Lifetimes brief;
  brief.positive_expire = day_;
  brief.stale = absl::ZeroDuration();
  brief.former_user = day_;
  PutRecord("a", SampleTime(), brief);
  Cleaner cleaner(*store_, "map");
  RunAll(cleaner, SampleTime() + 2 * day_);
  EXPECT_TRUE(Has(StoreTable::kRecords, "a"));
  // Its entry was corrected, so it is not kept for ever.
  RunAll(cleaner, SampleTime() + 91 * day_);
  EXPECT_FALSE(Has(StoreTable::kRecords, "a"));
}

TEST_F(CleanerTest, RemovesADamagedValueWhenItsTimeComes) {
  PutRecord("a", SampleTime());
  ASSERT_THAT(store_->Write([&](Store::Changes& changes) {
    return changes.PutDue({.kind = DueKind::kRecordExpiry, .when = SampleTime(), .key = "b"});
  }),
              IsOk());
  PutBytes(StoreTable::kRecords, "b", "no record");
  Cleaner cleaner(*store_, "map");
  RunAll(cleaner, SampleTime() + day_);
  EXPECT_TRUE(log_.Contains("cache map full cleanup: retained=1 dropped=1 entries"));
  EXPECT_FALSE(Has(StoreTable::kRecords, "b"));
}

TEST(CleanupScheduleTest, CountsFromTheLastCompletedRun) {
  const absl::Time now = SampleTime();
  const absl::Duration interval = absl::Hours(12);
  EXPECT_EQ(UntilCleanup(std::nullopt, interval, now), absl::ZeroDuration());
  EXPECT_EQ(UntilCleanup(now - absl::Hours(2), interval, now), absl::Hours(10));
  EXPECT_EQ(UntilCleanup(now - absl::Hours(13), interval, now), absl::ZeroDuration());
  // The clock was set back.
  EXPECT_EQ(UntilCleanup(now + absl::Hours(100), interval, now), interval);
}

}  // namespace
}  // namespace verifyd
