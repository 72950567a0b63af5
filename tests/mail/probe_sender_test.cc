#include "mail/probe_sender.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/status_matchers.h"

namespace verifyd {
namespace {

ProbeSender Make(absl::string_view base, int ttl_seconds = 0) {
  absl::StatusOr<ProbeSender> sender = ProbeSender::Create(base, "t.example", absl::Seconds(ttl_seconds));
  EXPECT_THAT(sender, IsOk());
  return *std::move(sender);
}

absl::Time At(int64_t seconds) { return absl::FromUnixSeconds(seconds); }

TEST(ProbeSenderTest, AgreesWithPostfixOnTheWorkedNumbers) {
  const struct {
    int ttl;
    int64_t now;
    uint64_t slot;
    std::string before, code, after;
  } cases[] = {
      {12600, 1700000000, 134920, "4JD7", "4JD8", "4JD9"},
      {12600, 1700012600, 134921, "4JD8", "4JD9", "4JDB"},  // no vowels
      {3600, 1700000000, 472222, "HVCY", "HVCZ", "HVD0"},
      {14523, 1766000000, 121600, "42JK", "42JL", "42JM"},
  };
  for (const auto& c : cases) {
    const ProbeSender sender = Make("double-bounce", c.ttl);
    EXPECT_EQ(ProbeSender::EncodeSlot(c.slot), c.code);
    EXPECT_EQ(sender.At(At(c.now)), "double-bounce" + c.code + "@t.example");
    for (const std::string& code : {c.before, c.code, c.after}) {
      EXPECT_TRUE(sender.IsOurs("double-bounce" + code + "@t.example", At(c.now))) << code;
    }
    for (const uint64_t slot : {c.slot - 2, c.slot + 2}) {
      EXPECT_FALSE(sender.IsOurs("double-bounce" + ProbeSender::EncodeSlot(slot) + "@t.example", At(c.now))) << slot;
    }
  }
}

TEST(ProbeSenderTest, IsAcceptedOneSlotEarlyAndOneSlotLate) {
  const ProbeSender sender = Make("double-bounce", 12600);
  for (const auto& [slot, ours] :
       {std::pair(134918, false), {134919, true}, {134920, true}, {134921, true}, {134922, false}}) {
    const absl::Time start = At(int64_t{slot} * 12600);
    EXPECT_EQ(sender.IsOurs("double-bounce4JD8@t.example", start), ours) << slot;
    EXPECT_EQ(sender.IsOurs("double-bounce4JD8@t.example", start + absl::Seconds(12599)), ours) << slot;
  }
}

TEST(ProbeSenderTest, EncodesSlots) {
  EXPECT_EQ(ProbeSender::EncodeSlot(0), "");
  EXPECT_EQ(ProbeSender::EncodeSlot(1), "1");
  EXPECT_EQ(ProbeSender::EncodeSlot(10), "B");
  EXPECT_EQ(ProbeSender::EncodeSlot(30), "Z");
  EXPECT_EQ(ProbeSender::EncodeSlot(31), "10");
}

TEST(ProbeSenderTest, ComparesTheBaseWithoutCaseAndTheCodeWithIt) {
  const ProbeSender sender = Make("Probe@T.Example", 12600);
  const absl::Time now = At(1700000000);
  EXPECT_EQ(sender.At(now), "Probe4JD8@t.example");
  EXPECT_TRUE(sender.IsOurs("pRoBe4JD8@t.EXAMPLE", now));
  EXPECT_FALSE(sender.IsOurs("Probe4jd8@t.example", now));
  EXPECT_FALSE(sender.IsOurs("Probe4JD8@u.example", now));
}

TEST(ProbeSenderTest, AcceptsNothingBesidesTheCode) {
  const ProbeSender sender = Make("probe", 12600);
  const absl::Time now = At(1700000000);
  EXPECT_TRUE(sender.IsOurs("probe04JD8@t.example", now));  // a leading zero changes no number
  for (const absl::string_view address :
       {"probe@t.example", "probe4JD8x@t.example", "probe-4JD8@t.example", "probe4JA8@t.example",
        "probe+4JD8@t.example", "probe4JD8", "prob@t.example", "xprobe4JD8@t.example", "", "@t.example", "probe4JD8@",
        "pro@be4JD8@t.example", "probe4JD8@t.example@t.example", "probeZZZZZZZZZZZZZZZZZZZZ@t.example"}) {
    EXPECT_FALSE(sender.IsOurs(address, now)) << address;
  }
}

TEST(ProbeSenderTest, StandsStillWithoutALifetime) {
  const ProbeSender sender = Make("double-bounce");
  EXPECT_EQ(sender.At(At(1700000000)), "double-bounce@t.example");
  EXPECT_TRUE(sender.IsOurs("Double-Bounce@T.example", At(0)));
  EXPECT_FALSE(sender.IsOurs("double-bounce4JD8@t.example", At(1700000000)));
}

TEST(ProbeSenderTest, KeepsItsOwnDomain) { EXPECT_EQ(Make("probe@mx.example").At(At(0)), "probe@mx.example"); }

TEST(ProbeSenderTest, HasNoCodeInTheFirstSlot) {
  const ProbeSender sender = Make("probe", 3600);
  EXPECT_EQ(sender.At(At(3599)), "probe@t.example");
  EXPECT_EQ(sender.At(At(-1)), "probe@t.example");
  EXPECT_TRUE(sender.IsOurs("probe@t.example", At(3600)));
  EXPECT_TRUE(sender.IsOurs("probe1@t.example", At(0)));
  EXPECT_FALSE(sender.IsOurs("probe@t.example", At(7200)));
}

TEST(ProbeSenderTest, IsNeverOursWhenItIsTheNullSender) {
  for (const absl::string_view base : {"", "<>"}) {
    const ProbeSender sender = Make(base, 3600);
    EXPECT_EQ(sender.At(At(1700000000)), "");
    EXPECT_FALSE(sender.IsOurs("", At(0)));
    EXPECT_FALSE(sender.IsOurs("@", At(0)));
    EXPECT_FALSE(sender.IsOurs("<>", At(0)));
    EXPECT_FALSE(sender.IsOurs("HVCZ@t.example", At(1700000000)));
  }
}

TEST(ProbeSenderTest, IsQuotedWhereItMustBe) { EXPECT_EQ(Make("our probe@x").At(At(0)), "\"our probe\"@x"); }

TEST(ProbeSenderTest, RefusesABaseThatCanNotBeASender) {
  const absl::Duration off = absl::ZeroDuration();
  EXPECT_THAT(ProbeSender::Create("@x", "t.example", off), FailsWith("probe sender \"@x\": begins or ends with @"));
  EXPECT_THAT(ProbeSender::Create("probe@", "t.example", off), FailsWith("begins or ends with @"));
  EXPECT_THAT(ProbeSender::Create("probe", "", off), FailsWith("expected a domain"));
  EXPECT_THAT(ProbeSender::Create("probe", "t..example", off), FailsWith("byte 8: found \".\""));
  EXPECT_THAT(ProbeSender::Create("pro\nbe", "t.example", off), FailsWith("probe sender \"pro?be\": byte 3"));
  EXPECT_THAT(ProbeSender::Create("probe", "t.example", absl::Milliseconds(1500)),
              FailsWith("whole number of seconds"));
  EXPECT_THAT(ProbeSender::Create("probe", "t.example", absl::Seconds(-1)), FailsWith("whole number of seconds"));
  EXPECT_THAT(ProbeSender::Create(std::string(60, 'a'), "t.example", off), IsOk());
  EXPECT_THAT(ProbeSender::Create(std::string(60, 'a'), "t.example", absl::Seconds(1)),
              FailsWith("too long with a code"));
  EXPECT_THAT(ProbeSender::Create(std::string(65, 'a'), "t.example", off),
              FailsWith("too long: found 65 octets of a local part, 75 of an address, expected at most 64 and 254"));
}

}  // namespace
}  // namespace verifyd
