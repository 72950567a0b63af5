#include "cache/lifetime.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/cache/samples.h"

namespace verifyd {
namespace {

constexpr absl::Duration kTick = absl::Nanoseconds(1);

Record RecordOf(Reason reason, Deliverability deliverability) {
  Record record;
  record.finding.reason = reason;
  record.finding.deliverability = deliverability;
  record.finding.when = SampleTime();
  return record;
}

TEST(LifetimeTest, EachClassOfRecordIsRefreshedAndExpiresInItsTime) {
  struct Row {
    Reason reason;
    Deliverability deliverability;
    absl::Duration refresh;
    absl::Duration expire;
  };
  const std::vector<Row> rows = {
      {Reason::kAccepted, Deliverability::kDeliverable, 7 * kDay, 31 * kDay},
      {Reason::kCatchAll, Deliverability::kDeliverable, 7 * kDay, 31 * kDay},
      {Reason::kCatchAll, Deliverability::kRisky, 7 * kDay, 7 * kDay},
      {Reason::kCatchAllInconsistent, Deliverability::kRisky, absl::Hours(1), absl::Hours(1)},
      {Reason::kAcceptedUnverified, Deliverability::kRisky, absl::Hours(3), kDay},
      {Reason::kNoSuchUser, Deliverability::kUndeliverable, absl::Hours(3), 3 * kDay},
      {Reason::kMailboxFullPermanent, Deliverability::kUndeliverable, absl::Hours(1), absl::Hours(3)},
      {Reason::kNoSuchDomain, Deliverability::kUndeliverable, absl::Hours(3), absl::Hours(3)},
      {Reason::kConnectTimeout, Deliverability::kUnknown, absl::Minutes(5), absl::Hours(1)},
      {Reason::kGreylisted, Deliverability::kUnknown, absl::Minutes(5), absl::Hours(1)},
      {Reason::kBlockedIp, Deliverability::kUnknown, absl::Minutes(5), absl::Hours(1)},
      // Imported, without a reason.
      {Reason::kNone, Deliverability::kDeliverable, 7 * kDay, 31 * kDay},
      {Reason::kNone, Deliverability::kUndeliverable, absl::Hours(3), 3 * kDay},
      {Reason::kNone, Deliverability::kUnknown, absl::Minutes(5), absl::Hours(1)},
  };
  const Lifetimes lifetimes;
  for (const Row& row : rows) {
    SCOPED_TRACE(static_cast<int>(row.reason));
    const Record record = RecordOf(row.reason, row.deliverability);
    const absl::Time made = SampleTime();
    EXPECT_EQ(FreshnessOf(record, lifetimes, made), Freshness::kFresh);
    // Strict, as in Postfix: at the very time it is not due yet.
    EXPECT_EQ(FreshnessOf(record, lifetimes, made + row.refresh), Freshness::kFresh);
    EXPECT_EQ(FreshnessOf(record, lifetimes, made + row.refresh + kTick),
              row.refresh < row.expire ? Freshness::kRefresh : Freshness::kExpired);
    EXPECT_NE(FreshnessOf(record, lifetimes, made + row.expire), Freshness::kExpired);
    EXPECT_EQ(FreshnessOf(record, lifetimes, made + row.expire + kTick), Freshness::kExpired);
    EXPECT_EQ(ExpiryOf(record, lifetimes), made + row.expire);
  }
}

TEST(LifetimeTest, APlannedProbeSaysWhenARecordIsDueForRefresh) {
  const Lifetimes lifetimes;
  Record record = PositiveRecord(SampleTime());
  record.next_probe = SampleTime() + absl::Hours(1);
  EXPECT_EQ(FreshnessOf(record, lifetimes, record.next_probe - kTick), Freshness::kFresh);
  EXPECT_EQ(FreshnessOf(record, lifetimes, record.next_probe), Freshness::kRefresh);
  record.next_probe = SampleTime() + 8 * kDay;
  EXPECT_EQ(FreshnessOf(record, lifetimes, record.next_probe - kTick), Freshness::kFresh);
  EXPECT_EQ(FreshnessOf(record, lifetimes, SampleTime() + 31 * kDay + kTick), Freshness::kExpired);
}

TEST(LifetimeTest, AnExpiredPositiveIsStaleWhileItsNextProbeWaits) {
  const Lifetimes lifetimes;
  Record record = PositiveRecord(SampleTime());
  const absl::Time end = SampleTime() + 31 * kDay + lifetimes.stale;
  record.next_probe = end + absl::Hours(1);
  EXPECT_EQ(FreshnessOf(record, lifetimes, SampleTime() + 31 * kDay + kTick), Freshness::kStale);
  EXPECT_EQ(FreshnessOf(record, lifetimes, end), Freshness::kStale);
  EXPECT_EQ(FreshnessOf(record, lifetimes, end + kTick), Freshness::kExpired);
  record.next_probe = SampleTime() + 32 * kDay;
  EXPECT_EQ(FreshnessOf(record, lifetimes, record.next_probe), Freshness::kExpired);
  Record negative = record;
  negative.finding = NegativeFinding(SampleTime());
  EXPECT_EQ(FreshnessOf(negative, lifetimes, SampleTime() + 3 * kDay + kTick), Freshness::kExpired);
}

TEST(LifetimeTest, ASecondLookComesAfterGrowingPauses) {
  const Lifetimes lifetimes;
  Record record;
  record.finding = NegativeFinding(SampleTime());
  const PastFinding refused = {.when = SampleTime(), .deliverability = Deliverability::kUndeliverable};
  const absl::Duration pauses[] = {absl::Minutes(5), absl::Minutes(30), absl::Hours(3), absl::Hours(3)};
  for (const absl::Duration pause : pauses) {
    record.history.insert(record.history.begin(), refused);
    EXPECT_EQ(SecondLookOf(record, lifetimes), SampleTime() + pause);
  }
  // The planned next probe is waited for.
  record.next_probe = SampleTime() + absl::Hours(4);
  EXPECT_EQ(SecondLookOf(record, lifetimes), record.next_probe);
  record.next_probe = absl::InfiniteFuture();
  // An answer of another kind in between starts the pauses again.
  record.history = {refused, {.deliverability = Deliverability::kUnknown}, refused, refused};
  EXPECT_EQ(SecondLookOf(record, lifetimes), SampleTime() + absl::Minutes(5));
}

TEST(LifetimeTest, NothingNewIsExpectedOfSomeNegatives) {
  Lifetimes lifetimes;
  Record record;
  record.finding = NegativeFinding(SampleTime());
  record.finding.reason = Reason::kBadAddressSyntax;
  EXPECT_EQ(SecondLookOf(record, lifetimes), absl::InfiniteFuture());
  record.finding = NegativeFinding(SampleTime());
  record.finding.scope = Scope::kDomain;
  EXPECT_EQ(SecondLookOf(record, lifetimes), absl::InfiniteFuture());
  EXPECT_EQ(SecondLookOf(PositiveRecord(SampleTime()), lifetimes), absl::InfiniteFuture());
  lifetimes.second_look = absl::ZeroDuration();
  record.finding = NegativeFinding(SampleTime());
  EXPECT_EQ(SecondLookOf(record, lifetimes), absl::InfiniteFuture());
}

TEST(LifetimeTest, AFormerUserHasADayOfGrace) {
  const Lifetimes lifetimes;
  Record record;
  record.finding = NegativeFinding(SampleTime());
  record.negative_since = SampleTime() - absl::Hours(1);
  EXPECT_EQ(GraceOf(record, lifetimes), absl::InfinitePast());
  record.last_positive = SampleTime() - 90 * kDay - absl::Hours(1);
  EXPECT_EQ(GraceOf(record, lifetimes), record.negative_since + kDay);
  record.last_positive -= kTick;
  EXPECT_EQ(GraceOf(record, lifetimes), absl::InfinitePast());
}

TEST(LifetimeTest, ARecordIsKeptLongerThanItIsBelievedWhereItsPastMatters) {
  const Lifetimes lifetimes;
  Record negative;
  negative.finding = NegativeFinding(SampleTime());
  EXPECT_EQ(KeptUntil(negative, lifetimes), SampleTime() + 3 * kDay);
  negative.last_positive = SampleTime() - kDay;
  EXPECT_EQ(KeptUntil(negative, lifetimes), SampleTime() + 89 * kDay);
  Record temporary;
  temporary.finding = TemporaryFinding(SampleTime());
  temporary.temporary_count = 1;
  EXPECT_EQ(KeptUntil(temporary, lifetimes), SampleTime() + 2 * kDay);
  Record positive;
  positive.finding = PositiveFinding(SampleTime());
  EXPECT_EQ(KeptUntil(positive, lifetimes), SampleTime() + 38 * kDay);
  EXPECT_EQ(KeptUntil(Record(), lifetimes), absl::InfinitePast());
}

TEST(LifetimeTest, ARecordFromTheFutureIsServedAndSoonProbedAgain) {
  const Lifetimes lifetimes;
  Record record = PositiveRecord(SampleTime());
  EXPECT_EQ(FreshnessOf(record, lifetimes, SampleTime() - absl::Hours(1)), Freshness::kFresh);
  EXPECT_EQ(FreshnessOf(record, lifetimes, SampleTime() - 7 * kDay - kTick), Freshness::kRefresh);
  EXPECT_EQ(FreshnessOf(record, lifetimes, absl::UnixEpoch()), Freshness::kRefresh);
  // A plan made by the wrong clock holds nothing up.
  record.next_probe = SampleTime() + absl::Hours(1);
  EXPECT_EQ(FreshnessOf(record, lifetimes, absl::UnixEpoch()), Freshness::kRefresh);
}

TEST(LifetimeTest, ARecordThatNeverWasMadeIsExpired) {
  EXPECT_EQ(FreshnessOf(Record(), Lifetimes(), SampleTime()), Freshness::kExpired);
  EXPECT_EQ(FreshnessOf(DomainFact(), Lifetimes(), SampleTime()), Freshness::kExpired);
}

TEST(LifetimeTest, ANegativeDomainFactLivesAsLongAsDnsSaysWithinLimits) {
  const Lifetimes lifetimes;
  DomainFact fact = FullDomainFact();
  const absl::Time made = fact.finding.when;
  fact.ttl = absl::Minutes(30);
  EXPECT_EQ(ExpiryOf(fact, lifetimes), made + absl::Minutes(30));
  EXPECT_EQ(FreshnessOf(fact, lifetimes, made + absl::Minutes(30)), Freshness::kFresh);
  EXPECT_EQ(FreshnessOf(fact, lifetimes, made + absl::Minutes(30) + kTick), Freshness::kExpired);
  fact.ttl = absl::ZeroDuration();
  EXPECT_EQ(ExpiryOf(fact, lifetimes), made + absl::Minutes(5));
  fact.ttl = absl::InfiniteDuration();
  EXPECT_EQ(ExpiryOf(fact, lifetimes), made + absl::Hours(3));
}

TEST(LifetimeTest, ACatchAllFactLivesAWeekUnlessNothingCouldBeTold) {
  const Lifetimes lifetimes;
  DomainFact fact;
  fact.catch_all_when = SampleTime();
  fact.catch_all = CatchAll::kNo;
  EXPECT_EQ(ExpiryOf(fact, lifetimes), SampleTime() + 7 * kDay);
  fact.catch_all = CatchAll::kCouldNotTell;
  EXPECT_EQ(ExpiryOf(fact, lifetimes), SampleTime() + absl::Hours(1));
  fact.finding = {.deliverability = Deliverability::kRisky, .reason = Reason::kCatchAll, .when = SampleTime()};
  EXPECT_EQ(ExpiryOf(fact, lifetimes), SampleTime() + 7 * kDay);
  fact.finding.reason = Reason::kCatchAllInconsistent;
  EXPECT_EQ(ExpiryOf(fact, lifetimes), SampleTime() + absl::Hours(1));
}

TEST(LifetimeTest, ADestinationIsForgottenLongAfterTheLastThingThatHappened) {
  EXPECT_EQ(ExpiryOf(FullDestinationState(), Lifetimes()), SampleTime() + absl::Hours(4) + 31 * kDay);
  EXPECT_EQ(ExpiryOf(DestinationState(), Lifetimes()), absl::InfinitePast());
}

TEST(LifetimeTest, ADoubtOfADestinationIsNeverForgottenAndOneOfADomainThereIs) {
  DestinationState state;
  state.trust = {.doubt = Doubt::kManyRefused, .doubted_since = SampleTime(), .why = "it refuses many"};
  EXPECT_EQ(ExpiryOf(state, Lifetimes()), absl::InfiniteFuture());
  EXPECT_EQ(ExpiryOf(DomainBreaker{.trust = state.trust}, Lifetimes()), SampleTime() + 31 * kDay);
}

}  // namespace
}  // namespace verifyd
