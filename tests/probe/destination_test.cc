// Tests how a destination uses its connections: batches, turns, questions that are asked again, and when nobody is
// asked.
#include "probe/destination.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "probe/destination_settings.h"
#include "stream/race.h"
#include "tests/probe/probe_world.h"

namespace verifyd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class DestinationTest : public testing::Test {
 protected:
  using Outcome = std::shared_ptr<std::optional<ProbeOutcome>>;

  // Starts probes of user0@example.com and so on, all at once.
  std::vector<Outcome> StartUsers(int count) {
    std::vector<Outcome> outcomes;
    outcomes.reserve(static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) {
      outcomes.push_back(world_.Start(world_.Request(absl::StrCat("user", i, "@example.com"))));
    }
    return outcomes;
  }

  DestinationTest() {
    world_.settings.connection_idle_time = absl::Seconds(2);
    world_.Configure();
  }
  // Starts probes of 0@domain, 1@domain, ...
  std::vector<Outcome> Start(int count, absl::string_view domain = "example.com") {
    std::vector<Outcome> outcomes;
    outcomes.reserve(static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) outcomes.push_back(world_.Start(world_.Request(absl::StrCat(i, "@", domain))));
    return outcomes;
  }
  static Reason ReasonOf(const Outcome& outcome) {
    return outcome->has_value() ? (*outcome)->finding.reason : Reason::kNone;
  }
  int Count(absl::string_view verb) const {
    int count = 0;
    for (const auto& connection : world_.dialer.connections()) {
      for (const std::string& command : connection->commands) count += absl::StartsWith(command, verb) ? 1 : 0;
    }
    return count;
  }
  // Puts another domain behind the same servers as example.com.
  void AlsoServes(const std::string& domain, int servers = 1) {
    std::vector<MxRecord> mx;
    mx.reserve(static_cast<size_t>(servers));
    for (int i = 0; i < servers; ++i) {
      mx.push_back({static_cast<uint16_t>(10 * (i + 1)), absl::StrCat("mx", i + 1, ".example.com")});
    }
    world_.resolver.SetMx(domain, mx);
  }

  ProbeWorld world_;
};

TEST_F(DestinationTest, TheNextAddressUsesTheConnectionThatIsStillOpen) {
  world_.Servers({""});
  EXPECT_EQ(world_.Probe("joe@example.com").finding.reason, Reason::kAccepted);
  EXPECT_EQ(world_.Probe("jane@example.com").finding.reason, Reason::kAccepted);
  EXPECT_EQ(world_.dialer.dialed(), 1U);
  EXPECT_THAT(
      world_.dialer.connections().at(0)->commands,
      ElementsAre("EHLO gateway.example.org", "MAIL FROM:<probe@gateway.example.org>", "RCPT TO:<joe@example.com>",
                  "RSET", "MAIL FROM:<probe@gateway.example.org>", "RCPT TO:<jane@example.com>"));
}

TEST_F(DestinationTest, AConnectionWithoutWorkSaysGoodbyeAfterAMoment) {
  world_.Servers({""});
  world_.Probe();
  world_.test.Advance(absl::Milliseconds(1900));
  EXPECT_EQ(world_.dialer.open_now(), 1U);
  world_.test.Advance(absl::Milliseconds(200));
  EXPECT_EQ(world_.dialer.open_now(), 0U);
  EXPECT_EQ(world_.dialer.connections().at(0)->commands.back(), "QUIT");
}

TEST_F(DestinationTest, AConnectionTheServerClosedMeanwhileIsNobodysVerdict) {
  world_.Servers({"rset={eof}"});
  EXPECT_EQ(world_.Probe("joe@example.com").finding.reason, Reason::kAccepted);
  EXPECT_EQ(world_.Probe("jane@example.com").finding.reason, Reason::kAccepted);
  EXPECT_EQ(world_.dialer.dialed(), 2U);
}

TEST_F(DestinationTest, AServerThatWillNotBeginAnewIsAskedOnAnotherConnectionAlthoughItTakesWhatComesBehind) {
  world_.Servers({"ehlo=250-mx\\n250 PIPELINING ;; rset=502 5.5.1 not now"});
  EXPECT_EQ(world_.Probe("joe@example.com").finding.reason, Reason::kAccepted);
  EXPECT_EQ(world_.Probe("jane@example.com").finding.reason, Reason::kAccepted);
  ASSERT_EQ(world_.dialer.dialed(), 2U);
  EXPECT_THAT(world_.dialer.connections()[1]->commands, testing::Contains("RCPT TO:<jane@example.com>"));
}

TEST_F(DestinationTest, AThousandAddressesOfADomainTakeFewConnectionsAndLittleMoreThanOneCommandEach) {
  world_.Servers({""});
  const auto outcomes = Start(1000);
  world_.test.Advance(absl::Seconds(10));
  for (const Outcome& outcome : outcomes) EXPECT_EQ(ReasonOf(outcome), Reason::kAccepted);
  EXPECT_LE(world_.dialer.dialed(), static_cast<size_t>(world_.settings.public_pace.connections));
  EXPECT_EQ(Count("RCPT"), 1000);
  EXPECT_LE(Count("MAIL"), 40);
}

TEST_F(DestinationTest, WithPipeliningATransactionGoesOutAtOnceAndEveryReplyFindsItsAddress) {
  world_.settings.public_pace.connections = 1;
  world_.Configure();
  world_.Servers(
      {"ehlo=250-mx\\n250 PIPELINING ;; rcpt(1@example.com)=550 5.1.1 User unknown ;; "
       "rcpt(2@example.com)=452 4.2.2 Mailbox full"});
  const auto outcomes = Start(4);
  world_.test.Advance(absl::Seconds(1));
  EXPECT_TRUE(world_.dialer.connections().at(0)->pipelined);
  EXPECT_EQ(ReasonOf(outcomes[0]), Reason::kAccepted);
  EXPECT_EQ(ReasonOf(outcomes[1]), Reason::kNoSuchUser);
  EXPECT_EQ(ReasonOf(outcomes[2]), Reason::kMailboxFull);
  EXPECT_EQ(ReasonOf(outcomes[3]), Reason::kAccepted);
}

TEST_F(DestinationTest, WithoutPipeliningEachCommandWaitsForItsTurn) {
  world_.Servers({"ehlo=250-mx\\n250 8BITMIME"});
  Start(10);
  world_.test.Advance(absl::Seconds(1));
  for (const auto& connection : world_.dialer.connections()) EXPECT_FALSE(connection->pipelined);
}

TEST_F(DestinationTest, ARefusedSenderIsEveryonesAnswerAlsoWhereTheRestWasSentAlready) {
  world_.Servers(
      {"ehlo=250-mx\\n250 PIPELINING ;; mail=550 5.1.8 Sender address rejected: Domain not found ;; "
       "rcpt=503 5.5.1 need MAIL first"});
  for (const Outcome& outcome : Start(4)) {
    world_.test.Advance(absl::Seconds(1));
    EXPECT_EQ(ReasonOf(outcome), Reason::kSenderRejected);
  }
}

