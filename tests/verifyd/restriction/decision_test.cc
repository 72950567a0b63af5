#include "verifyd/restriction/decision.h"

#include <gtest/gtest.h>

#include <string>

#include "classifier/reason.h"
#include "tests/status_matchers.h"

namespace verifyd {
namespace {

Verdict Found(Reason reason, std::string text = "host mx.example[192.0.2.1] said: 550 5.1.1 nope") {
  Verdict verdict;
  verdict.state = VerdictState::kKnown;
  verdict.finding.reason = reason;
  verdict.finding.deliverability = RowOf(reason).deliverability;
  verdict.finding.text = std::move(text);
  verdict.finding.mx_name = "mx.example";
  verdict.finding.mx_address = "11.0.0.1";
  return verdict;
}

TEST(DecisionTest, WordsRefusalsAsPostfixDoes) {
  UnverifiedSettings settings;
  Decision decision = DecideOnVerdict(Found(Reason::kNoSuchUser), Use::kInbound, settings);
  // With Postfix's default code of 450 a definite answer reads "unverified", too, and is settled at the end.
  EXPECT_EQ(decision.kind, DecisionKind::kDeferIfPermit);
  EXPECT_EQ(decision.code, 450);
  EXPECT_EQ(decision.dsn, "4.1.1");
  EXPECT_EQ(decision.text, "unverified address: host mx.example[192.0.2.1] said: 550 5.1.1 nope");
  settings.reject_code = 550;
  decision = DecideOnVerdict(Found(Reason::kNoSuchUser), Use::kInbound, settings);
  EXPECT_EQ(decision.kind, DecisionKind::kReject);
  EXPECT_EQ(decision.dsn, "5.1.1");
  EXPECT_EQ(decision.text, "undeliverable address: host mx.example[192.0.2.1] said: 550 5.1.1 nope");
  decision = DecideOnVerdict(Found(Reason::kNoSuchUser), Use::kSender, settings);
  EXPECT_EQ(decision.dsn, "5.1.7");
}

TEST(DecisionTest, ClientsAreNotToldOfPrivateHosts) {
  UnverifiedSettings settings;
  settings.reject_code = 550;
  const auto told = [&](absl::string_view name, absl::string_view address) {
    Verdict verdict = Found(Reason::kNoSuchUser);
    verdict.finding.mx_name = std::string(name);
    verdict.finding.mx_address = std::string(address);
    return DecideOnVerdict(verdict, Use::kInbound, settings).text;
  };
  const std::string all = "undeliverable address: host mx.example[192.0.2.1] said: 550 5.1.1 nope";
  const std::string reason = "undeliverable address: no such user";
  EXPECT_EQ(told("mx.example", "11.0.0.1"), all);
  for (const char* address : {"10.0.0.1", "127.0.0.1", "fd00::1", "", "/run/lmtp"})
    EXPECT_EQ(told("mx.example", address), reason);
  EXPECT_EQ(told("exchange", "11.0.0.1"), reason);
  settings.disclosure = Disclosure::kNo;
  EXPECT_EQ(told("mx.example", "11.0.0.1"), reason);
  settings.disclosure = Disclosure::kYes;
  EXPECT_EQ(told("exchange", "10.0.0.1"), all);
  settings.disclosure = Disclosure::kPublic;
  settings.reject_reason = "Mailbox unknown";
  EXPECT_EQ(told("exchange", "10.0.0.1"), "undeliverable address: Mailbox unknown");
}

TEST(DecisionTest, WhatIsAboutUsIsDeferredWhateverTheRejectCode) {
  UnverifiedSettings settings;
  settings.reject_code = 550;
  settings.defer_if_permit = false;
  const Decision decision = DecideOnVerdict(Found(Reason::kBlockedIp), Use::kInbound, settings);
  EXPECT_EQ(decision.kind, DecisionKind::kDefer);
  EXPECT_EQ(decision.code, 450);
  // A block of us never counts against a sender.
  EXPECT_FALSE(DecideOnVerdict(Found(Reason::kBlockedIp), Use::kSender, settings).refuses());
}

TEST(DecisionTest, WhereTheMtaHasCodesAndWordsOfItsOwnOnlyTheReasonIsSaid) {
  UnverifiedSettings settings;
  settings.worded = false;
  Decision decision = DecideOnVerdict(Found(Reason::kNoSuchUser), Use::kInbound, settings);
  EXPECT_EQ(decision.kind, DecisionKind::kReject);
  EXPECT_EQ(decision.code, 0);
  EXPECT_EQ(decision.text, "host mx.example[192.0.2.1] said: 550 5.1.1 nope");
  decision = DecideOnVerdict(Found(Reason::kBlockedIp), Use::kInbound, settings);
  EXPECT_EQ(decision.kind, DecisionKind::kDefer);
  EXPECT_FALSE(DecideOnVerdict(Found(Reason::kAccepted), Use::kInbound, settings).refuses());
}

TEST(DecisionTest, AFindingMoreCarefulThanItsReasonIsNotRejected) {
  UnverifiedSettings settings;
  settings.reject_code = 550;
  Verdict verdict = Found(Reason::kMxBogon);
  verdict.finding.deliverability = Deliverability::kUnknown;
  EXPECT_EQ(DecideOnVerdict(verdict, Use::kInbound, settings).code, 450);
}

TEST(DecisionTest, TheOperatorsTableSaysWhatAReasonMeansForEachUse) {
  DecisionTables tables;
  EXPECT_THAT(tables.Set(Reason::kCatchAll, "reject"), IsOk());
  EXPECT_THAT(tables.Set(Reason::kNoSuchUser, "inbound=defer, sender=permit"), IsOk());
  UnverifiedSettings recipient;
  recipient.reject_code = 550;
  recipient.decisions = tables;
  const UnverifiedSettings sender = recipient;
  // The operator's word counts, though nothing undeliverable was found.
  EXPECT_EQ(DecideOnVerdict(Found(Reason::kCatchAll), Use::kInbound, recipient).kind, DecisionKind::kReject);
  EXPECT_EQ(DecideOnVerdict(Found(Reason::kCatchAll), Use::kSender, sender).kind, DecisionKind::kReject);
  EXPECT_EQ(DecideOnVerdict(Found(Reason::kNoSuchUser), Use::kInbound, recipient).code, 450);
  EXPECT_FALSE(DecideOnVerdict(Found(Reason::kNoSuchUser), Use::kSender, sender).refuses());
  EXPECT_EQ(DecideOnVerdict(Found(Reason::kNoSuchUser), Use::kOutbound, recipient).kind, DecisionKind::kReject);
  // A queue retries better than a person in front of a mail program.
  EXPECT_FALSE(DecideOnVerdict(Found(Reason::kConnectTimeout), Use::kOutbound, recipient).refuses());
}

TEST(DecisionTest, AWrongWordInTheTableIsNamed) {
  DecisionTables tables;
  for (const char* wrong : {"refuse", "inbound=", "=reject", "everybody=reject"}) {
    EXPECT_THAT(tables.Set(Reason::kCatchAll, wrong), FailsWith("expected permit, defer or reject")) << wrong;
  }
}

TEST(DecisionTest, AFormerUserIsOnlyDeferred) {
  UnverifiedSettings settings;
  settings.reject_code = 550;
  Verdict verdict = Found(Reason::kNoSuchUser);
  verdict.grace = true;
  EXPECT_EQ(DecideOnVerdict(verdict, Use::kInbound, settings).code, 450);
}

TEST(DecisionTest, ATwoHundredCodeAcceptsWhatIsBad) {
  UnverifiedSettings settings;
  settings.reject_code = 250;
  EXPECT_FALSE(DecideOnVerdict(Found(Reason::kNoSuchUser), Use::kInbound, settings).refuses());
}

TEST(DecisionTest, TheReasonTextReplacesWhatTheServerSaid) {
  UnverifiedSettings settings;
  settings.reject_reason = "no such mailbox here";
  EXPECT_EQ(DecideOnVerdict(Found(Reason::kNoSuchUser), Use::kInbound, settings).text,
            "unverified address: no such mailbox here");
}

TEST(DecisionTest, InProgressIsDeferredAndNotVerifiableIsLetThrough) {
  Verdict verdict;
  verdict.state = VerdictState::kInProgress;
  verdict.finding.text = "Address verification in progress";
  EXPECT_EQ(DecideOnVerdict(verdict, Use::kInbound, {}).text, "unverified address: Address verification in progress");
  verdict.state = VerdictState::kNotVerifiable;
  EXPECT_FALSE(DecideOnVerdict(verdict, Use::kInbound, {}).refuses());
}

TEST(DecisionTest, ForeignTextIsPrintableAndBounded) {
  UnverifiedSettings settings;
  const std::string evil = "a\r\naction=OK\n\n" + std::string(1000, 'x') + "\xFF";
  const Decision decision = DecideOnVerdict(Found(Reason::kNoSuchUser, evil), Use::kInbound, settings);
  EXPECT_EQ(decision.text.find('\n'), std::string::npos);
  EXPECT_EQ(decision.text.size(), std::string("unverified address: ").size() + Finding::kMaxText);
}

TEST(DecisionTest, APinDecidesByItsDeliverability) {
  Verdict verdict;
  verdict.state = VerdictState::kKnown;
  verdict.source = VerdictSource::kPin;
  verdict.finding.deliverability = Deliverability::kUndeliverable;
  verdict.finding.text = "left the company";
  EXPECT_TRUE(DecideOnVerdict(verdict, Use::kInbound, {}).refuses());
  verdict.finding.deliverability = Deliverability::kDeliverable;
  EXPECT_FALSE(DecideOnVerdict(verdict, Use::kInbound, {}).refuses());
}

TEST(DecisionTest, EveryReasonsDefaultIsWhatItsRowSays) {
  UnverifiedSettings settings;
  settings.reject_code = 550;
  for (uint8_t i = 1; i < kReasonCount; ++i) {
    const auto reason = static_cast<Reason>(i);
    const ReasonRow& row = RowOf(reason);
    const Decision decision = DecideOnVerdict(Found(reason), Use::kInbound, settings);
    EXPECT_EQ(decision.refuses(), row.inbound != DefaultDecision::kPermit) << row.name;
    EXPECT_EQ(decision.code == 550, row.inbound == DefaultDecision::kReject) << row.name;
  }
}

}  // namespace
}  // namespace verifyd
