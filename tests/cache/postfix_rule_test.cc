#include "cache/postfix_rule.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "tests/cache/samples.h"

namespace verifyd {
namespace {

constexpr absl::Duration kDay = absl::Hours(24);
constexpr absl::Duration kNever = -absl::InfiniteDuration();

// Returns "0:12:34" in verify(8)'s own notation: status, probed so long ago (or "-"), updated so long ago (or "-").
std::string Shown(const Record& record, absl::Time now) {
  const bool known = record.finding.when != absl::InfinitePast();
  std::string status = "TODO";
  if (known) {
    status = record.finding.deliverability == Deliverability::kDeliverable     ? "OK"
             : record.finding.deliverability == Deliverability::kUndeliverable ? "BOUNCE"
                                                                               : "DEFER";
  }
  const bool probed = record.next_probe != absl::InfiniteFuture();
  return status + " probed=" + (probed ? absl::FormatDuration(now - (record.next_probe - kProbeLife)) : "-") +
         " updated=" + (known ? absl::FormatDuration(now - record.finding.when) : "-");
}

Record Held(const Finding& finding, absl::Duration probed_ago) {
  Record record;
  record.finding = finding;
  if (probed_ago != kNever) record.next_probe = SampleTime() - probed_ago + kProbeLife;
  return record;
}

Record Todo(absl::Duration probed_ago) { return Held(Finding(), probed_ago); }

struct Consequence {
  const char* stored;
  std::optional<Record> held;
  std::string reply;
  bool probe;
  std::string after;  // empty: as before
};

std::vector<Consequence> Consequences() {
  const auto ok = [](absl::Duration age) { return PositiveFinding(SampleTime() - age); };
  const auto bounce = [](absl::Duration age) { return NegativeFinding(SampleTime() - age); };
  const auto defer = [](absl::Duration age) { return TemporaryFinding(SampleTime() - age); };
  const absl::Duration s = absl::Seconds(1);
  const absl::Duration h = absl::Hours(1);
  return {
      {"nothing", std::nullopt, "TODO", true, "TODO probed=0 updated=-"},
      {"TODO, probed within 1000 s", Todo(1000 * s), "TODO", false, ""},
      {"TODO, the probe is lost", Todo(1001 * s), "TODO", true, "TODO probed=0 updated=-"},
      {"OK, not due", Held(ok(7 * kDay), kNever), "OK", false, ""},
      {"OK, due", Held(ok(7 * kDay + s), kNever), "OK", true, "OK probed=0 updated=168h1s"},
      {"OK, due, its probe failed long ago", Held(ok(8 * kDay), 1001 * s), "OK", true, "OK probed=0 updated=192h"},
      {"OK, due, probed within 1000 s", Held(ok(8 * kDay), 999 * s), "OK", false, ""},
      {"OK, expired, probed within 1000 s", Held(ok(32 * kDay), 999 * s), "OK", false, ""},
      {"OK, expired", Held(ok(31 * kDay + s), kNever), "TODO", true, "TODO probed=0 updated=-"},
      {"BOUNCE, not due", Held(bounce(3 * h), kNever), "BOUNCE", false, ""},
      {"BOUNCE, due", Held(bounce(3 * h + s), kNever), "BOUNCE", true, "BOUNCE probed=0 updated=3h1s"},
      {"BOUNCE, expired", Held(bounce(3 * kDay + s), kNever), "TODO", true, "TODO probed=0 updated=-"},
      {"DEFER, not due", Held(defer(3 * h), kNever), "DEFER", false, ""},
      {"DEFER, due", Held(defer(4 * h), kNever), "DEFER", true, "DEFER probed=0 updated=4h"},
      {"DEFER, expired", Held(defer(3 * kDay + s), kNever), "TODO", true, "TODO probed=0 updated=-"},
  };
}

TEST(PostfixRuleTest, AQuestionHasTheConsequencesItHasInPostfix) {
  for (const Consequence& row : Consequences()) {
    SCOPED_TRACE(row.stored);
    const PostfixAnswer answer = AskByPostfixRule(row.held, Lifetimes(), /*negative_cache=*/true, SampleTime());
    const std::string reply = answer.finding.has_value() ? Shown(Held(*answer.finding, kNever), SampleTime()) : "TODO ";
    EXPECT_EQ(reply.substr(0, reply.find(' ')), row.reply);
    EXPECT_EQ(answer.probe, row.probe);
    EXPECT_EQ(answer.record.has_value() ? Shown(*answer.record, SampleTime()) : "", row.after);
  }
}

TEST(PostfixRuleTest, WithoutANegativeCacheNothingIsNotedBeforeTheProbe) {
  const PostfixAnswer answer = AskByPostfixRule(std::nullopt, Lifetimes(), /*negative_cache=*/false, SampleTime());
  EXPECT_TRUE(answer.probe);
  EXPECT_FALSE(answer.record.has_value());
}

TEST(PostfixRuleTest, AFailureIsIgnoredWhereAPositiveIsStored) {
  const Record held = Held(PositiveFinding(SampleTime() - 40 * kDay), absl::Seconds(5));
  EXPECT_FALSE(UpdateByPostfixRule(held, NegativeFinding(SampleTime())).has_value());
  EXPECT_FALSE(UpdateByPostfixRule(held, TemporaryFinding(SampleTime())).has_value());
}

TEST(PostfixRuleTest, DeferAndBounceReplaceEachOther) {
  const Record bounced = Held(NegativeFinding(SampleTime() - kDay), kNever);
  const std::optional<Record> after = UpdateByPostfixRule(bounced, TemporaryFinding(SampleTime()));
  ASSERT_TRUE(after.has_value());
  EXPECT_EQ(Shown(*after, SampleTime()), "DEFER probed=- updated=0");
  const std::optional<Record> again = UpdateByPostfixRule(after, NegativeFinding(SampleTime()));
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(Shown(*again, SampleTime()), "BOUNCE probed=- updated=0");
}

TEST(PostfixRuleTest, AnUpdateEndsTheProbe) {
  const std::optional<Record> after = UpdateByPostfixRule(Todo(absl::Seconds(5)), PositiveFinding(SampleTime()));
  ASSERT_TRUE(after.has_value());
  EXPECT_EQ(Shown(*after, SampleTime()), "OK probed=- updated=0");
}

TEST(PostfixRuleTest, TheClassDigitDecidesWhomeverTheReplyIsAbout) {
  Finding blocked = NegativeFinding(SampleTime());
  blocked.deliverability = Deliverability::kUnknown;
  blocked.reason = Reason::kBlockedIp;
  blocked.scope = Scope::kUs;
  EXPECT_EQ(ByClassDigit(blocked).deliverability, Deliverability::kUndeliverable);
  EXPECT_EQ(ByClassDigit(blocked).reason, Reason::kRecipientRefused);
  Finding full = TemporaryFinding(SampleTime());
  full.deliverability = Deliverability::kRisky;
  full.code = 452;
  EXPECT_EQ(ByClassDigit(full).deliverability, Deliverability::kUnknown);
  const Finding unreachable = TemporaryFinding(SampleTime());
  EXPECT_EQ(ByClassDigit(unreachable), unreachable);
}

}  // namespace
}  // namespace verifyd