TEST_F(DestinationTest, TwoDomainsNeverShareATransaction) {
  world_.Servers({""});
  AlsoServes("example.net");
  auto outcomes = Start(3);
  for (Outcome& outcome : Start(3, "example.net")) outcomes.push_back(std::move(outcome));
  world_.test.Advance(absl::Seconds(10));
  for (const Outcome& outcome : outcomes) EXPECT_EQ(ReasonOf(outcome), Reason::kAccepted);
  for (const auto& connection : world_.dialer.connections()) {
    std::string domain;
    for (const std::string& command : connection->commands) {
      if (absl::StartsWith(command, "MAIL")) domain.clear();
      if (!absl::StartsWith(command, "RCPT")) continue;
      const std::string of = command.substr(command.find('@'));
      EXPECT_TRUE(domain.empty() || domain == of) << command;
      domain = of;
    }
  }
}

TEST_F(DestinationTest, WithTheNullSenderEachAddressHasItsOwnTransaction) {
  world_.Servers({""});
  std::vector<Outcome> outcomes;
  for (int i = 0; i < 5; ++i) {
    ProbeRequest request = world_.Request(absl::StrCat(i, "@example.com"));
    request.identity.sender = "";
    outcomes.push_back(world_.Start(std::move(request)));
  }
  world_.test.Advance(absl::Seconds(10));
  EXPECT_EQ(Count("MAIL"), 5);
  for (const Outcome& outcome : outcomes) EXPECT_EQ(ReasonOf(outcome), Reason::kAccepted);
}

TEST_F(DestinationTest, TooManyRecipientsIsNobodysVerdictAndIsNotProvokedAgain) {
  world_.settings.public_pace.connections = 1;
  world_.Configure();
  world_.Servers(
      {"rcpt(2@example.com)=452 4.5.3 Too many recipients ;; rcpt(2@example.com)=550 5.1.1 User unknown ;; "
       "rcpt(3@example.com)=452 4.5.3 Too many recipients ;; rcpt(3@example.com)=250 Ok"});
  const auto outcomes = Start(8);
  world_.test.Advance(absl::Seconds(10));
  EXPECT_EQ(ReasonOf(outcomes[1]), Reason::kAccepted);
  EXPECT_EQ(ReasonOf(outcomes[2]), Reason::kNoSuchUser);
  EXPECT_EQ(ReasonOf(outcomes[3]), Reason::kAccepted);
  int in_transaction = 0;
  for (const std::string& command : world_.dialer.connections().at(0)->commands) {
    if (absl::StartsWith(command, "MAIL")) in_transaction = 0;
    if (absl::StartsWith(command, "RCPT")) ++in_transaction;
  }
  EXPECT_LE(in_transaction, 2);
}

TEST_F(DestinationTest, WhoIsAlwaysOneTooManyGetsThatAnswerInTheEnd) {
  world_.Servers({"rcpt(1@example.com)=452 4.5.3 Too many recipients"});
  const auto outcomes = Start(2);
  world_.test.Advance(absl::Seconds(10));
  EXPECT_EQ(ReasonOf(outcomes[0]), Reason::kAccepted);
  EXPECT_EQ(ReasonOf(outcomes[1]), Reason::kTooManyRecipients);
}

TEST_F(DestinationTest, WhenTheConnectionBreaksTheOthersAreAskedOnANewOne) {
  world_.settings.public_pace.connections = 1;
  world_.Configure();
  world_.dialer.PlayOnly("11.0.0.1", "rcpt(2@example.com)={eof}");
  world_.Servers({"rcpt(2@example.com)={eof}"});
  world_.dialer.Play("11.0.0.1", "rcpt(2@example.com)=550 5.1.1 User unknown");
  const auto outcomes = Start(4);
  world_.test.Advance(absl::Seconds(10));
  EXPECT_EQ(ReasonOf(outcomes[0]), Reason::kAccepted);
  EXPECT_EQ(ReasonOf(outcomes[1]), Reason::kAccepted);
  EXPECT_EQ(ReasonOf(outcomes[2]), Reason::kNoSuchUser);
  EXPECT_EQ(ReasonOf(outcomes[3]), Reason::kAccepted);
  // The third address is the one at which the connection broke: it has a connection of its own.
  EXPECT_EQ(world_.dialer.dialed(), 3U);
}

TEST_F(DestinationTest, ABatchIsAsLargeAsAServerAnswersInASecond) {
  world_.settings.public_pace.connections = 1;
  world_.Configure();
  world_.Servers({"ehlo=250-mx\\n250 PIPELINING ;; rcpt={wait 100ms}250 Ok"});
  const auto outcomes = Start(200);
  world_.test.Advance(absl::Minutes(1));
  for (const Outcome& outcome : outcomes) EXPECT_EQ(ReasonOf(outcome), Reason::kAccepted);
  EXPECT_EQ(Count("RCPT"), 200);
  EXPECT_GE(Count("MAIL"), 200 / 16);
  EXPECT_LE(Count("MAIL"), 200 / 4);
}

TEST_F(DestinationTest, WhereMuchWaitsForSeveralConnectionsBatchesAreLargerAndWhoIsWaitedForWaitsTwoSecondsAtMost) {
  world_.settings.public_pace.connections = 4;
  world_.Configure();
  world_.Servers({"ehlo=250-mx\\n250 PIPELINING ;; rcpt={wait 100ms}250 Ok"});
  std::vector<Outcome> outcomes;
  for (int i = 0; i < 900; ++i) {
    ProbeRequest request = world_.Request(absl::StrCat(i, "@example.com"));
    request.urgency = Urgency::kList;
    outcomes.push_back(world_.Start(std::move(request)));
  }
  for (int i = 0; i < 8; ++i) {
    world_.test.Advance(absl::Milliseconds(2300));
    const Outcome waited_for = world_.Start(world_.Request(absl::StrCat("joe", i, "@example.com")));
    world_.test.Advance(absl::Milliseconds(2100));
    EXPECT_EQ(ReasonOf(waited_for), Reason::kAccepted) << i;
  }
  world_.test.Advance(absl::Minutes(1));
  for (const Outcome& outcome : outcomes) EXPECT_EQ(ReasonOf(outcome), Reason::kAccepted);
  EXPECT_EQ(Count("RCPT"), 908);
  EXPECT_LE(Count("MAIL"), 80);
}

TEST_F(DestinationTest, ThreeConnectionsAreNotSeveral) {
  world_.settings.public_pace.connections = 3;
  world_.Configure();
  world_.Servers({"ehlo=250-mx\\n250 PIPELINING ;; rcpt={wait 100ms}250 Ok"});
  Start(900);
  world_.test.Advance(absl::Minutes(1));
  EXPECT_EQ(Count("RCPT"), 900);
  EXPECT_GE(Count("MAIL"), 900 / 10);
}

TEST_F(DestinationTest, ATarpitIsAskedAboutOneAddressASession) {
  world_.settings.public_pace.connections = 1;
  world_.Configure();
  world_.Servers({"rcpt={wait 2s}250 Ok"});
  Start(1);
  world_.test.Advance(absl::Seconds(5));
  const auto outcomes = Start(4);
  world_.test.Advance(absl::Minutes(1));
  for (const Outcome& outcome : outcomes) EXPECT_EQ(ReasonOf(outcome), Reason::kAccepted);
  EXPECT_EQ(world_.dialer.dialed(), 5U);
}

