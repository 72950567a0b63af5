#include "cache/eviction.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "cache/record.h"
#include "tests/cache/samples.h"
#include "tests/status_matchers.h"

namespace verifyd {
namespace {

Record NegativeRecord(absl::Time when) {
  Record record{.finding = NegativeFinding(when), .first_seen = when, .negative_since = when};
  record.history.push_back({.when = when, .deliverability = Deliverability::kUndeliverable});
  return record;
}

class EvictionTest : public testing::Test {
 protected:
  // Puts one group, as the writer commits it, and returns how many entries went.
  size_t Put(const std::vector<std::pair<std::string, Record>>& records) {
    size_t gone = 0;
    EXPECT_THAT(store_->Write([&](Store::Changes& changes) -> absl::Status {
      Eviction::Group group;
      for (const auto& [key, record] : records) {
        RETURN_IF_ERROR(changes.Put(StoreTable::kRecords, key, EncodeRecord(record), lifetimes_));
        group.keys.emplace_back(key);
        if (record.last_positive != absl::InfinitePast()) ++group.positives;
      }
      ASSIGN_OR_RETURN(gone, eviction_.Run(changes, bounds_, group, lifetimes_, now_));
      return absl::OkStatus();
    }),
                IsOk());
    return gone;
  }
  size_t Put(const std::string& key, const Record& record) { return Put({{key, record}}); }
  // Puts negatives of addresses that nobody has asked about before, a second apart, one in a group.
  void Attack(int addresses) {
    for (int i = 0; i < addresses; ++i, now_ += absl::Seconds(1)) {
      Put(absl::StrCat("guess", guesses_++, "@example.com"), NegativeRecord(now_));
    }
  }
  bool Has(const std::string& key) {
    return store_->Find(StoreTable::kRecords, key, [](absl::string_view) {}).value();
  }
  uint64_t Records() { return store_->Usage()->records; }

