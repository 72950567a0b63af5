// Tests the dialogue: STARTTLS, LMTP, DATA, and servers that do as they like.
#include "probe/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/scripted_dialer.h"
#include "tests/test_loop.h"

namespace verifyd {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class SessionTest : public testing::Test {
 protected:
  SessionTest() {
    endpoint_.host = "mx.example.com";
    endpoint_.address = "11.0.0.1";
    identity_.sender = "probe@gateway.example";
    identity_.helo = "gateway.example";
    settings_.myhostname = "gateway.example";
  }
  Finding Ask(absl::string_view script, absl::string_view address = "joe@example.com") {
    dialer_.PlayOnly("11.0.0.1", script);
    return AskAgain(address);
  }
  Finding AskAgain(absl::string_view address = "joe@example.com") {
    return test_.Run(Converse(*this, Address::Parse(address).value()));
  }
  const ScriptedConnection& Connection(size_t number = 0) const { return *dialer_.connections().at(number); }
  std::string Trace() const {
    std::string text;
    for (const DialogueLine& line : dialogue_) absl::StrAppend(&text, line.text, "\n");
    return text;
  }

  static boost::asio::awaitable<Finding> Converse(SessionTest& test, Address address) {
    Dialogue dialogue(test.test_.clock(), true);
    Session session(test.test_.loop(), {test.endpoint_}, test.identity_,
                    std::make_shared<const ProbeSettings>(test.settings_), Classifier::BuiltIn());
    const MonoTime deadline = test.test_.clock().Mono() + absl::Minutes(20);
    std::unique_ptr<Finding> finding = co_await session.Open(test.dialer_, deadline, dialogue);
    if (finding == nullptr) {
      std::vector<Enquiry> batch(1);
      batch[0].address = &address;
      batch[0].dialogue = &dialogue;
      co_await session.Ask(
          absl::MakeSpan(batch), deadline, [](Enquiry&) {}, test.farewell_);
      finding = std::move(batch[0].finding);
    }
    co_await session.Leave();
    test.dialogue_ = dialogue.Take();
    co_return *finding;
  }