TEST_F(DestinationTest, AnAddressWhoseTimeIsOverIsAnsweredWhileItsBatchGoesOn) {
  world_.settings.public_pace.connections = 1;
  world_.Configure();
  world_.Servers({"rcpt={wait 20s}250 Ok"});
  const Outcome patient = world_.Start(world_.Request("0@example.com", absl::Seconds(100)));
  const Outcome late = world_.Start(world_.Request("1@example.com", absl::Seconds(30)));
  world_.test.Advance(absl::Seconds(31));
  EXPECT_EQ(ReasonOf(patient), Reason::kAccepted);
  EXPECT_TRUE(late->has_value());
  EXPECT_NE(ReasonOf(late), Reason::kAccepted);
}

TEST_F(DestinationTest, WhoBlocksUsDoesNotSpeakForAnotherProvider) {
  world_.resolver.SetMx("example.com", {{10, "mx1.one.example"}, {20, "mx2.one.example"}, {30, "mx.two.example"}});
  world_.resolver.SetAddresses("mx1.one.example", {"11.0.0.1"});
  world_.resolver.SetAddresses("mx2.one.example", {"11.0.0.2"});
  world_.resolver.SetAddresses("mx.two.example", {"11.0.0.3"});
  world_.dialer.Play("11.0.0.1", "rcpt=550 5.7.1 blocked using zen.spamhaus.org");
  world_.dialer.Play("11.0.0.2", "rcpt=250 Ok");
  world_.dialer.Play("11.0.0.3", "rcpt=550 5.1.1 User unknown");
  const Finding finding = world_.Probe().finding;
  EXPECT_EQ(finding.reason, Reason::kNoSuchUser);
  EXPECT_EQ(finding.mx_name, "mx.two.example");
  EXPECT_EQ(world_.dialer.dialed(), 2U);
}

TEST_F(DestinationTest, AServerThatIsDownIsLeftAloneAndTriedAgain) {
  world_.Servers({"{refused}"});
  for (uint32_t i = 0; i < Breaker::kFailures; ++i) EXPECT_EQ(world_.Probe().finding.reason, Reason::kConnectRefused);
  const size_t dialed = world_.dialer.dialed();
  const Finding resting = world_.Probe().finding;
  EXPECT_EQ(resting.reason, Reason::kConnectRefused);
  EXPECT_EQ(resting.rule, "breaker");
  EXPECT_THAT(resting.text, HasSubstr("left alone"));
  EXPECT_EQ(world_.dialer.dialed(), dialed);
  world_.dialer.PlayOnly("11.0.0.1", "");
  world_.test.Advance(absl::Minutes(2));
  EXPECT_EQ(world_.Probe().finding.reason, Reason::kAccepted);
  EXPECT_EQ(world_.Probe("jane@example.com").finding.reason, Reason::kAccepted);
}

TEST_F(DestinationTest, OneTenantsPolicyDoesNotSilenceTheOthers) {
  world_.Servers(
      {"rcpt(0@example.com)=550 5.7.1 Message rejected due to local policy ;; "
       "rcpt(1@example.com)=550 5.7.1 Message rejected due to local policy ;; "
       "rcpt(2@example.com)=550 5.7.1 Message rejected due to local policy"});
  AlsoServes("example.net");
  const auto outcomes = Start(3);
  world_.test.Advance(absl::Seconds(1));
  for (const Outcome& outcome : outcomes) EXPECT_EQ((*outcome)->finding.scope, Scope::kUs);
  EXPECT_EQ(world_.Probe("jane@example.com").finding.rule, "breaker");
  EXPECT_EQ(world_.Probe("joe@example.net").finding.reason, Reason::kAccepted);
}

TEST_F(DestinationTest, WordsAboutOurAddressBeforeARecipientIsNamedSilenceTheWholeDestination) {
  world_.Servers({"mail=550 5.7.1 blocked using zen.spamhaus.org"});
  AlsoServes("example.net");
  EXPECT_EQ(world_.Probe("joe@example.com").finding.reason, Reason::kBlockedIp);
  const Finding other = world_.Probe("joe@example.net").finding;
  EXPECT_EQ(other.reason, Reason::kBlockedIp);
  EXPECT_EQ(other.rule, "breaker");
}

TEST_F(DestinationTest, WordsAboutOurAddressThatOneRecipientHearsSilenceNobodyElse) {
  world_.Servers({"rcpt(odd@example.com)=550 5.7.1 blocked using zen.spamhaus.org"});
  AlsoServes("example.net");
  for (int i = 0; i < 10; ++i) EXPECT_EQ(world_.Probe("odd@example.com").finding.reason, Reason::kBlockedIp);
  EXPECT_EQ(world_.Probe("joe@example.com").finding.reason, Reason::kAccepted);
  EXPECT_EQ(world_.Probe("joe@example.net").finding.reason, Reason::kAccepted);
}

TEST_F(DestinationTest, WhileOthersOfADomainAreAnsweredNoWordsAtRcptSilenceIt) {
  world_.Servers({"rcpt(jane@example.com)=250 Ok ;; rcpt=550 5.7.1 blocked using zen.spamhaus.org"});
  EXPECT_EQ(world_.Probe("jane@example.com").finding.reason, Reason::kAccepted);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(world_.Probe(absl::StrCat("odd", i, "@example.com")).finding.rule, "blocked.listed");
  }
  EXPECT_EQ(world_.Probe("jane@example.com").finding.reason, Reason::kAccepted);
  world_.test.Advance(RecentAnswers::kLately);
  for (int i = 0; i < 3; ++i) world_.Probe(absl::StrCat("odd", i, "@example.com"));
  EXPECT_EQ(world_.Probe("jane@example.com").finding.rule, "breaker");
}

TEST_F(DestinationTest, AServerThatHangsUpAtOddRecipientsIsAliveForAllOthers) {
  for (const char* odd : {"{eof}", "{reset}", "221 2.0.0 Bye", "354 go on", "garbage", "421 4.3.0 Bye"}) {
    world_.Servers({absl::StrCat("rcpt(jane@example.net)=250 Ok ;; rcpt=", odd)});
    AlsoServes("example.net");
    for (int i = 0; i < 10; ++i) {
      EXPECT_EQ(world_.Probe(absl::StrCat("odd", i, "@example.com")).finding.deliverability, Deliverability::kUnknown);
      EXPECT_EQ(world_.Probe("jane@example.net").finding.reason, Reason::kAccepted) << odd;
    }
  }
}

TEST_F(DestinationTest, WhoIsAskedAboutBesideAnOddRecipientIsAnsweredAllTheSame) {
  world_.settings.public_pace.connections = 1;
  world_.Configure();
  world_.Servers({"rcpt(1@example.com)={eof} ;; rcpt(3@example.com)={eof}"});
  const auto outcomes = Start(6);
  world_.test.Advance(absl::Seconds(2));
  for (const int innocent : {0, 2, 4, 5}) EXPECT_EQ(ReasonOf(outcomes[innocent]), Reason::kAccepted) << innocent;
  for (const int odd : {1, 3}) EXPECT_EQ(ReasonOf(outcomes[odd]), Reason::kConnectionDropped);
}

