#include "classifier/classifier.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "classifier/reason.h"
#include "tests/status_matchers.h"

namespace verifyd {
namespace {

Classification Judge(Stage stage, absl::string_view reply, absl::string_view mx_name = "") {
  return Classifier::BuiltIn()->Classify(stage, *Reply::Parse(reply), mx_name, Marks{});
}

Reason ReasonAt(Stage stage, absl::string_view reply, absl::string_view mx_name = "") {
  return Judge(stage, reply, mx_name).reason;
}

TEST(ClassifierTest, ABlockedClientIsNoReasonToRefuseTheRecipient) {
  const Classification result =
      Judge(Stage::kRcpt, "550 5.7.1 Service unavailable; client [192.0.2.1] blocked using zen.spamhaus.org");
  EXPECT_EQ(result.deliverability, Deliverability::kUnknown);
  EXPECT_EQ(result.reason, Reason::kBlockedIp);
  EXPECT_EQ(result.scope, Scope::kUs);
  EXPECT_EQ(result.rule, "blocked.listed");
}

TEST(ClassifierTest, AnUnknownUserIsUndeliverableAndNamesItsRule) {
  const Classification result = Judge(Stage::kRcpt, "550 5.1.1 <user@example.com>: User unknown");
  EXPECT_EQ(result.deliverability, Deliverability::kUndeliverable);
  EXPECT_EQ(result.reason, Reason::kNoSuchUser);
  EXPECT_EQ(result.scope, Scope::kAddress);
  EXPECT_EQ(result.rule, "nouser.words");
}

TEST(ClassifierTest, AnUnknownUserWhoIsOurSenderIsAboutUs) {
  EXPECT_EQ(ReasonAt(Stage::kRcpt, "550 5.1.1 <p@example.org>: Sender address rejected: User unknown in local table"),
            Reason::kSenderRejected);
  EXPECT_EQ(ReasonAt(Stage::kRcpt,
                     "550-Verification failed for <p@example.org>\n550-Response: 550 Unknown user\n"
                     "550 Sender verify failed"),
            Reason::kSenderRejected);
  EXPECT_EQ(ReasonAt(Stage::kMail, "550 5.1.1 User unknown"), Reason::kSenderRejected);
}

TEST(ClassifierTest, TheCommonCasesAreToldApart) {
  EXPECT_EQ(ReasonAt(Stage::kRcpt, "450 4.2.0 Recipient address rejected: Greylisted"), Reason::kGreylisted);
  EXPECT_EQ(ReasonAt(Stage::kRcpt, "554 5.7.1 Relay access denied"), Reason::kRelayDenied);
  EXPECT_EQ(ReasonAt(Stage::kRcpt, "454 4.7.1 Relay access denied"), Reason::kRelayDeniedTemporary);
  EXPECT_EQ(ReasonAt(Stage::kRcpt, "550 5.1.1"), Reason::kNoSuchUser);
  EXPECT_EQ(ReasonAt(Stage::kRcpt, "552 5.2.2 Quota exceeded"), Reason::kMailboxFullPermanent);
  EXPECT_EQ(ReasonAt(Stage::kRcpt, "452 4.2.2 Quota exceeded"), Reason::kMailboxFull);
  EXPECT_EQ(ReasonAt(Stage::kRcpt, "550 5.2.1 Account disabled"), Reason::kMailboxDisabled);
  EXPECT_EQ(ReasonAt(Stage::kRcpt, "250 Ok"), Reason::kAccepted);
  EXPECT_EQ(ReasonAt(Stage::kData, "354 Go ahead"), Reason::kAcceptedData);
}

TEST(ClassifierTest, WithoutKnownWordsTheCodeDecidesAndBlamesNobodyItDoesNotName) {
  EXPECT_EQ(ReasonAt(Stage::kRcpt, "550"), Reason::kNoSuchUser);
  EXPECT_EQ(ReasonAt(Stage::kRcpt, "550 Zork"), Reason::kBlockedPolicy);
  EXPECT_EQ(ReasonAt(Stage::kRcpt, "554"), Reason::kBlockedPolicy);
  EXPECT_EQ(ReasonAt(Stage::kRcpt, "450"), Reason::kMailboxTemporary);
  EXPECT_EQ(ReasonAt(Stage::kRcpt, "421"), Reason::kServerTemporary);
}

TEST(ClassifierTest, AMailboxWithATellingNameDoesNotSpeakForTheServer) {
  EXPECT_EQ(ReasonAt(Stage::kRcpt, "550 5.1.1 <greylisted.spf.blocked-using@example.com>: User unknown"),
            Reason::kNoSuchUser);
  EXPECT_EQ(ReasonAt(Stage::kRcpt, "550 5.1.1 \"over quota\"@example.com: User unknown"), Reason::kNoSuchUser);
}

TEST(ClassifierTest, AQuotedReplyIsJudgedInItsPlace) {
  EXPECT_EQ(ReasonAt(Stage::kRcpt, "577 5.1.1 undeliverable address: host gw said: 554 5.7.1 Relay access denied"),
            Reason::kRelayDenied);
  EXPECT_EQ(ReasonAt(Stage::kRcpt, "550-Callout verification failed:\n550 550 5.1.1 Nobody of the name"),
            Reason::kNoSuchUser);
  EXPECT_EQ(ReasonAt(Stage::kRcpt, "554 host a said: 554 host b said: 552 5.2.2 Full"), Reason::kMailboxFullPermanent);
  // The inner reply is temporary, though the outer one is not.
  EXPECT_EQ(ReasonAt(Stage::kRcpt, "550 host a said: 450 4.1.1 User unknown"), Reason::kNoSuchUserTemporary);
}

TEST(ClassifierTest, AServerThatFindsAShortAddressTooLongSaysNothingOfIt) {
  const auto judge = [](absl::string_view address) {
    const Address recipient = *Address::Parse(address);
    return Classifier::BuiltIn()->Classify(Stage::kRcpt, *Reply::Parse("500 5.5.2 Line too long"), "",
                                           Marks{.recipient = &recipient});
  };
  const Classification allowed = judge(absl::StrCat(std::string(64, 'a'), "@example.com"));
  EXPECT_EQ(allowed.reason, Reason::kMailboxTemporary);
  EXPECT_EQ(allowed.rule, Classifier::kAmbiguous);
  const Classification longer = judge(absl::StrCat(std::string(65, 'a'), "@example.com"));
  EXPECT_EQ(longer.reason, Reason::kBadAddressSyntax);
  EXPECT_EQ(longer.rule, Classifier::kTooLong);
  EXPECT_NE(ReasonAt(Stage::kRcpt, "550 5.7.1 Deadline too long"), Reason::kBadAddressSyntax);
}

TEST(ClassifierTest, AnOuterTemporaryCodeStaysTemporaryWhateverIsQuoted) {
  EXPECT_EQ(ReasonAt(Stage::kRcpt, "450 4.1.1 unverified address: host mx said: 550 5.1.1 User unknown"),
            Reason::kNoSuchUserTemporary);
  EXPECT_EQ(ReasonAt(Stage::kRcpt, "450 host mx said: 550 host b said: 550 5.2.1 Account disabled"),
            Reason::kMailboxTemporary);
  EXPECT_EQ(ReasonAt(Stage::kRcpt, "450 host mx said: 552 5.2.2 Full"), Reason::kMailboxFull);
  EXPECT_EQ(ReasonAt(Stage::kRcpt, "450 host mx said: 550 domain example.com suspended"), Reason::kDnsTemporary);
}

TEST(ClassifierTest, NoTemporaryCodeAndNothingBeforeRcptIsEverUndeliverable) {
  const auto classifier = Classifier::BuiltIn();
  for (const Rule& rule : classifier->rules()) {
    for (const RuleExample& example : rule.examples) {
      Reply reply = example.reply;
      for (const Stage stage : {Stage::kBanner, Stage::kEhlo, Stage::kStarttls, Stage::kMail, Stage::kQuit}) {
        EXPECT_NE(classifier->Classify(stage, reply, example.mx_name, Marks{}).deliverability,
                  Deliverability::kUndeliverable);
      }
      reply.code = 400 + reply.code % 100;
      EXPECT_NE(classifier->Classify(Stage::kRcpt, reply, example.mx_name, Marks{}).deliverability,
                Deliverability::kUndeliverable)
          << reply.ToLine();
    }
  }
}

TEST(ClassifierTest, AProvidersWordsCountWhereItsMxIsAsked) {
  EXPECT_EQ(ReasonAt(Stage::kRcpt, "250 ok", "mta5.am0.YAHOODNS.net"), Reason::kProviderAcceptsAll);
  EXPECT_EQ(ReasonAt(Stage::kRcpt, "250 ok", "mx.example.com"), Reason::kAccepted);
}

TEST(ClassifierTest, AReplyThatLetsTheDialogueGoOnHasNoReason) {
  const Classification result = Judge(Stage::kBanner, "220 mx.example.com ESMTP");
  EXPECT_EQ(result.reason, Reason::kNone);
  EXPECT_EQ(result.rule, "");
}

TEST(ClassifierTest, AnotherRuleFileReplacesAllRules) {
  const auto classifier = Classifier::FromRules("site",
                                                "verifyd-rules 1\nrule site.gone\nstage rcpt\ncode 5yz\ntext gone\n"
                                                "reason mailbox_moved\nmatch rcpt 550 gone\nunwrap\n");
  ASSERT_THAT(classifier, IsOk());
  EXPECT_EQ((*classifier)->Classify(Stage::kRcpt, *Reply::Parse("550 He is gone"), "", Marks{}).rule, "site.gone");
  const Classification open = (*classifier)->Classify(Stage::kRcpt, *Reply::Parse("550 User unknown"), "", Marks{});
  EXPECT_EQ(open.rule, "no_rule");
  EXPECT_EQ(open.deliverability, Deliverability::kUnknown);
}

TEST(ClassifierTest, EventsHaveReasonsAndRulesOfTheirOwn) {
  const Classification result = Classifier::Classify(Event::kConnectRefused, Stage::kConnect);
  EXPECT_EQ(result.reason, Reason::kConnectRefused);
  EXPECT_EQ(result.scope, Scope::kMx);
  EXPECT_EQ(result.rule, "event.connect_refused");
  EXPECT_EQ(Classifier::Classify(Event::kNoSuchDomain, Stage::kDns).deliverability, Deliverability::kUndeliverable);
}

}  // namespace
}  // namespace verifyd
