#include "cache/merge.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "tests/cache/samples.h"

namespace verifyd {
namespace {

constexpr absl::Duration kDay = absl::Hours(24);

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

TEST(MergeTest, WithoutAnOverturnTimeOneNegativeIsEnough) {
  Lifetimes lifetimes;
  lifetimes.overturn = absl::ZeroDuration();
  const Record record =
      Merge(PositiveRecord(SampleTime()), NegativeFinding(SampleTime() + absl::Seconds(1)), lifetimes);
  EXPECT_EQ(record.finding.deliverability, Deliverability::kUndeliverable);
}

}  // namespace
}  // namespace verifyd