  TemporaryFolder folder_;
  std::unique_ptr<Store> store_ = *Store::Open(folder_.file(), SampleTime());
  absl::Time now_ = SampleTime();
  Lifetimes lifetimes_;
  Bounds bounds_{.entries = 100};
  Asked asked_;
  Eviction eviction_{asked_};
  int guesses_ = 0;
};

TEST_F(EvictionTest, WithoutABoundEverythingStays) {
  bounds_ = {};
  Attack(500);
  EXPECT_EQ(Records(), 500U);
}

TEST_F(EvictionTest, AnAttackNeverPushesOutAPositive) {
  for (int i = 0; i < 60; ++i) Put(absl::StrCat("user", i), PositiveRecord(now_));
  Attack(2000);
  EXPECT_EQ(Records(), 100U);
  for (int i = 0; i < 60; ++i) EXPECT_TRUE(Has(absl::StrCat("user", i))) << i;
}

TEST_F(EvictionTest, AnAttackNeverPushesOutAPositiveThatExpiresBeforeIt) {
  lifetimes_.positive_expire = absl::Hours(4);
  lifetimes_.stale = absl::ZeroDuration();
  lifetimes_.former_user = absl::ZeroDuration();
  for (int i = 0; i < 60; ++i) Put(absl::StrCat("user", i), PositiveRecord(now_));
  Attack(2000);
  EXPECT_EQ(Records(), 100U);
  for (int i = 0; i < 60; ++i) EXPECT_TRUE(Has(absl::StrCat("user", i))) << i;
}

TEST_F(EvictionTest, AFullStoreOfPositivesDoesNotGrowByNegatives) {
  for (int i = 0; i < 100; ++i) Put(absl::StrCat("user", i), PositiveRecord(now_));
  Attack(200);
  EXPECT_EQ(Records(), 100U);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(Has(absl::StrCat("user", i))) << i;
}

TEST_F(EvictionTest, ANegativeThatIsAskedAgainOutlivesThoseThatAreNot) {
  Put("gone@example.com", NegativeRecord(now_));
  asked_.Note("gone@example.com");
  Attack(2000);
  EXPECT_EQ(Records(), 100U);
  EXPECT_TRUE(Has("gone@example.com"));
}

TEST_F(EvictionTest, ANegativeThatWasProbedTwiceOutlivesThoseThatWereNot) {
  Record record = NegativeRecord(now_);
  record.history.push_back(record.history.front());
  Put("gone@example.com", record);
  Attack(2000);
  EXPECT_TRUE(Has("gone@example.com"));
}

TEST_F(EvictionTest, WhereAllAreAskedAgainEachHasASecondTurnAndThenGoes) {
  for (int i = 0; i < 300; ++i, now_ += absl::Seconds(1)) {
    const std::string key = absl::StrCat("asked", i);
    Put(key, NegativeRecord(now_));
    asked_.Note(key);
  }
  EXPECT_EQ(Records(), 100U);
}

TEST_F(EvictionTest, APositiveMakesRoomForItselfAmongNegatives) {
  Attack(100);
  for (int i = 0; i < 70; ++i, now_ += absl::Seconds(1)) Put(absl::StrCat("user", i), PositiveRecord(now_));
  EXPECT_EQ(Records(), 100U);
  for (int i = 0; i < 70; ++i) EXPECT_TRUE(Has(absl::StrCat("user", i))) << i;
}

TEST_F(EvictionTest, PositivesLeaveATenthToNegativesThatAreAskedAgain) {
  for (int i = 0; i < 500; ++i, now_ += absl::Seconds(1)) {
    Put(absl::StrCat("user", i), PositiveRecord(now_));
    const std::string gone = absl::StrCat("gone", i % 9);
    if (!Has(gone)) Put(gone, NegativeRecord(now_));
    asked_.Note(gone);
  }
  EXPECT_EQ(Records(), 100U);
  int kept = 0;
  for (int i = 0; i < 9; ++i) kept += Has(absl::StrCat("gone", i)) ? 1 : 0;
  EXPECT_GE(kept, 8);
}

TEST_F(EvictionTest, APositiveThatNobodyAsksForMakesRoomForANewOne) {
  for (int i = 0; i < 100; ++i, now_ += absl::Seconds(1)) {
    Put(absl::StrCat("user", i), PositiveRecord(now_));
    if (i < 50) asked_.Note(absl::StrCat("user", i));
  }
  for (int i = 100; i < 140; ++i, now_ += absl::Seconds(1)) Put(absl::StrCat("user", i), PositiveRecord(now_));
  EXPECT_EQ(Records(), 100U);
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(Has(absl::StrCat("user", i))) << i;
  for (int i = 100; i < 140; ++i) EXPECT_TRUE(Has(absl::StrCat("user", i))) << i;
}

TEST_F(EvictionTest, WhatHasExpiredGoesFirst) {
  for (int i = 0; i < 50; ++i) Put(absl::StrCat("former", i), PositiveRecord(now_));
  now_ += 91 * kDay;
  for (int i = 0; i < 50; ++i) Put(absl::StrCat("user", i), PositiveRecord(now_));
  Put("new", NegativeRecord(now_));
  EXPECT_TRUE(Has("new"));
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(Has(absl::StrCat("user", i))) << i;
}

TEST_F(EvictionTest, ABoundThatWasLoweredIsReachedInSteps) {
  bounds_ = {};
  std::vector<std::pair<std::string, Record>> users;
  users.reserve(3000);
  for (int i = 0; i < 3000; ++i) users.emplace_back(absl::StrCat("user", i), PositiveRecord(now_));
  Put(users);
  bounds_ = {.entries = 100};
  for (int i = 0; i < 5; ++i) Put("one", PositiveRecord(now_));
  EXPECT_EQ(Records(), 100U);
}

TEST_F(EvictionTest, ByBytesTheFileStopsGrowing) {
  bounds_ = {.bytes = uint64_t{1} << 20};
  std::vector<std::pair<std::string, Record>> group;
  for (int i = 0; i < 20000; ++i) {
    group.emplace_back(absl::StrCat("guess", i, "@example.com"), NegativeRecord(now_ + absl::Milliseconds(i)));
    if (group.size() < 500) continue;
    Put(group);
    group.clear();
  }
  EXPECT_LE(store_->Usage()->used_bytes, uint64_t{12} << 17);
  EXPECT_GT(Records(), 1000U);
}

TEST_F(EvictionTest, DomainsHaveABoundOfTheirOwn) {
  for (int i = 0; i < 300; ++i) {
    EXPECT_THAT(store_->Write([&](Store::Changes& changes) -> absl::Status {
      DomainFact fact = FullDomainFact();
      fact.domain = absl::StrCat("random", i, ".example");
      RETURN_IF_ERROR(changes.Put(StoreTable::kDomains, fact.domain, EncodeDomainFact(fact), lifetimes_));
      return eviction_.Run(changes, bounds_, {}, lifetimes_, now_).status();
    }),
                IsOk());
  }
  EXPECT_EQ(store_->Usage()->domains, 100U);
}

TEST_F(EvictionTest, ADamagedValueGoesFirst) {
  Put("damaged", PositiveRecord(now_));
  EXPECT_THAT(store_->Write([&](Store::Changes& changes) -> absl::Status {
    std::string value = EncodeRecord(PositiveRecord(now_));
    value.back() ^= 1;
    RETURN_IF_ERROR(changes.Put(StoreTable::kRecords, "damaged", value, lifetimes_));
    return changes.PutDue({.kind = DueKind::kRecordExpiry, .when = now_, .key = "damaged"});
  }),
              IsOk());
  for (int i = 0; i < 100; ++i) Put(absl::StrCat("user", i), PositiveRecord(now_));
  EXPECT_FALSE(Has("damaged"));
}

}  // namespace
}  // namespace verifyd