TEST_F(DestinationTest, ARecipientWithoutAReplyKeepsNobodyWaiting) {
  world_.settings.public_pace.connections = 2;
  world_.Configure();
  world_.Servers({"ehlo=250-mx\\n250 PIPELINING ;; rcpt(1@example.com)={wait 1000s}250 Ok"});
  EXPECT_EQ(world_.Probe("jane@example.com").finding.reason, Reason::kAccepted);
  const auto outcomes = Start(4);
  world_.test.Advance(absl::Seconds(4));
  for (const int innocent : {0, 2, 3}) EXPECT_EQ(ReasonOf(outcomes[innocent]), Reason::kAccepted) << innocent;
  EXPECT_FALSE(outcomes[1]->has_value());  // on a connection of its own, with all the time there is
}

TEST_F(DestinationTest, RecipientsWithoutAReplyHaveHalfOfTheConnectionsAtMost) {
  world_.settings.public_pace.connections = 4;
  world_.Configure();
  world_.Servers({"rcpt(jane@example.com)=250 Ok ;; rcpt(joe@example.com)=250 Ok ;; rcpt={wait 1000s}250 Ok"});
  EXPECT_EQ(world_.Probe("jane@example.com").finding.reason, Reason::kAccepted);
  const auto silent = Start(20);
  world_.test.Advance(absl::Seconds(30));
  const Outcome joe = world_.Start(world_.Request("joe@example.com"));
  world_.test.Advance(absl::Seconds(6));
  EXPECT_EQ(ReasonOf(joe), Reason::kAccepted);
}

TEST_F(DestinationTest, AnEndBehindRefusalsIsNoComplaintAndSoManyAreNotProvokedAgain) {
  world_.settings.public_pace.connections = 1;
  world_.Configure();
  std::string script = "ehlo=250-mx\\n250 PIPELINING";
  for (int i = 0; i < 3; ++i) absl::StrAppend(&script, " ;; rcpt=550 5.1.1 User unknown");
  absl::StrAppend(&script, " ;; rcpt=421 4.7.0 Too many errors ;; rset=421 4.7.0 Too many errors");
  world_.Servers({script});
  const std::vector<Outcome> outcomes = StartUsers(60);
  world_.test.Advance(absl::Seconds(60));
  for (const Outcome& outcome : outcomes) EXPECT_EQ(ReasonOf(outcome), Reason::kNoSuchUser);
  const std::vector<DestinationActivity> activity = world_.test.Run(world_.prober.Activity("mx1.example.com"));
  EXPECT_EQ(activity.at(0).questions_per_second, 0);
  int refused_too_late = 0;
  for (const auto& connection : world_.dialer.connections()) {
    refused_too_late += std::count_if(connection->commands.begin(), connection->commands.end(),
                                      [](const std::string& command) { return absl::StartsWith(command, "RCPT"); }) > 3;
  }
  EXPECT_LE(refused_too_late, 1);
}

TEST_F(DestinationTest, AComplaintAboutOneRecipientSlowsNobodyDown) {
  for (const char* said : {"450 4.7.1 Too many connections, slow down", "421 4.7.0 You are too fast, slow down"}) {
    world_.Servers({absl::StrCat("rcpt(odd@example.com)=", said)});
    for (int i = 0; i < 10; ++i) {
      EXPECT_EQ(world_.Probe("odd@example.com").finding.deliverability, Deliverability::kUnknown);
    }
    EXPECT_EQ(world_.Probe("jane@example.com").finding.reason, Reason::kAccepted);
    EXPECT_EQ(world_.test.Run(world_.prober.Activity("mx1.example.com")).at(0).questions_per_second, 0);
  }
}

TEST_F(DestinationTest, OneComplaintIsNotThatOfAllWhoAreBehindItInTheTransaction) {
  world_.settings.public_pace.connections = 1;
  world_.Configure();
  world_.Servers({"rcpt(1@example.com)=421 4.7.0 You are too fast, slow down"});
  const auto outcomes = Start(4);
  world_.test.Advance(absl::Seconds(5));
  for (const int innocent : {0, 2, 3}) EXPECT_EQ(ReasonOf(outcomes[innocent]), Reason::kAccepted) << innocent;
  EXPECT_EQ((*outcomes[1])->finding.deliverability, Deliverability::kUnknown);
  EXPECT_EQ(world_.test.Run(world_.prober.Activity("mx1.example.com")).at(0).questions_per_second, 0);
  // Two connections are for the odd one, which is asked alone; one is for all others.
  EXPECT_LE(world_.dialer.dialed(), 4U);
}

TEST_F(DestinationTest, AComplaintOfOneDomainsRecipientsSlowsNoOtherDomainDown) {
  world_.Servers({"rcpt(jane@example.net)=250 Ok ;; rcpt=450 4.7.1 Too many connections, slow down"});
  AlsoServes("example.net");
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(world_.Probe("jane@example.net").finding.reason, Reason::kAccepted);
    world_.Probe(absl::StrCat("odd", i, "@example.com"));
  }
  EXPECT_EQ(world_.test.Run(world_.prober.Activity("mx1.example.com")).at(0).questions_per_second, 0);
}

TEST_F(DestinationTest, WhatOneDomainsRecipientsWereBelievedIsForgottenWhereAnotherDomainHearsNothingOfIt) {
  world_.Servers(
      {"rcpt(jane@example.net)=250 Ok ;; rcpt(joe@example.com)=250 Ok ;; rcpt=450 4.7.1 Too many, slow down"});
  AlsoServes("example.net");
  EXPECT_EQ(world_.Probe("joe@example.com").finding.reason, Reason::kAccepted);
  for (int i = 0; i < 4; ++i) world_.Probe(absl::StrCat("odd", i, "@example.com"));
  const auto rate = [&] {
    return world_.test.Run(world_.prober.Activity("mx1.example.com")).at(0).questions_per_second;
  };
  EXPECT_GT(rate(), 0);
  EXPECT_EQ(world_.Probe("jane@example.net").finding.reason, Reason::kAccepted);
  world_.Probe("odd5@example.com");
  EXPECT_EQ(rate(), 0);
}

TEST_F(DestinationTest, AnAddressOfOursThatOneRecipientIsToldIsBlockedGoesOnWhereAnotherIsToldTheSame) {
  const CapturedLog log;
  world_.settings.bind_addresses = {"192.0.2.1", "192.0.2.2"};
  world_.Configure();
  world_.Servers({"rcpt=550 5.7.1 blocked using zen.spamhaus.org"});
  EXPECT_EQ(world_.Probe().finding.reason, Reason::kBlockedIp);
  std::set<std::string> used;
  for (const auto& connection : world_.dialer.connections()) used.insert(connection->source);
  EXPECT_EQ(used, (std::set<std::string>{"192.0.2.1", "192.0.2.2"}));
  EXPECT_THAT(log.lines(), testing::IsEmpty());
}

TEST_F(DestinationTest, AnAddressOfOursThatIsBlockedAtRcptRestsWhereAnotherIsAnswered) {
  const CapturedLog log;
  world_.settings.bind_addresses = {"192.0.2.1", "192.0.2.2"};
  world_.Configure();
  world_.Servers({""});
  world_.dialer.PlayOnly("11.0.0.1", "rcpt=550 5.7.1 blocked using zen.spamhaus.org");
  world_.dialer.Play("11.0.0.1", "");
  EXPECT_EQ(world_.Probe().finding.reason, Reason::kAccepted);
  ASSERT_THAT(log.lines(), SizeIs(1));
  EXPECT_THAT(log.lines()[0], HasSubstr(absl::StrCat("blocks our address ", world_.dialer.connections()[0]->source)));
}