  TestLoop test_;
  ScriptedDialer dialer_{test_.loop()};
  ProbeSettings settings_;
  Endpoint endpoint_;
  ProbeIdentity identity_;
  Farewell farewell_ = Farewell::kNone;
  std::vector<DialogueLine> dialogue_;
};

constexpr char kOffersTls[] = "ehlo=250-mx\\n250 STARTTLS ;; ";

TEST_F(SessionTest, TlsIsUsedWhereItIsOfferedAndTheServerIntroducesItselfAnew) {
  EXPECT_EQ(Ask("ehlo=250-mx\\n250 STARTTLS ;; ehlo=250-mx\\n250 PIPELINING").reason, Reason::kAccepted);
  EXPECT_TRUE(Connection().tls);
  EXPECT_THAT(Connection().commands,
              ElementsAre("EHLO gateway.example", "STARTTLS", "{handshake mx.example.com}", "EHLO gateway.example",
                          "MAIL FROM:<probe@gateway.example>", "RCPT TO:<joe@example.com>", "QUIT"));
  EXPECT_THAT(Trace(), HasSubstr("TLSv1.3 with cipher TLS_SCRIPTED"));
}

TEST_F(SessionTest, WhatWasOfferedBeforeTlsDoesNotCountBehindIt) {
  Ask("ehlo=250-mx\\n250-PIPELINING\\n250 STARTTLS ;; ehlo=250 mx");
  EXPECT_FALSE(Connection().pipelined);
}

TEST_F(SessionTest, TlsIsNotUsedWhereItIsNotWanted) {
  settings_.tls_level = TlsLevel::kNone;
  EXPECT_EQ(Ask(kOffersTls).reason, Reason::kAccepted);
  EXPECT_FALSE(Connection().tls);
}

TEST_F(SessionTest, AServerThatWillNotJustNowIsAskedInClear) {
  for (const char* reply : {"454 4.7.0 TLS not available due to local problem", "502 5.7.0 TLS not available"}) {
    EXPECT_EQ(Ask(absl::StrCat(kOffersTls, "starttls=", reply)).reason, Reason::kAccepted) << reply;
  }
  EXPECT_EQ(dialer_.dialed(), 2U);
}

TEST_F(SessionTest, AFailedHandshakeIsFollowedByANewConnectionInClear) {
  for (const char* step : {"handshake={fail}", "handshake={timeout}", "starttls={eof}", "starttls={timeout}"}) {
    const size_t before = dialer_.dialed();
    EXPECT_EQ(Ask(absl::StrCat(kOffersTls, step)).reason, Reason::kAccepted) << step;
    EXPECT_EQ(dialer_.dialed(), before + 2) << step;
    EXPECT_FALSE(dialer_.connections().back()->tls);
  }
}

TEST_F(SessionTest, AServerThatFallsSilentInTlsIsAskedInClear) {
  EXPECT_EQ(Ask("ehlo=250-mx\\n250 STARTTLS ;; ehlo={eof}").reason, Reason::kAccepted);
  EXPECT_EQ(dialer_.dialed(), 2U);
}

TEST_F(SessionTest, PlaintextBehindStarttlsIsNotBelieved) {
  const Finding finding = Ask(absl::StrCat(kOffersTls, "starttls={raw 220 go\\r\\n250 injected\\r\\n}"));
  EXPECT_EQ(finding.reason, Reason::kProtocolError);
  EXPECT_EQ(finding.rule, "event.plaintext_after_starttls");
  EXPECT_FALSE(Connection().tls);
  EXPECT_EQ(dialer_.dialed(), 1U);
}

TEST_F(SessionTest, RequiredTlsThatIsNotToBeHadIsNeverAVerdict) {
  settings_.tls_level = TlsLevel::kEncrypt;
  for (const char* script :
       {"", "ehlo=250-mx\\n250 STARTTLS ;; starttls=454 4.7.0 no", "ehlo=250-mx\\n250 STARTTLS ;; handshake={fail}"}) {
    const size_t before = dialer_.dialed();
    const Finding finding = Ask(script);
    EXPECT_EQ(finding.reason, Reason::kTlsPolicyFailed) << script;
    EXPECT_EQ(finding.deliverability, Deliverability::kUnknown) << script;
    EXPECT_EQ(dialer_.dialed(), before + 1) << script;
    EXPECT_THAT(dialer_.connections().back()->commands, Not(Contains(HasSubstr("MAIL")))) << script;
  }
}

TEST_F(SessionTest, ACertificateThatIsNotWhatThePolicyWantsIsNeverAVerdict) {
  settings_.tls_level = TlsLevel::kMay;
  endpoint_.tls = std::make_shared<const TlsPolicy>(TlsPolicy::Parse("secure match=mx.example.com").value());
  const Finding finding = Ask(absl::StrCat(kOffersTls, "handshake={unverified}"));
  EXPECT_EQ(finding.reason, Reason::kTlsPolicyFailed);
  EXPECT_EQ(finding.deliverability, Deliverability::kUnknown);
  EXPECT_THAT(finding.text, HasSubstr("certificate not verified"));
  EXPECT_THAT(Connection().commands, Not(Contains(HasSubstr("MAIL"))));
  EXPECT_EQ(dialer_.dialed(), 1U);
}

TEST_F(SessionTest, DaneOnlyWithoutRecordsIsNeverAVerdictAndSaysWhy) {
  endpoint_.tls = std::make_shared<const TlsPolicy>(TlsPolicy{.level = TlsLevel::kDaneOnly});
  const Finding finding = Ask(kOffersTls);
  EXPECT_EQ(finding.reason, Reason::kTlsPolicyFailed);
  EXPECT_THAT(finding.text, HasSubstr("no TLSA records"));
}

TEST_F(SessionTest, APolicyThatWantsNoTlsIsObeyed) {
  endpoint_.tls = std::make_shared<const TlsPolicy>(TlsPolicy{.level = TlsLevel::kNone});
  EXPECT_EQ(Ask(kOffersTls).reason, Reason::kAccepted);
  EXPECT_FALSE(Connection().tls);
}

TEST_F(SessionTest, AServerThatDemandsTlsAtMailGetsIt) {
  EXPECT_EQ(Ask("mail=530 5.7.0 Must issue a STARTTLS command first ;; mail=250 Ok").reason, Reason::kAccepted);
  EXPECT_TRUE(Connection().tls);
  EXPECT_EQ(dialer_.dialed(), 1U);
}

TEST_F(SessionTest, AServerThatDemandsTlsAndCanNotIsNoVerdict) {
  const Finding finding = Ask("mail=530 5.7.0 Must issue a STARTTLS command first ;; starttls=454 4.7.0 no");
  EXPECT_EQ(finding.reason, Reason::kTlsRequired);
  EXPECT_EQ(finding.deliverability, Deliverability::kUnknown);
}

TEST_F(SessionTest, AServerThatDemandsTlsAtEhloGetsIt) {
  EXPECT_EQ(Ask("ehlo=530 5.7.0 Must issue a STARTTLS command first ;; ehlo=250 mx").reason, Reason::kAccepted);
  EXPECT_TRUE(Connection().tls);
}

TEST_F(SessionTest, LmtpHasItsOwnGreetingAndNoOther) {
  endpoint_.protocol = Protocol::kLmtp;
  EXPECT_EQ(Ask("rcpt=550 5.1.1 User doesn't exist: joe@example.com").reason, Reason::kNoSuchUser);
  EXPECT_EQ(Connection().commands.front(), "LHLO gateway.example");
  Ask("lhlo=500 what?");
  EXPECT_THAT(dialer_.connections().back()->commands, Not(Contains("HELO gateway.example")));
}

TEST_F(SessionTest, WhereDataIsTheTargetNothingIsSaidBehindIt) {
  settings_.smtp_asks_data = true;
  EXPECT_EQ(Ask("data=354 go on").reason, Reason::kAcceptedData);
  EXPECT_EQ(Connection().commands.back(), "DATA");
  EXPECT_FALSE(Connection().open);
}

TEST_F(SessionTest, WhatIsRefusedAtDataIsJudgedAsThat) {
  settings_.smtp_asks_data = true;
  const Finding finding = Ask("data=550 5.7.1 Message rejected due to local policy");
  EXPECT_EQ(finding.stage, Stage::kData);
  EXPECT_EQ(finding.reason, Reason::kBlockedPolicy);
  EXPECT_THAT(finding.text, HasSubstr("(in reply to DATA command)"));
  EXPECT_EQ(Ask("data=550 5.1.1 User unknown").reason, Reason::kNoSuchUser);
}

TEST_F(SessionTest, WordsOfTheRecipientAreNotTakenForTheServersAtRcptNorAtData) {
  const absl::string_view odd = "\"x blocked using zen.spamhaus.org\"@example.com";
  const std::string reply =
      "550 5.1.1 <x blocked using zen.spamhaus.org@example.com>: Recipient address rejected: User unknown";
  EXPECT_EQ(Ask(absl::StrCat("rcpt=", reply), odd).reason, Reason::kNoSuchUser);
  settings_.smtp_asks_data = true;
  const Finding finding = Ask(absl::StrCat("data=", reply), odd);
  EXPECT_EQ(finding.stage, Stage::kData);
  EXPECT_EQ(finding.reason, Reason::kNoSuchUser);
}

TEST_F(SessionTest, WhoWillNotAskMoreSaysQuitInTheSameBreath) {
  farewell_ = Farewell::kQuit;
  EXPECT_EQ(Ask("ehlo=250-mx\\n250 PIPELINING ;; rcpt=550 5.1.1 User unknown ;; quit=221 bye{eof}").reason,
            Reason::kNoSuchUser);
  EXPECT_THAT(Connection().commands, ElementsAre("EHLO gateway.example", "MAIL FROM:<probe@gateway.example>",
                                                 "RCPT TO:<joe@example.com>", "QUIT"));
  EXPECT_TRUE(Connection().pipelined);
  EXPECT_FALSE(Connection().open);
}

TEST_F(SessionTest, QuitWaitsForTheAnswersWhereTheServerTakesOneCommandAtATime) {
  farewell_ = Farewell::kQuit;
  EXPECT_EQ(Ask("").reason, Reason::kAccepted);
  EXPECT_EQ(Connection().commands.back(), "QUIT");
  EXPECT_FALSE(Connection().pipelined);
}

TEST_F(SessionTest, QuitIsNotSaidAheadOfData) {
  farewell_ = Farewell::kQuit;
  settings_.smtp_asks_data = true;
  EXPECT_EQ(Ask("ehlo=250-mx\\n250 PIPELINING ;; data=550 5.1.1 User unknown").reason, Reason::kNoSuchUser);
  EXPECT_THAT(Connection().commands, ElementsAre("EHLO gateway.example", "MAIL FROM:<probe@gateway.example>",
                                                 "RCPT TO:<joe@example.com>", "DATA", "QUIT"));
}

TEST_F(SessionTest, AGoodbyeInPlaceOfTheAnswerToTheRecipientSaysNothingOfHim) {
  farewell_ = Farewell::kQuit;
  EXPECT_EQ(Ask("ehlo=250-mx\\n250 PIPELINING ;; rcpt={eof}").deliverability, Deliverability::kUnknown);
}

TEST_F(SessionTest, DataIsNeverSaidBehindARefusedRecipient) {
  settings_.smtp_asks_data = true;
  EXPECT_EQ(Ask("ehlo=250-mx\\n250 PIPELINING ;; rcpt=450 4.2.0 later").deliverability, Deliverability::kUnknown);
  EXPECT_THAT(Connection().commands, Not(Contains("DATA")));
}

TEST_F(SessionTest, AServerWithOurOwnNameIsUs) {
  const Finding finding = Ask("ehlo=250-gateway.example\\n250 PIPELINING");
  EXPECT_EQ(finding.reason, Reason::kMailLoopSelf);
  EXPECT_THAT(finding.text, HasSubstr("loops back to myself"));
  endpoint_.port = 10025;  // a content filter of ours may well have our name
  EXPECT_EQ(AskAgain().reason, Reason::kAccepted);
}

TEST_F(SessionTest, AParameterThatIsRefusedIsLeftOutWhereTheAddressDoesNotNeedIt) {
  const Finding finding =
      Ask("ehlo=250-mx\\n250 SMTPUTF8 ;; mail=555 5.5.4 Unsupported option: SMTPUTF8", "jos\xc3\xa9@example.com");
  EXPECT_EQ(finding.reason, Reason::kSmtputf8Required);
}

TEST_F(SessionTest, AnInternationalAddressIsAskedAboutWhereTheServerKnowsThem) {
  EXPECT_EQ(Ask("ehlo=250-mx\\n250 SMTPUTF8", "jos\xc3\xa9@example.com").reason, Reason::kAccepted);
  EXPECT_THAT(Connection().commands, Contains("MAIL FROM:<probe@gateway.example> SMTPUTF8"));
  EXPECT_EQ(Ask("ehlo=250 mx", "jos\xc3\xa9@example.com").reason, Reason::kSmtputf8Required);
  EXPECT_THAT(dialer_.connections().back()->commands, Not(Contains(HasSubstr("MAIL"))));
}

TEST_F(SessionTest, HostileServersAreBoundedInTimeAndBytesAtEveryStage) {
  for (const char* script :
       {"banner={endless 220-x\\r\\n}", "banner={timeout}", "ehlo={endless 250-X\\r\\n}", "ehlo={timeout}",
        "ehlo=250-mx\\n250 STARTTLS ;; starttls={endless 220-x\\r\\n}",
        "ehlo=250-mx\\n250 STARTTLS ;; starttls={raw \\xff\\x00\\n}", "mail={endless x}", "mail={timeout}",
        "rcpt={endless 250-x\\r\\n}", "rcpt={timeout}", "rset={endless x}", "quit={endless x}", "quit={timeout}",
        "banner={trickle 100s}220 mx.example.com ESMTP ready"}) {
    const MonoTime began = test_.clock().Mono();
    const Finding finding = Ask(script);
    EXPECT_NE(finding.deliverability, Deliverability::kUndeliverable) << script;
    EXPECT_LE(test_.clock().Mono() - began, absl::Minutes(25)) << script;
    EXPECT_EQ(dialer_.open_now(), 0U) << script;
  }
}

TEST_F(SessionTest, AGreetingThatIsARefusalIsHeardAsOne) {
  const Finding finding = Ask("banner=220 mx ESMTP 550 5.7.0 Mail from 192.0.2.1 refused by Reputation Services");
  EXPECT_EQ(finding.scope, Scope::kUs);
  EXPECT_EQ(finding.stage, Stage::kBanner);
  EXPECT_EQ(finding.deliverability, Deliverability::kUnknown);
  EXPECT_THAT(Connection().commands, ElementsAre("QUIT"));
}

TEST_F(SessionTest, AGoodbyeInClearBehindStarttlsIsNotTakenForOneInTls) {
  const Finding finding = Ask(absl::StrCat(kOffersTls, "starttls={raw 220 go\\r\\n421 injected\\r\\n}"));
  EXPECT_EQ(finding.rule, "event.plaintext_after_starttls");
  EXPECT_FALSE(Connection().tls);
}

TEST_F(SessionTest, AServerThatDemandsTlsAndHangsUpLeavesNobodyWithoutAnAnswer) {
  const Finding finding = Ask(
      "ehlo=250-mx\\n250 PIPELINING ;; mail=530 5.7.0 Must issue a STARTTLS command first ;; rcpt=421 4.7.0 bye{eof}");
  EXPECT_EQ(finding.deliverability, Deliverability::kUnknown);
  EXPECT_EQ(dialer_.open_now(), 0U);
}

}  // namespace
}  // namespace verifyd
