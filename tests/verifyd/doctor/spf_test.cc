#include "verifyd/doctor/spf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "tests/scripted_resolver.h"
#include "tests/test_loop.h"

namespace verifyd {
namespace {

using ::testing::HasSubstr;

class SpfTest : public testing::Test {
 protected:
  void Publish(absl::string_view domain, absl::string_view record) {
    resolver_.SetTexts(domain, {std::string(record)});
  }

  SpfVerdict Evaluate(const std::string& client = "11.0.0.1", const std::string& sender = "probe@example.com") {
    return test_.Run(EvaluateSpf(resolver_, {.client = client, .sender = sender, .helo = "gw.example.com"},
                                 test_.clock().Mono() + absl::Seconds(10)));
  }
  SpfResult ResultFor(absl::string_view record, const std::string& client = "11.0.0.1") {
    Publish("example.com", record);
    return Evaluate(client).result;
  }

  TestLoop test_;
  ScriptedResolver resolver_{test_.loop()};
};

TEST_F(SpfTest, WithoutARecordThereIsNoResult) {
  EXPECT_EQ(Evaluate().result, SpfResult::kNone);
  resolver_.SetTexts("example.com", {"v=spf10 -all", "something else"});
  EXPECT_EQ(Evaluate().result, SpfResult::kNone);
}

TEST_F(SpfTest, TwoRecordsAreAnError) {
  resolver_.SetTexts("example.com", {"v=spf1 +all", "V=SPF1"});
  const SpfVerdict verdict = Evaluate();
  EXPECT_EQ(verdict.result, SpfResult::kPermerror);
  EXPECT_THAT(verdict.explanation, HasSubstr("2 SPF records"));
}

TEST_F(SpfTest, AFailureOfDnsIsTemporary) {
  resolver_.Fail("example.com", DnsType::kTxt, DnsStatus::kServfail);
  EXPECT_EQ(Evaluate().result, SpfResult::kTemperror);
  resolver_.Fail("a.example", DnsType::kA, DnsStatus::kTimeout);
  EXPECT_EQ(ResultFor("v=spf1 a:a.example -all"), SpfResult::kTemperror);
}

TEST_F(SpfTest, TheFirstTermThatMatchesDecides) {
  EXPECT_EQ(ResultFor("v=spf1 -all +all"), SpfResult::kFail);
  EXPECT_EQ(ResultFor("v=spf1 ~ALL"), SpfResult::kSoftfail);
  EXPECT_EQ(ResultFor("v=spf1 ?all"), SpfResult::kNeutral);
  EXPECT_EQ(ResultFor("v=spf1 ip4:192.0.2.1"), SpfResult::kNeutral);
  EXPECT_EQ(Evaluate().explanation, "no term of example.com matches");
  EXPECT_EQ(ResultFor("v=spf1 ip4:11.0.0.1 -all"), SpfResult::kPass);
  EXPECT_EQ(Evaluate().explanation, "\"ip4:11.0.0.1\" of example.com");
}

TEST_F(SpfTest, MatchesNetworksOfBothFamilies) {
  EXPECT_EQ(ResultFor("v=spf1 ip4:11.0.0.77/24 -all"), SpfResult::kPass);
  EXPECT_EQ(ResultFor("v=spf1 ip4:11.0.0.77/25 -all", "11.0.0.200"), SpfResult::kFail);
  EXPECT_EQ(ResultFor("v=spf1 ip4:0.0.0.0/0 -all"), SpfResult::kPass);
  EXPECT_EQ(ResultFor("v=spf1 ip4:0.0.0.0/0 -all", "2001:4860::1"), SpfResult::kFail);
  EXPECT_EQ(ResultFor("v=spf1 ip6:2001:4860::/32 -all", "2001:4860::1"), SpfResult::kPass);
  EXPECT_EQ(ResultFor("v=spf1 ip6:::/0 -all"), SpfResult::kFail);
}

TEST_F(SpfTest, MatchesAddressesAndMailServers) {
  resolver_.SetAddresses("example.com", {"11.0.0.1", "2001:4860::1"});
  EXPECT_EQ(ResultFor("v=spf1 a -all"), SpfResult::kPass);
  EXPECT_EQ(ResultFor("v=spf1 a -all", "2001:4860::1"), SpfResult::kPass);
  EXPECT_EQ(ResultFor("v=spf1 a/24 -all", "11.0.0.9"), SpfResult::kPass);
  EXPECT_EQ(ResultFor("v=spf1 a/24//32 -all", "2001:4860::9"), SpfResult::kPass);
  EXPECT_EQ(ResultFor("v=spf1 a -all", "11.0.0.9"), SpfResult::kFail);
  resolver_.SetMx("example.com", {{10, "mx1.example.com"}, {20, "mx2.example.com"}, {30, ""}});
  resolver_.SetAddresses("mx2.example.com", {"11.0.0.2"});
  EXPECT_EQ(ResultFor("v=spf1 mx -all", "11.0.0.2"), SpfResult::kPass);
  EXPECT_EQ(ResultFor("v=spf1 mx:other.example -all", "11.0.0.2"), SpfResult::kFail);
}

TEST_F(SpfTest, MoreThanTenMailServersAreAnError) {
  std::vector<MxRecord> mx;
  for (uint16_t i = 0; i < 11; ++i) mx.push_back({i, absl::StrCat("mx", i, ".example")});
  resolver_.SetMx("example.com", mx);
  EXPECT_EQ(ResultFor("v=spf1 mx -all"), SpfResult::kPermerror);
}

TEST_F(SpfTest, AnIncludeMatchesWhereTheOtherRecordPasses) {
  Publish("pass.example", "v=spf1 ip4:11.0.0.1 -all");
  Publish("fail.example", "v=spf1 -all");
  Publish("broken.example", "v=spf1 nonsense");
  EXPECT_EQ(ResultFor("v=spf1 include:pass.example -all"), SpfResult::kPass);
  EXPECT_EQ(ResultFor("v=spf1 include:fail.example ~all"), SpfResult::kSoftfail);
  EXPECT_EQ(ResultFor("v=spf1 include:broken.example +all"), SpfResult::kPermerror);
  EXPECT_EQ(ResultFor("v=spf1 include:absent.example +all"), SpfResult::kPermerror);
}

TEST_F(SpfTest, ARedirectCountsWhereNothingMatches) {
  Publish("other.example", "v=spf1 ip4:11.0.0.1 -all");
  EXPECT_EQ(ResultFor("v=spf1 redirect=other.example"), SpfResult::kPass);
  EXPECT_EQ(ResultFor("v=spf1 redirect=other.example ?all"), SpfResult::kNeutral);
  EXPECT_EQ(ResultFor("v=spf1 redirect=absent.example"), SpfResult::kPermerror);
  EXPECT_EQ(ResultFor("v=spf1 redirect=other.example redirect=other.example"), SpfResult::kPermerror);
}

TEST_F(SpfTest, ALoopOfIncludesEndsAfterTenLookUps) {
  EXPECT_EQ(ResultFor("v=spf1 include:example.com -all"), SpfResult::kPermerror);
  EXPECT_THAT(Evaluate().explanation, HasSubstr("more than 10 terms"));
  EXPECT_LE(resolver_.asked(), 22U);
}

TEST_F(SpfTest, TwoLookUpsMayFindNothingAndNoMore) {
  EXPECT_EQ(ResultFor("v=spf1 a:x.example a:y.example ip4:11.0.0.1 -all"), SpfResult::kPass);
  EXPECT_EQ(ResultFor("v=spf1 a:x.example a:y.example exists:z.example ip4:11.0.0.1 -all"), SpfResult::kPermerror);
}

TEST_F(SpfTest, FillsInMacros) {
  resolver_.SetAddresses("1.0.0.11.in-addr.probe.example.com.list.example", {"127.0.0.2"});
  EXPECT_EQ(ResultFor("v=spf1 exists:%{ir}.%{v}.%{l}.%{d}.list.example -all"), SpfResult::kPass);
  resolver_.SetAddresses("com.gw.example", {"127.0.0.2"});
  EXPECT_EQ(ResultFor("v=spf1 exists:%{o1}.gw.example -all"), SpfResult::kPass);
  std::string nibbles = "2.0.0.1.4.8.6.0";
  for (int i = 0; i < 23; ++i) nibbles += ".0";
  resolver_.SetAddresses(nibbles + ".1.list.example", {"127.0.0.2"});
  EXPECT_EQ(ResultFor("v=spf1 exists:%{i}.list.example -all", "2001:4860::1"), SpfResult::kPass);
}

TEST_F(SpfTest, CanNotTellWhatOnlyAReceiverKnows) {
  EXPECT_EQ(ResultFor("v=spf1 exists:%{p}.list.example -all"), SpfResult::kUnknown);
  EXPECT_EQ(ResultFor("v=spf1 ptr -all"), SpfResult::kUnknown);
}

TEST_F(SpfTest, WhatIsNoRecordIsAnErrorAndPrintable) {
  for (const char* term :
       {"ip4:",        "ip4:x",    "ip4:11.0.0.1/33", "ip4:::1", "ip6:11.0.0.1", "a:",        "a/33",
        "a//129",      "a/x",      "include",         "exists",  "all:x",        "nonsense",  "include:%{",
        "include:%{x", "exists:%", "include:a..b",    "-",       "exists:%{d",   "redirect=", "\x1b[31m\n"}) {
    Publish("example.com", absl::StrCat("v=spf1 ", term, " +all"));
    const SpfVerdict verdict = Evaluate();
    EXPECT_EQ(verdict.result, SpfResult::kPermerror) << term;
    for (const char c : verdict.explanation) EXPECT_GE(c, ' ');
  }
  EXPECT_EQ(ResultFor(absl::StrCat("v=spf1 ", std::string(5000, ' '), "+all")), SpfResult::kPermerror);
}

TEST_F(SpfTest, PassesOverModifiersItDoesNotKnow) {
  EXPECT_EQ(ResultFor("v=spf1 exp=explain.example what=ever:else +all"), SpfResult::kPass);
}

}  // namespace
}  // namespace verifyd