TEST_F(DestinationTest, OneAddressThatIsRefusedByAPolicyDoesNotSilenceItsDomain) {
  world_.Servers({"rcpt(list@example.com)=550 5.7.1 Message rejected due to local policy"});
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(world_.Probe("list@example.com").finding.scope, Scope::kUs);
    EXPECT_EQ(world_.Probe("joe@example.com").finding.reason, Reason::kAccepted);
  }
}

TEST_F(DestinationTest, ThreeDomainsThatAgreeSilenceTheWholeDestination) {
  world_.Servers({"rcpt=550 5.7.1 Message rejected due to local policy"});
  for (const char* domain : {"a.example", "b.example", "c.example", "d.example"}) AlsoServes(domain);
  for (const char* domain : {"a.example", "b.example", "c.example"}) {
    for (uint32_t i = 0; i < Breaker::kFailures; ++i) {
      EXPECT_NE(world_.Probe(absl::StrCat("joe", i, "@", domain)).finding.rule, "breaker") << domain;
    }
  }
  EXPECT_EQ(world_.Probe("joe@d.example").finding.rule, "breaker");
}

TEST_F(DestinationTest, WhatIsLeftAloneStaysSoOverARestart) {
  std::vector<DomainBreaker> kept;
  world_.prober.SetObserver({.domain = [&](const DomainBreaker& state) { kept.push_back(state); }});
  world_.Servers({"rcpt=450 4.7.0 Too many connections from your host, slow down"});
  for (const char* name : {"joe", "jane", "jim"}) {
    EXPECT_EQ(world_.Probe(absl::StrCat(name, "@example.com")).finding.reason, Reason::kRateLimited);
  }
  world_.test.RunUntilIdle();
  ASSERT_FALSE(kept.empty());
  EXPECT_EQ(kept.back().Name(), "mx1.example.com example.com");
  Prober again(world_.test.loop(), world_.resolver, {{world_.test.loop(), world_.dialer}});
  again.Configure(std::make_shared<const ProbeSettings>(world_.settings), Classifier::BuiltIn());
  again.Restore({}, {kept.back()});
  EXPECT_EQ(world_.test.Run(again.Probe(world_.Request("joe@example.com"))).finding.rule, "breaker");
}

TEST_F(DestinationTest, ABrokenConnectionDoesNotKeepBatchesSmallForEver) {
  world_.settings.public_pace.connections = 1;
  world_.Configure();
  world_.Servers({"rcpt(1@example.com)={eof}"});
  world_.dialer.Play("11.0.0.1", "");
  Start(4);
  world_.test.Advance(absl::Seconds(10));
  const size_t before = static_cast<size_t>(Count("MAIL"));
  Start(100);
  world_.test.Advance(absl::Seconds(10));
  EXPECT_LE(static_cast<size_t>(Count("MAIL")) - before, 12U);
}

TEST_F(DestinationTest, AnAddressThatIsAnsweredAtOnceIsNotTouchedWhenTheOthersAreTriedAgain) {
  world_.settings.public_pace.connections = 1;
  world_.Configure();
  world_.Servers({"mail=250 Ok ;; mail=530 5.7.0 Must issue a STARTTLS command first ;; mail=250 Ok"});
  // While the first is asked about, the others come together into one transaction.
  const Outcome first = world_.Start(world_.Request("jane@example.com"));
  const Outcome international = world_.Start(world_.Request("jos\xc3\xa9@example.com"));
  const Outcome plain = world_.Start(world_.Request("joe@example.com"));
  world_.test.Advance(absl::Seconds(10));
  EXPECT_EQ(ReasonOf(first), Reason::kAccepted);
  EXPECT_EQ(ReasonOf(international), Reason::kSmtputf8Required);
  EXPECT_EQ(ReasonOf(plain), Reason::kAccepted);
  EXPECT_THAT(world_.dialer.connections().at(0)->commands, testing::Contains("STARTTLS"));
}

TEST_F(DestinationTest, TheTargetIsAskedFirstAndAnImpossibleAddressBehindIt) {
  world_.Servers({"rcpt=550 5.1.1 User unknown ;; rcpt(joe@example.com)=250 Ok"});
  ProbeRequest request = world_.Request("joe@example.com");
  request.ask_catch_all = AskCatchAll::kAlways;
  const ProbeOutcome outcome = world_.Probe(std::move(request));
  EXPECT_EQ(outcome.finding.reason, Reason::kAccepted);
  EXPECT_EQ(outcome.catch_all, CatchAll::kNo);
  const auto& commands = world_.dialer.connections().at(0)->commands;
  ASSERT_THAT(commands, SizeIs(testing::Ge(4U)));
  EXPECT_EQ(commands[2], "RCPT TO:<joe@example.com>");
  EXPECT_EQ(Count("RCPT"), 2);
}

TEST_F(DestinationTest, WhoTakesAnImpossibleAddressTakesAll) {
  world_.Servers({""});
  ProbeRequest request = world_.Request("joe@example.com");
  request.ask_catch_all = AskCatchAll::kAlways;
  EXPECT_EQ(world_.Probe(std::move(request)).catch_all, CatchAll::kYes);
}

TEST_F(DestinationTest, ProvidersWhoseAnswerIsKnownAreNotAskedAboutImpossibleAddresses) {
  for (const char* host : {"aspmx.l.google.com", "example-com.mail.protection.outlook.com", "mta5.am0.yahoodns.net"}) {
    ProbeWorld world;
    world.resolver.SetMx("example.com", {{10, host}});
    world.resolver.SetAddresses(host, {"11.0.0.1"});
    world.dialer.PlayOnly("11.0.0.1", "rcpt=250 Ok");
    ProbeRequest request = world.Request("joe@example.com");
    request.ask_catch_all = AskCatchAll::kAlways;
    EXPECT_EQ(world.Probe(std::move(request)).catch_all, CatchAll::kNotAsked) << host;
    EXPECT_EQ(world.prober.counts().probes, 1U);
  }
}

TEST_F(DestinationTest, AddressesThatComeTogetherCostOneQuestionAboutImpossibleOnes) {
  world_.Servers({"rcpt=250 Ok"});
  for (int i = 0; i < 50; ++i) {
    ProbeRequest request = world_.Request(absl::StrCat("user", i, "@example.com"));
    request.ask_catch_all = AskCatchAll::kAlways;
    world_.Start(std::move(request));
  }
  world_.test.Advance(absl::Seconds(10));
  EXPECT_EQ(Count("RCPT"), 52);
}

TEST_F(DestinationTest, NoAnswerAboutTheImpossibleAddressSpoilsTheTargets) {
  for (const char* answer : {"450 4.7.1 Greylisted", "452 4.5.3 Too many recipients", "{eof}", "{timeout}",
                             "550 5.7.1 blocked using zen.spamhaus.org"}) {
    ProbeWorld world;
    world.Servers({absl::StrCat("rcpt=", answer, " ;; rcpt(joe@example.com)=250 Ok")});
    ProbeRequest request = world.Request("joe@example.com");
    request.ask_catch_all = AskCatchAll::kAlways;
    const ProbeOutcome outcome = world.Probe(std::move(request));
    EXPECT_EQ(outcome.finding.reason, Reason::kAccepted) << answer;
    EXPECT_EQ(outcome.catch_all, CatchAll::kCouldNotTell) << answer;
  }
}

