#include "cache/merge.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/skipped_time.h"
#include "tests/cache/samples.h"

namespace verifyd {
namespace {

enum Said { kYes, kNo, kLater, kPerhaps, kNoDomain };

Finding FindingOf(Said said, absl::Time when) {
  switch (said) {
    case kYes:
      return PositiveFinding(when);
    case kNo:
      return NegativeFinding(when);
    case kLater:
      return TemporaryFinding(when);
    case kPerhaps: {
      Finding finding = TemporaryFinding(when);
      finding.deliverability = Deliverability::kRisky;
      finding.reason = Reason::kMailboxFull;
      finding.scope = Scope::kAddress;
      return finding;
    }
    case kNoDomain: {
      Finding finding = NegativeFinding(when);
      finding.reason = Reason::kNoSuchDomain;
      finding.scope = Scope::kDomain;
      return finding;
    }
  }
  return {};
}

struct Step {
  absl::Duration at;
  Said said;
};

Record Play(const std::vector<Step>& steps) {
  std::optional<Record> record;
  for (const Step& step : steps) record = Merge(record, FindingOf(step.said, SampleTime() + step.at), Lifetimes());
  return *record;
}

TEST(MergeTest, WhatStandsAfterASeriesOfFindings) {
  struct Row {
    const char* what;
    std::vector<Step> steps;
    Deliverability standing;
    bool pending = false;
  };
  using enum Deliverability;
  const absl::Duration s = absl::Seconds(1);
  const absl::Duration h = absl::Hours(1);
  const std::vector<Row> rows = {
      {"the first finding stands", {{0 * s, kNo}}, kUndeliverable},
      {"a temporary one, too", {{0 * s, kLater}}, kUnknown},
      {"definite replaces temporary", {{0 * s, kLater}, {1 * s, kNo}}, kUndeliverable},
      {"temporary never overwrites a live negative", {{0 * s, kNo}, {1 * h, kLater}}, kUndeliverable},
      {"temporary never overwrites a live positive", {{0 * s, kYes}, {1 * h, kLater}}, kDeliverable},
      {"risky never overwrites a live positive", {{0 * s, kYes}, {1 * h, kPerhaps}}, kDeliverable},
      {"risky replaces temporary", {{0 * s, kLater}, {1 * s, kPerhaps}}, kRisky},
      {"temporary never overwrites a live risky", {{0 * s, kPerhaps}, {1 * s, kLater}}, kRisky},
      {"a negative replaces a risky one", {{0 * s, kPerhaps}, {1 * s, kNo}}, kUndeliverable},
      {"a positive overturns a negative at once", {{0 * s, kNo}, {1 * s, kYes}}, kDeliverable},
      {"one negative is pending", {{0 * s, kYes}, {1 * h, kNo}}, kDeliverable, true},
      {"a second one within the hour, too", {{0 * s, kYes}, {1 * s, kNo}, {1 * h, kNo}}, kDeliverable, true},
      {"after the hour it overturns", {{0 * s, kYes}, {1 * s, kNo}, {1 * h + 1 * s, kNo}}, kUndeliverable},
      {"a temporary one in between changes nothing",
       {{0 * s, kYes}, {1 * s, kNo}, {1 * h, kLater}, {2 * h, kNo}},
       kUndeliverable},
      {"a positive in between clears it",
       {{0 * s, kYes}, {1 * s, kNo}, {1 * h, kYes}, {2 * h, kNo}},
       kDeliverable,
       true},
      {"a pending one that is too old is no evidence",
       {{0 * s, kYes}, {1 * s, kNo}, {4 * kDay, kNo}},
       kDeliverable,
       true},
      {"one from a clock that was set back is no evidence",
       {{0 * s, kYes}, {5 * h, kNo}, {2 * h, kNo}},
       kDeliverable,
       true},
      {"a negative about the domain does not overturn",
       {{0 * s, kYes}, {1 * s, kNoDomain}, {2 * h, kNoDomain}},
       kDeliverable},
      {"but is the first finding", {{0 * s, kNoDomain}}, kUndeliverable},
      {"an expired positive is no evidence", {{0 * s, kYes}, {32 * kDay, kNo}}, kUndeliverable},
      {"an expired negative neither", {{0 * s, kNo}, {4 * kDay, kLater}}, kUnknown},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    const Record record = Play(row.steps);
    EXPECT_EQ(record.finding.deliverability, row.standing);
    EXPECT_EQ(record.pending.has_value(), row.pending);
    EXPECT_EQ(record.first_seen, SampleTime());
    ASSERT_EQ(record.history.size(), std::min<size_t>(row.steps.size(), 4));
    EXPECT_EQ(record.history.front().when, SampleTime() + row.steps.back().at);
  }
}

TEST(MergeTest, TheStandingFindingKeepsItsTimeAgainstWhatIsWeaker) {
  const Record record = Play({{absl::ZeroDuration(), kYes}, {absl::Hours(2), kLater}});
  EXPECT_EQ(record.finding, PositiveFinding(SampleTime()));
  EXPECT_EQ(record.next_probe, SampleTime() + absl::Hours(2) + absl::Minutes(5));
}

TEST(MergeTest, ASecondOpinionIsPlannedForWhenItCounts) {
  EXPECT_EQ(Play({{absl::ZeroDuration(), kYes}, {absl::Hours(2), kNo}}).next_probe, SampleTime() + absl::Hours(3));
  EXPECT_EQ(Play({{absl::ZeroDuration(), kYes}, {absl::Hours(2), kNo}, {absl::Hours(2), kLater}}).next_probe,
            SampleTime() + absl::Hours(3));
  EXPECT_EQ(Play({{absl::ZeroDuration(), kYes}, {absl::Hours(2), kNo}, {absl::Hours(3), kNo}}).next_probe,
            absl::InfiniteFuture());
}

TEST(MergeTest, ASecondOpinionThatIsNotToBeHadIsNotAskedForForEver) {
  const absl::Duration h = absl::Hours(1);
  const Record soon = Play({{0 * h, kYes}, {1 * h, kNo}, {70 * h, kLater}});
  EXPECT_TRUE(soon.pending.has_value());
  const Record late = Play({{0 * h, kYes}, {1 * h, kNo}, {75 * h, kLater}});
  EXPECT_FALSE(late.pending.has_value());
  EXPECT_FALSE(late.on_agenda());
  EXPECT_EQ(late.finding.deliverability, Deliverability::kDeliverable);
}

TEST(MergeTest, CountsTemporaryAnswersUntilADefiniteOne) {
  Record record = Play({{absl::ZeroDuration(), kLater}, {absl::Hours(5), kLater}, {absl::Hours(6), kLater}});
  EXPECT_EQ(record.first_temporary, SampleTime());
  EXPECT_EQ(record.temporary_count, 3U);
  record.retry_identity = {.sender = "s", .helo = "h"};
  record = Merge(record, NegativeFinding(SampleTime() + absl::Hours(7)), Lifetimes());
  EXPECT_EQ(record.first_temporary, absl::InfinitePast());
  EXPECT_EQ(record.temporary_count, 0U);
  EXPECT_FALSE(record.retry_identity.has_value());
}

TEST(MergeTest, RemembersTheLastPositiveAndFourFindings) {
  const Record record = Play({{absl::ZeroDuration(), kYes},
                              {absl::Hours(1), kYes},
                              {absl::Hours(2), kLater},
                              {absl::Hours(3), kNo},
                              {absl::Hours(4), kNo}});
  EXPECT_EQ(record.last_positive, SampleTime() + absl::Hours(1));
  ASSERT_EQ(record.history.size(), 4U);
  EXPECT_EQ(record.history[0].deliverability, Deliverability::kUndeliverable);
  EXPECT_EQ(record.history[2].reason, Reason::kConnectTimeout);
  EXPECT_EQ(record.history[3].when, SampleTime() + absl::Hours(1));
}

TEST(MergeTest, AnExpiredPositiveStandsWhileNothingBetterIsHad) {
  const Record record = Play({{absl::ZeroDuration(), kYes}, {32 * kDay, kLater}});
  EXPECT_EQ(record.finding.deliverability, Deliverability::kDeliverable);
  EXPECT_EQ(record.next_probe, SampleTime() + 32 * kDay + absl::Minutes(5));
  EXPECT_EQ(Play({{absl::ZeroDuration(), kYes}, {39 * kDay, kLater}}).finding.deliverability, Deliverability::kUnknown);
}

TEST(MergeTest, KnowsSinceWhenAnAddressIsRefused) {
  const absl::Duration h = absl::Hours(1);
  EXPECT_EQ(Play({{0 * h, kYes}, {1 * h, kNo}}).negative_since, absl::InfinitePast());
  EXPECT_EQ(Play({{0 * h, kYes}, {1 * h, kNo}, {3 * h, kNo}, {5 * h, kNo}}).negative_since, SampleTime() + 3 * h);
  // A second refusal after the first has expired is still the same refusal.
  EXPECT_EQ(Play({{0 * h, kNo}, {100 * h, kNo}}).negative_since, SampleTime());
  EXPECT_EQ(Play({{0 * h, kNo}, {1 * h, kYes}}).negative_since, absl::InfinitePast());
}

DomainFact NoSuchDomain(absl::Time when) {
  DomainFact fact = FullDomainFact();
  fact.finding.when = when;
  return fact;
}

TEST(MergeFactTest, OneAnswerOfDnsDoesNotMakeALivingDomainDisappear) {
  const Lifetimes lifetimes;
  const absl::Time now = SampleTime();
  DomainFact alive;
  alive.domain = "example.org";
  alive.alive = now;
  DomainFact fact = MergeFact(alive, NoSuchDomain(now + absl::Hours(1)), lifetimes, now + absl::Hours(1));
  EXPECT_FALSE(fact.decides());
  ASSERT_TRUE(fact.pending.has_value());
  fact = MergeFact(fact, NoSuchDomain(now + absl::Minutes(119)), lifetimes, now + absl::Minutes(119));
  EXPECT_FALSE(fact.decides());
  EXPECT_EQ(fact.pending->when, now + absl::Hours(1));
  EXPECT_TRUE(MergeFact(fact, NoSuchDomain(now + absl::Hours(2)), lifetimes, now + absl::Hours(2)).decides());
  // Its servers talk to us again, so the first answer is no evidence any more.
  alive.alive = now + absl::Minutes(90);
  fact = MergeFact(fact, alive, lifetimes, alive.alive);
  EXPECT_FALSE(fact.pending.has_value());
  EXPECT_FALSE(MergeFact(fact, NoSuchDomain(now + absl::Hours(2)), lifetimes, now + absl::Hours(2)).decides());
}

TEST(MergeFactTest, ADomainThatWasNeverOrLongNotAliveGoesAtOnce) {
  const Lifetimes lifetimes;
  const absl::Time now = SampleTime();
  EXPECT_TRUE(MergeFact(std::nullopt, NoSuchDomain(now), lifetimes, now).decides());
  DomainFact alive;
  alive.domain = "example.org";
  alive.alive = now - 8 * kDay;
  EXPECT_TRUE(MergeFact(alive, NoSuchDomain(now), lifetimes, now).decides());
}

TEST(MergeFactTest, WhatIsKnownOfCatchAllIsKept) {
  DomainFact held;
  held.catch_all = CatchAll::kNo;
  held.catch_all_when = SampleTime();
  DomainFact alive;
  alive.alive = SampleTime();
  EXPECT_EQ(MergeFact(held, alive, Lifetimes(), SampleTime()).catch_all, CatchAll::kNo);
}

TEST(MergeTest, TwoNegativesInAMinuteOverturnedWhenTheWallClockJumpedInBetween) {
  ManualClock clock;
  SkippedTime skipped;
  skipped.Observe(clock);
  Record record = Merge(PositiveRecord(clock.Now() - absl::Hours(1)), NegativeFinding(clock.Now()), {}, skipped);
  clock.SetWall(clock.Now() + absl::Minutes(62));
  clock.Advance(absl::Minutes(1));
  skipped.Observe(clock);
  record = Merge(record, NegativeFinding(clock.Now()), {}, skipped);
  EXPECT_EQ(record.finding.deliverability, Deliverability::kDeliverable);
  // Not at once, which would be for ever.
  EXPECT_EQ(record.next_probe, clock.Now() + absl::Minutes(59));
  clock.Advance(absl::Minutes(59));
  skipped.Observe(clock);
  record = Merge(record, NegativeFinding(clock.Now()), {}, skipped);
  EXPECT_EQ(record.finding.deliverability, Deliverability::kUndeliverable);
}

TEST(MergeFactTest, TwoNegativesInAMinuteWereEnoughWhenTheWallClockJumpedInBetween) {
  ManualClock clock;
  SkippedTime skipped;
  skipped.Observe(clock);
  DomainFact fact;
  fact.domain = "example.org";
  fact.alive = clock.Now();
  fact = MergeFact(fact, NoSuchDomain(clock.Now()), {}, clock.Now(), skipped);
  clock.SetWall(clock.Now() + 8 * kDay);
  clock.Advance(absl::Minutes(1));
  skipped.Observe(clock);
  EXPECT_FALSE(MergeFact(fact, NoSuchDomain(clock.Now()), {}, clock.Now(), skipped).decides());
}

TEST(MergeTest, WithoutAnOverturnTimeOneNegativeIsEnough) {
  Lifetimes lifetimes;
  lifetimes.overturn = absl::ZeroDuration();
  const Record record =
      Merge(PositiveRecord(SampleTime()), NegativeFinding(SampleTime() + absl::Seconds(1)), lifetimes);
  EXPECT_EQ(record.finding.deliverability, Deliverability::kUndeliverable);
}

}  // namespace
}  // namespace verifyd