TEST_F(DestinationTest, ARefusedTargetSaysThatNotAllIsTaken) {
  world_.Servers({"rcpt=550 5.1.1 User unknown"});
  ProbeRequest request = world_.Request("joe@example.com");
  request.ask_catch_all = AskCatchAll::kAlways;
  EXPECT_EQ(world_.Probe(std::move(request)).catch_all, CatchAll::kNo);
  EXPECT_EQ(Count("RCPT"), 1);
}

TEST_F(DestinationTest, WhereSessionsAreScarceTheLastQuestionTakesItsGoodbyeAlong) {
  world_.settings.session_limit = 1;
  world_.Configure();
  world_.Servers({"ehlo=250-mx\\n250 PIPELINING ;; rcpt={wait 1s}250 ok"});
  const std::vector<Outcome> first = Start(1);
  world_.test.RunUntilIdle();
  EXPECT_EQ(Count("QUIT"), 1);
  EXPECT_FALSE(first[0]->has_value());
  // Probes that come meanwhile have a connection of their own.
  const std::vector<Outcome> second = Start(2);
  world_.test.Advance(absl::Seconds(5));
  EXPECT_EQ(ReasonOf(first[0]), Reason::kAccepted);
  EXPECT_EQ(ReasonOf(second[0]), Reason::kAccepted);
  EXPECT_EQ(ReasonOf(second[1]), Reason::kAccepted);
  EXPECT_EQ(Count("QUIT"), static_cast<int>(world_.dialer.connections().size()));
  EXPECT_EQ(world_.dialer.open_now(), 0U);
}

TEST_F(DestinationTest, AtTheEndIdleConnectionsAreClosedAtOnce) {
  world_.Servers({""});
  world_.Probe();
  EXPECT_EQ(world_.dialer.open_now(), 1U);
  world_.test.loop().Spawn(world_.prober.Drain(world_.test.clock().Mono() + absl::Seconds(10)));
  world_.test.RunUntilIdle();
  EXPECT_EQ(world_.dialer.open_now(), 0U);
}

TEST_F(DestinationTest, ABrokenIpv6CostsAMomentAndNotATimeOut) {
  world_.settings.address_preference = AddressPreference::kIpv6;
  world_.Configure();
  world_.resolver.SetMx("example.com", {{10, "mx.example.com"}});
  world_.resolver.SetAddresses("mx.example.com", {"2a00::1", "11.0.0.1"});
  world_.dialer.Play("2a00::1", "{timeout}");
  world_.dialer.Play("11.0.0.1", "");
  const MonoTime began = world_.test.clock().Mono();
  const Finding finding = world_.Probe().finding;
  EXPECT_EQ(finding.reason, Reason::kAccepted);
  EXPECT_EQ(finding.mx_address, "11.0.0.1");
  EXPECT_EQ(world_.test.clock().Mono() - began, kRaceDelay);
}

TEST_F(DestinationTest, AnUnreachableIpVersionIsLeftAtOnce) {
  world_.settings.address_preference = AddressPreference::kIpv6;
  world_.Configure();
  world_.resolver.SetMx("example.com", {{10, "mx.example.com"}});
  world_.resolver.SetAddresses("mx.example.com", {"2a00::1", "11.0.0.1"});
  world_.dialer.Play("2a00::1", "{unreachable}");
  world_.dialer.Play("11.0.0.1", "rcpt=550 5.1.1 User unknown");
  const MonoTime began = world_.test.clock().Mono();
  EXPECT_EQ(world_.Probe().finding.reason, Reason::kNoSuchUser);
  EXPECT_EQ(world_.test.clock().Mono(), began);
}

TEST_F(DestinationTest, WhereBothAnswerTheFirstIsTakenAndTheOtherIsNotEvenDialed) {
  world_.resolver.SetMx("example.com", {{10, "mx.example.com"}});
  world_.resolver.SetAddresses("mx.example.com", {"2a00::1", "11.0.0.1"});
  world_.dialer.Play("2a00::1", "");
  world_.dialer.Play("11.0.0.1", "");
  world_.Probe();
  EXPECT_EQ(world_.dialer.dialed(), 1U);
}

TEST_F(DestinationTest, WhenNobodysPort25AnswersItIsOurs) {
  const CapturedLog log;
  for (int i = 0; i < 5; ++i) {
    const std::string domain = absl::StrCat("d", i, ".example");
    world_.resolver.SetMx(domain, {{10, absl::StrCat("mx.", domain)}});
    world_.resolver.SetAddresses(absl::StrCat("mx.", domain), {absl::StrCat("11.0.1.", i)});
    world_.dialer.Play(absl::StrCat("11.0.1.", i), "{timeout}");
    const Finding finding = world_.Probe(absl::StrCat("joe@", domain)).finding;
    EXPECT_EQ(finding.reason, i < 4 ? Reason::kConnectTimeout : Reason::kLocalPort25Blocked);
    EXPECT_EQ(finding.deliverability, Deliverability::kUnknown);
  }
  EXPECT_TRUE(log.Contains("port 25 seem to be blocked here"));
}

TEST_F(DestinationTest, WhoIsToComeAgainIsToldFromWhereHeCameAndComesFromThere) {
  world_.settings.bind_addresses = {"192.0.2.1", "192.0.2.2", "192.0.2.3"};
  world_.settings.connection_idle_time = absl::ZeroDuration();
  world_.Configure();
  world_.Servers({"rcpt=450 4.2.0 Greylisted, come again in 5 minutes"});
  const ProbeIdentity identity = world_.Probe().identity;
  EXPECT_EQ(identity.source_address, world_.dialer.connections().back()->source);
  for (int i = 0; i < 4; ++i) {
    world_.test.Advance(absl::Hours(1));
    ProbeRequest again = world_.Request("joe@example.com");
    again.identity = identity;
    EXPECT_EQ(world_.Probe(std::move(again)).identity.source_address, identity.source_address);
    EXPECT_EQ(world_.dialer.connections().back()->source, identity.source_address);
  }
}

TEST_F(DestinationTest, AHostThatDidNotAnswerIsNotTriedAgainForTheNextAddress) {
  world_.settings.connection_idle_time = absl::ZeroDuration();
  world_.Configure();
  world_.Servers({"{timeout}", ""});
  EXPECT_EQ(world_.Probe("joe@example.com").finding.deliverability, Deliverability::kDeliverable);
  const size_t dialed = world_.dialer.dialed();
  EXPECT_EQ(world_.Probe("ann@example.com").finding.deliverability, Deliverability::kDeliverable);
  EXPECT_EQ(world_.dialer.dialed(), dialed + 1);
  world_.test.Advance(DeadHosts::kFirstPause);
  world_.Servers({"", ""});
  EXPECT_EQ(world_.Probe("bob@example.com").finding.mx_name, "mx1.example.com");
}

TEST_F(DestinationTest, WhoAsksForTooManyUnknownUsersIsNotAskedForTheRestOfTheHour) {
  world_.settings.unknown_budget = {.number = 3, .percent = 50};
  world_.Configure();
  world_.Servers({"rcpt=550 5.1.1 User unknown"});
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(world_.Probe(absl::StrCat("no", i, "@example.com")).finding.reason, Reason::kNoSuchUser);
  }
  const Finding over = world_.Probe("no4@example.com").finding;
  EXPECT_EQ(over.deliverability, Deliverability::kUnknown);
  EXPECT_EQ(over.rule, "budget.unknown");
  world_.test.Advance(UnknownShare::kWindow);
  EXPECT_EQ(world_.Probe("no4@example.com").finding.reason, Reason::kNoSuchUser);
}

TEST_F(DestinationTest, WhatOneAsksForInVainDoesNotHoldUpOthers) {
  world_.settings.unknown_budget = {.number = 4, .percent = 50};
  world_.Configure();
  world_.Servers({"rcpt=550 5.1.1 User unknown"});
  const auto ask = [&](absl::string_view address, uint64_t asker, bool ours) {
    ProbeRequest request = world_.Request(address, absl::Seconds(1000));
    request.asker = asker;
    request.ours = ours;
    return world_.Probe(std::move(request));
  };
  EXPECT_FALSE(ask("no1@example.com", 7, false).declined);
  const ProbeOutcome over = ask("no2@example.com", 7, false);
  EXPECT_TRUE(over.declined);
  EXPECT_EQ(over.finding.rule, "budget.unknown");
  EXPECT_EQ(ask("no3@example.com", 8, false).finding.reason, Reason::kNoSuchUser);
  EXPECT_EQ(ask("no4@example.com", 7, true).finding.reason, Reason::kNoSuchUser) << "our own have no budget";
}

TEST_F(DestinationTest, AnAddressOfOursThatIsBlockedRestsAndAnotherIsUsed) {
  world_.settings.bind_addresses = {"192.0.2.1", "192.0.2.2"};
  world_.Configure();
  world_.Servers({"banner=554 5.7.1 Your IP address is blocked using a blacklist"});
  const ProbeOutcome outcome = world_.Probe();
  EXPECT_EQ(outcome.finding.scope, Scope::kUs);
  std::set<std::string> used;
  for (size_t i = 0; i < world_.dialer.connections().size(); ++i) used.insert(world_.dialer.connections()[i]->source);
  EXPECT_EQ(used, (std::set<std::string>{"192.0.2.1", "192.0.2.2"}));
}

TEST_F(DestinationTest, WhatADestinationIsToldOtherwiseIsSaidToIt) {
  world_.settings.destinations =
      DestinationSettings::Load("inline:{ {mx1.example.com = helo=other.example.org sender=other@example.org} }",
                                world_.settings)
          .value();
  world_.Configure();
  world_.Servers({""});
  const ProbeOutcome outcome = world_.Probe();
  EXPECT_EQ(outcome.identity.sender, "other@example.org");
  EXPECT_THAT(world_.dialer.connections()[0]->commands, testing::Contains("EHLO other.example.org"));
  EXPECT_THAT(world_.dialer.connections()[0]->commands, testing::Contains("MAIL FROM:<other@example.org>"));
}

TEST_F(DestinationTest, WhereNoDescriptorIsLeftProbesWaitForOne) {
  const CapturedLog log;
  world_.Servers({""});
  world_.dialer.PlayOnly("11.0.0.1", "{exhausted}");
  world_.dialer.Play("11.0.0.1", "{exhausted}");
  world_.dialer.Play("11.0.0.1", "");
  EXPECT_EQ(world_.Probe().finding.deliverability, Deliverability::kDeliverable);
  EXPECT_EQ(world_.dialer.dialed(), 3U);
  EXPECT_EQ(log.lines().size(), 1U);
  EXPECT_THAT(log.lines()[0], HasSubstr("no more connections can be opened"));
}

TEST_F(DestinationTest, AServerThatTakesFewConnectionsGetsNoMoreAndNobodyIsDeferred) {
  world_.settings.public_pace = {.connections = 10};
  world_.settings.destination_recipient_limit = 1;
  world_.Configure();
  world_.Servers({""});
  world_.dialer.PlayOnly("11.0.0.1", "rcpt={wait 500ms}250 Ok");
  world_.dialer.Play("11.0.0.1", "rcpt={wait 500ms}250 Ok");
  world_.dialer.Play("11.0.0.1", "rcpt={wait 500ms}250 Ok");
  world_.dialer.Play("11.0.0.1", "banner=421 4.7.0 Too many connections");
  const std::vector<Outcome> outcomes = StartUsers(40);
  world_.test.Advance(absl::Minutes(2));
  int good = 0;
  for (const Outcome& outcome : outcomes) {
    if (outcome->has_value() && (*outcome)->finding.deliverability == Deliverability::kDeliverable) ++good;
  }
  EXPECT_EQ(good, 40);
  const ProberCounts counts = world_.prober.counts();
  EXPECT_LE(counts.refused_connections, 7U);
}

TEST_F(DestinationTest, AServerThatComplainsThatWeAreTooFastIsAskedSlowerAndNobodyIsDeferred) {
  world_.settings.public_pace = {.connections = 1};
  world_.Configure();
  world_.Servers({""});
  // The first connection takes five addresses, then complains about three.
  std::string script;
  for (int i = 0; i < 5; ++i) absl::StrAppend(&script, "rcpt=250 Ok ;; ");
  for (int i = 0; i < 3; ++i) absl::StrAppend(&script, "rcpt=450 4.7.1 You are too fast, slow down ;; ");
  world_.dialer.PlayOnly("11.0.0.1", absl::StrCat(script, "rcpt=250 Ok"));
  world_.dialer.Play("11.0.0.1", "rcpt=250 Ok");
  const std::vector<Outcome> outcomes = StartUsers(20);
  world_.test.Advance(absl::Minutes(2));
  for (const Outcome& outcome : outcomes) {
    ASSERT_TRUE(outcome->has_value());
    EXPECT_EQ((*outcome)->finding.deliverability, Deliverability::kDeliverable) << (*outcome)->finding.text;
  }
  const std::vector<DestinationActivity> activity = world_.test.Run(world_.prober.Activity("mx1.example.com"));
  ASSERT_EQ(activity.size(), 1U);
  EXPECT_GT(activity[0].questions_per_second, 0);
}

class WildcardZoneTest : public DestinationTest {
 protected:
  // Makes n0.evil.example and so on, each with an exchange of its own, at one address or each at its own. The servers
  // connect and stay silent.
  void Evil(int count, bool one_address) {
    for (int i = 0; i < count; ++i) {
      const std::string domain = absl::StrCat("n", i, ".evil.example");
      const std::string address = one_address ? "12.0.0.1" : absl::StrCat("12.", i >> 8, ".", i & 255, ".1");
      world_.resolver.SetMx(domain, {{10, absl::StrCat("mx.", domain)}});
      world_.resolver.SetAddresses(absl::StrCat("mx.", domain), {address});
      world_.dialer.PlayOnly(address, "banner={timeout}");
    }
  }
  void AskEvil(int count) {
    for (int i = 0; i < count; ++i) {
      world_.Start(world_.Request(absl::StrCat("joe@n", i, ".evil.example"), absl::Seconds(300)));
    }
    world_.test.RunUntilIdle();
  }
  Reason Asked(ProbeRequest request) { return world_.Probe(std::move(request)).finding.reason; }
};

TEST_F(WildcardZoneTest, TakesNotTheSessionsOfOthers) {
  world_.settings.session_limit = 200;
  world_.Configure();
  Evil(300, /*one_address=*/false);
  AskEvil(300);
  EXPECT_EQ(world_.dialer.open_now(), 100U);
  world_.Servers({""});
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(Asked(world_.Request(absl::StrCat(i, "@example.com"), absl::Seconds(5))), Reason::kAccepted);
  }
}

// The silent servers belong to so many owners that together they have all the sessions.
TEST_F(WildcardZoneTest, ASilentGreetingGivesWayWhereOthersWaitAndHasAllItsTimeWhereTheyDoNot) {
  world_.settings.session_limit = 20;
  world_.Configure();
  Evil(30, /*one_address=*/false);
  std::vector<Outcome> silent;
  for (int i = 0; i < 18; ++i) {
    silent.push_back(world_.Start(world_.Request(absl::StrCat("joe@n", i, ".evil.example"), absl::Seconds(300))));
  }
  world_.test.Advance(absl::Seconds(100));
  EXPECT_EQ(world_.dialer.open_now(), 18U) << "nobody else wants them";
  world_.Servers({""});
  const Outcome innocent = world_.Start(world_.Request("joe@example.com", absl::Seconds(60)));
  world_.test.Advance(absl::Seconds(21));
  EXPECT_EQ(ReasonOf(innocent), Reason::kAccepted);
  world_.test.RunUntilIdle();
  int hurried = 0;
  for (const Outcome& outcome : silent) {
    if (!outcome->has_value()) continue;
    ++hurried;
    EXPECT_TRUE((*outcome)->hurried);
    EXPECT_EQ(ReasonOf(outcome), Reason::kBannerTimeout);
  }
  EXPECT_GT(hurried, 0);
  world_.test.Advance(absl::Seconds(300));
}

TEST_F(WildcardZoneTest, WhoComesAgainIsNotHurried) {
  world_.settings.session_limit = 20;
  world_.Configure();
  Evil(30, /*one_address=*/false);
  std::vector<Outcome> silent;
  for (int i = 0; i < 25; ++i) {
    ProbeRequest request = world_.Request(absl::StrCat("joe@n", i, ".evil.example"), absl::Seconds(300));
    request.urgency = Urgency::kRetry;
    silent.push_back(world_.Start(std::move(request)));
  }
  world_.test.Advance(absl::Seconds(200));
  for (const Outcome& outcome : silent) EXPECT_FALSE(outcome->has_value());
}

TEST_F(WildcardZoneTest, IsNoReflector) {
  world_.settings.public_pace = {.connections = 5, .connections_per_second = 5};
  world_.Configure();
  Evil(300, /*one_address=*/true);
  AskEvil(300);
  world_.Servers({""});
  EXPECT_EQ(Asked(world_.Request("joe@example.com", absl::Seconds(5))), Reason::kAccepted) << "elsewhere";
  world_.test.Advance(absl::Seconds(60));
  EXPECT_EQ(world_.dialer.most_open(), 6U);
  EXPECT_EQ(world_.dialer.open_now(), 5U);
  world_.test.Advance(absl::Seconds(300));
  EXPECT_EQ(world_.prober.counts().queued_now, 0U);
}

TEST_F(WildcardZoneTest, DoesNotKeepTheOperatorsDomainFromItsServer) {
  world_.settings.public_pace = {.connections = 5, .connections_per_second = 5};
  world_.Configure();
  Evil(100, /*one_address=*/true);
  AskEvil(100);
  // The zone leads to our server.
  world_.resolver.SetMx("ours.example", {{10, "mx.ours.example"}});
  world_.resolver.SetAddresses("mx.ours.example", {"12.0.0.1"});
  world_.dialer.PlayOnly("12.0.0.1", "");
  ProbeRequest request = world_.Request("joe@ours.example", absl::Seconds(5));
  request.ours = true;
  EXPECT_EQ(Asked(std::move(request)), Reason::kAccepted);
}

TEST_F(WildcardZoneTest, TakesTurnsWithThoseWhoseServerItIs) {
  world_.settings.public_pace = {.connections = 5, .connections_per_second = 5};
  world_.Configure();
  Evil(300, /*one_address=*/true);
  world_.resolver.SetMx("good.example", {{10, "mx.good.example"}});
  world_.resolver.SetAddresses("mx.good.example", {"12.0.0.1"});
  world_.dialer.PlayOnly("12.0.0.1", "");
  AskEvil(300);
  EXPECT_EQ(Asked(world_.Request("joe@good.example", absl::Seconds(5))), Reason::kAccepted);
}

TEST_F(WildcardZoneTest, WhoHasMoreToAskAtAnAddressLetsOthersInBetween) {
  world_.settings.public_pace = {.connections = 1};
  world_.Configure();
  for (const char* name : {"busy.example", "good.example"}) {
    world_.resolver.SetMx(name, {{10, absl::StrCat("mx.", name)}});
    world_.resolver.SetAddresses(absl::StrCat("mx.", name), {"12.0.0.1"});
  }
  // A network bears four times as much; there must be no other address in it.
  world_.dialer.PlayOnly("12.0.0.1", "ehlo=250-mx\\n250 PIPELINING ;; rcpt={wait 200ms}250 Ok");
  const auto busy = Start(1000, "busy.example");
  world_.test.Advance(absl::Seconds(5));
  EXPECT_EQ(Asked(world_.Request("joe@good.example", absl::Seconds(6))), Reason::kAccepted);
  EXPECT_FALSE(busy.back()->has_value());
}

TEST_F(WildcardZoneTest, StrangersWhoWaitAtAnAddressDoNotKeepTheOperatorsDomainFromTheSameServer) {
  world_.settings.public_pace = {.connections = 2};
  world_.Configure();
  for (const char* name : {"first.example", "other.example", "ours.example"}) {
    world_.resolver.SetMx(name, {{10, absl::StrCat(name[1] == 'i' ? "mx.first" : "mx.shared", ".example")}});
  }
  for (const char* name : {"mx.first.example", "mx.shared.example"}) world_.resolver.SetAddresses(name, {"12.0.0.1"});
  world_.dialer.PlayOnly("12.0.0.1", "{timeout}");
  Start(1, "first.example");
  world_.test.Advance(absl::Seconds(1));
  Start(2, "first.example");  // the two places of the address are taken
  world_.test.Advance(absl::Seconds(1));
  Start(4, "other.example");  // and these wait for one
  world_.test.Advance(absl::Seconds(1));
  world_.dialer.PlayOnly("12.0.0.1", "");
  ProbeRequest ours = world_.Request("joe@ours.example", absl::Seconds(6));
  ours.ours = true;
  EXPECT_EQ(Asked(ours), Reason::kAccepted);
}

TEST_F(DestinationTest, AResetForgetsWhyItIsLeftAlone) {
  world_.Servers({"banner=554 5.7.1 Your IP address is blocked using a blacklist"});
  world_.Probe();
  EXPECT_EQ(world_.Probe().finding.rule, "breaker");
  world_.Servers({""});
  world_.prober.Reset("mx1.example.com");
  EXPECT_EQ(world_.Probe().finding.deliverability, Deliverability::kDeliverable);
  world_.test.Advance(absl::Minutes(1));
  const std::vector<DestinationActivity> activity = world_.test.Run(world_.prober.Activity(""));
  ASSERT_EQ(activity.size(), 1U);
  EXPECT_EQ(activity[0].name, "mx1.example.com");
  EXPECT_EQ(activity[0].connections, 0);
}

}  // namespace
}  // namespace verifyd
