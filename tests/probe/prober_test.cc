#include "probe/prober.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "probe/session.h"
#include "tests/probe/probe_world.h"

namespace verifyd {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(ProberTest, AskedOnceAServerSaysYes) {
  ProbeWorld world;
  world.Servers({"rcpt=250 2.1.5 Ok"});
  const ProbeOutcome outcome = world.Probe();
  const Finding& finding = outcome.finding;
  EXPECT_EQ(finding.deliverability, Deliverability::kDeliverable);
  EXPECT_EQ(finding.reason, Reason::kAccepted);
  EXPECT_EQ(finding.scope, Scope::kAddress);
  EXPECT_EQ(finding.stage, Stage::kRcpt);
  EXPECT_EQ(finding.code, 250);
  EXPECT_EQ(finding.enhanced.ToString(), "2.1.5");
  EXPECT_EQ(finding.text, "250 2.1.5 Ok");
  EXPECT_EQ(finding.mx_name, "mx1.example.com");
  EXPECT_EQ(finding.mx_address, "11.0.0.1");
  EXPECT_EQ(finding.when, world.test.clock().Now());
  EXPECT_FALSE(finding.rule.empty());
  EXPECT_EQ(outcome.destination, "mx1.example.com");
  EXPECT_EQ(outcome.identity.helo, "gateway.example.org");
  EXPECT_THAT(outcome.dialogue, IsEmpty());
  world.test.RunUntilIdle();
  EXPECT_THAT(world.dialer.connections().at(0)->commands,
              ElementsAre("EHLO gateway.example.org", "MAIL FROM:<probe@gateway.example.org>",
                          "RCPT TO:<joe@example.com>", "QUIT"));
  EXPECT_FALSE(world.dialer.connections().at(0)->open);
}

TEST(ProberTest, AServerSaysNoInPostfixWords) {
  ProbeWorld world;
  world.Servers({"rcpt=550-5.1.1 No such\\n550 5.1.1 user"});
  const Finding finding = world.Probe().finding;
  EXPECT_EQ(finding.deliverability, Deliverability::kUndeliverable);
  EXPECT_EQ(finding.reason, Reason::kNoSuchUser);
  EXPECT_EQ(finding.code, 550);
  EXPECT_EQ(finding.enhanced.ToString(), "5.1.1");
  EXPECT_EQ(finding.text,
            "host mx1.example.com[11.0.0.1] said: 550 5.1.1 No such 5.1.1 user (in reply to RCPT TO command)");
}

TEST(ProberTest, ALongReplyIsCutAndTheWordsBehindItStay) {
  ProbeWorld world;
  world.Servers({absl::StrCat("rcpt=550 5.1.1 User unknown ", std::string(1000, 'x'))});
  const Finding finding = world.Probe().finding;
  EXPECT_EQ(finding.text.size(), Finding::kMaxText);
  EXPECT_THAT(finding.text, testing::EndsWith("xxx (in reply to RCPT TO command)"));
}

TEST(ProberTest, TheAnswerDoesNotWaitForTheGoodbyeAndNothingWaitsLongForTheReplyToQuit) {
  ProbeWorld world;
  world.Servers({"quit={timeout}"});
  const MonoTime began = world.test.clock().Mono();
  EXPECT_EQ(world.Probe().finding.reason, Reason::kAccepted);
  EXPECT_EQ(world.test.clock().Mono(), began);
  world.test.RunUntilIdle();
  EXPECT_EQ(world.dialer.open_now(), 1U);
  world.test.Advance(Session::kQuitPatience);
  EXPECT_EQ(world.dialer.open_now(), 0U);
}

TEST(ProberTest, AProbeThatFailsInsideVerifydIsAnsweredAsOurOwnFailure) {
  const CapturedLog log;
  ProbeWorld world;
  world.Servers({"rcpt=250 2.1.5 Ok"});
  world.resolver.set_broken(true);
  const auto outcome = world.Start(world.Request("joe@example.com"));
  std::optional<std::string> told;
  world.test.loop().Spawn(world.prober.Begin(
      world.Request("ann@example.com"),
      [&](ProbeRequest&& request, ProbeOutcome&& began) {
        told = absl::StrCat(request.address.Key(), ": ", static_cast<int>(began.finding.reason));
      },
      nullptr));
  world.test.RunUntilIdle();
  ASSERT_TRUE(outcome->has_value());
  EXPECT_EQ((*outcome)->finding.reason, Reason::kLocalError);
  EXPECT_EQ((*outcome)->finding.deliverability, Deliverability::kUnknown);
  EXPECT_EQ((*outcome)->identity.helo, "gateway.example.org");
  EXPECT_EQ(told, absl::StrCat("ann@example.com: ", static_cast<int>(Reason::kLocalError)));
  EXPECT_TRUE(log.Contains("the resolver is broken"));
  world.resolver.set_broken(false);
  EXPECT_EQ(world.Probe().finding.reason, Reason::kAccepted);
}

TEST(ProberTest, AProbeThatIsInTheAirWhenTheProberEndsIsAnsweredByNobody) {
  TestLoop test;
  ScriptedResolver resolver(test.loop());
  resolver.SetMx("example.com", {{10, "mx.example.com"}});
  resolver.SetAddresses("mx.example.com", {"11.0.0.1"});
  ScriptedDialer dialer(test.loop());
  dialer.Play("11.0.0.1", "rcpt={wait 100s}250 Ok");
  auto prober = std::make_unique<Prober>(test.loop(), resolver, std::vector<Prober::Shard>{{test.loop(), dialer}});
  prober->Configure(std::make_shared<const ProbeSettings>(), Classifier::BuiltIn());
  ProbeRequest request;
  request.address = Address::Parse("joe@example.com").value();
  request.deadline = test.clock().Mono() + absl::Seconds(1000);
  bool told = false;
  test.loop().Spawn(prober->Begin(
      std::move(request), [&](ProbeRequest&& /*request*/, ProbeOutcome&& /*outcome*/) { told = true; }, nullptr));
  test.Advance(absl::Seconds(10));
  EXPECT_EQ(dialer.connections().size(), 1U);
  prober.reset();
  test.RunUntilIdle();
  EXPECT_FALSE(told);
}

TEST(ProberTest, OneServersTemporaryTroubleIsNotTheNextOnes) {
  for (const char* first :
       {"rcpt=450 4.2.0 later", "mail=451 4.3.0 later", "banner=421 busy", "banner=554 no SMTP here", "ehlo=421 busy",
        "{refused}", "{timeout}", "{unreachable}", "{reset}", "banner={eof}", "mail={eof}", "rcpt={eof}",
        "rcpt={timeout}", "banner=SSH-2.0-OpenSSH"}) {
    ProbeWorld world;
    world.Servers({first, "rcpt=250 2.1.5 Ok"});
    const Finding finding = world.Probe().finding;
    EXPECT_EQ(finding.reason, Reason::kAccepted) << first;
    EXPECT_EQ(finding.mx_name, "mx2.example.com") << first;
    world.test.Advance(absl::Minutes(10));
    EXPECT_EQ(world.dialer.open_now(), 0U) << first;
  }
}

TEST(ProberTest, ADefiniteAnswerIsNotAskedForTwice) {
  for (const char* first :
       {"rcpt=550 5.1.1 User unknown", "rcpt=550 5.7.1 blocked using zen.spamhaus.org", "mail=550 5.7.1 blocked",
        "ehlo=550 5.7.1 Helo domain is listed ;; helo=550 5.7.1 Helo domain is listed"}) {
    ProbeWorld world;
    world.Servers({first, "rcpt=250 2.1.5 Ok"});
    EXPECT_EQ(world.Probe().finding.code, 550) << first;
    world.test.Advance(absl::Minutes(10));
    EXPECT_EQ(world.dialer.dialed(), 1U) << first;
  }
}

TEST(ProberTest, StopsAfterAsManySessionsAsAreAllowed) {
  ProbeWorld world;
  world.Servers({"rcpt=450 one", "banner=421 two", "rcpt=450 three", "rcpt=250 four"});
  const Finding finding = world.Probe().finding;
  EXPECT_EQ(finding.mx_name, "mx3.example.com");
  EXPECT_EQ(finding.code, 450);
  EXPECT_EQ(world.dialer.dialed(), 3U);
}

TEST(ProberTest, OfSeveralFindingsTheOneThatSaysMostIsReported) {
  ProbeWorld world;
  world.Servers({"rcpt=450 4.2.1 mailbox busy", "banner=421 full", "{refused}"});
  EXPECT_EQ(world.Probe().finding.text,
            "host mx1.example.com[11.0.0.1] said: 450 4.2.1 mailbox busy (in reply to RCPT TO command)");
  world.Servers({"{refused}", "banner=421 full", "{timeout}"});
  EXPECT_EQ(world.Probe().finding.text, "host mx2.example.com[11.0.0.2] refused to talk to me: 421 full");
  world.Servers({"{refused}", "{timeout}"});
  EXPECT_EQ(world.Probe().finding.text, "connect to mx2.example.com[11.0.0.2]:25: Connection timed out");
}

TEST(ProberTest, EhloThatIsNotUnderstoodIsFollowedByHelo) {
  for (const char* script : {"ehlo=502 5.5.1 command not implemented ;; helo=250 mx", "ehlo=500 what? ;; helo=250 mx",
                             "ehlo=451 hm ;; helo=250 mx"}) {
    ProbeWorld world;
    world.Servers({script});
    EXPECT_EQ(world.Probe().finding.reason, Reason::kAccepted) << script;
    EXPECT_EQ(world.dialer.connections().at(0)->commands.at(1), "HELO gateway.example.org");
  }
}

TEST(ProberTest, AServerThatHangsUpAtHeloHasSaidAtEhloWhy) {
  ProbeWorld world;
  world.Servers({"ehlo=554 5.7.1 <unknown[192.0.2.1]>: Client host rejected: Access denied ;; helo={eof}"});
  const Finding finding = world.Probe().finding;
  EXPECT_EQ(finding.code, 554);
  EXPECT_EQ(finding.stage, Stage::kEhlo);
  EXPECT_EQ(finding.deliverability, Deliverability::kUnknown);
  EXPECT_THAT(finding.text, testing::StartsWith("host mx1.example.com[11.0.0.1] refused to talk to me: 554 5.7.1"));
}

TEST(ProberTest, EveryStageEndsByItsTimeOut) {
  struct Case {
    const char* script;
    absl::Duration after;
    Reason reason;
    const char* text;
  };
  for (const Case& c : {Case{"{timeout}", absl::Seconds(30), Reason::kConnectTimeout,
                             "connect to mx1.example.com[11.0.0.1]:25: Connection timed out"},
                        {"banner={timeout}", absl::Seconds(31), Reason::kBannerTimeout,
                         "conversation with mx1.example.com[11.0.0.1] timed out while receiving the initial server "
                         "greeting"},
                        {"ehlo={timeout}", absl::Seconds(31), Reason::kEhloTimeout,
                         "conversation with mx1.example.com[11.0.0.1] timed out while performing the EHLO handshake"},
                        {"ehlo=502 no ;; helo={timeout}", absl::Seconds(31), Reason::kNone, nullptr},
                        {"mail={timeout}", absl::Seconds(32), Reason::kMailTimeout,
                         "conversation with mx1.example.com[11.0.0.1] timed out while sending MAIL FROM"},
                        {"rcpt={timeout}", absl::Seconds(33), Reason::kRcptTimeout,
                         "conversation with mx1.example.com[11.0.0.1] timed out while sending RCPT TO"}}) {
    ProbeWorld world;
    world.settings.connect_timeout = absl::Seconds(30);
    world.settings.helo_timeout = absl::Seconds(31);
    world.settings.mail_timeout = absl::Seconds(32);
    world.settings.rcpt_timeout = absl::Seconds(33);
    world.Configure();
    world.Servers({c.script});
    const MonoTime began = world.test.clock().Mono();
    const ProbeOutcome outcome = world.Probe();
    EXPECT_EQ(world.test.clock().Mono() - began, c.after) << c.script;
    EXPECT_EQ(outcome.finding.deliverability, Deliverability::kUnknown) << c.script;
    if (c.text != nullptr) {
      EXPECT_EQ(outcome.finding.reason, c.reason) << c.script;
      EXPECT_EQ(outcome.finding.text, c.text);
      EXPECT_EQ(outcome.finding.code, 0);
    }
    // A server that does not answer gets no QUIT.
    world.test.RunUntilIdle();
    EXPECT_EQ(world.dialer.open_now(), 0U) << c.script;
    for (const auto& connection : world.dialer.connections()) {
      EXPECT_THAT(connection->commands, testing::Not(testing::Contains("QUIT"))) << c.script;
    }
  }
}

TEST(ProberTest, AnEndOfStreamAtEveryStageIsNobodysVerdict) {
  struct Case {
    const char* step;
    const char* doing;
  };
  for (const Case& c : {Case{"banner", "receiving the initial server greeting"},
                        {"ehlo", "performing the EHLO handshake"},
                        {"mail", "sending MAIL FROM"},
                        {"rcpt", "sending RCPT TO"}}) {
    for (const char* end : {"{eof}", "{reset}", "{raw 550 5.1.1 User unk}{eof}"}) {
      ProbeWorld world;
      world.Servers({absl::StrCat(c.step, "=", end)});
      const Finding finding = world.Probe().finding;
      EXPECT_EQ(finding.reason, Reason::kConnectionDropped) << c.step << end;
      EXPECT_EQ(finding.deliverability, Deliverability::kUnknown);
      EXPECT_EQ(finding.text, absl::StrCat("lost connection with mx1.example.com[11.0.0.1] while ", c.doing));
    }
  }
}

TEST(ProberTest, WhatAServerSaysBeforeItHangsUpIsHeard) {
  const auto probe = [](const std::string& script) {
    ProbeWorld world;
    world.Servers({script});
    return world.Probe().finding;
  };
  EXPECT_EQ(probe("banner=220 mx{eof}").stage, Stage::kEhlo);
  EXPECT_EQ(probe("mail=421 4.7.0 Too many connections{eof}").code, 421);
  EXPECT_EQ(probe("rcpt=550 5.1.1 User unknown{eof}").reason, Reason::kNoSuchUser);
  // An unasked 421 behind the answer takes nothing from it.
  EXPECT_EQ(probe("rcpt={raw 550 5.1.1 User unknown\\r\\n421 Too many errors\\r\\n}{eof}").reason, Reason::kNoSuchUser);
  EXPECT_EQ(probe("mail={raw 250 Ok\\r\\n421 going down\\r\\n}{eof}").code, 421);
}

TEST(ProberTest, HostileServersAreBoundedAndNotBelieved) {
  struct Case {
    const char* script;
    Reason reason;
  };
  for (const Case& c : {Case{"banner={endless 220-more\\r\\n}", Reason::kProtocolError},
                        {"banner={endless x}", Reason::kProtocolError},
                        {"banner={raw SSH-2.0-OpenSSH_9.6\\r\\n}", Reason::kNotSmtp},
                        {"banner={raw \\x00\\xff\\xfe\\n}", Reason::kNotSmtp},
                        {"banner={raw 220 hi\\r\\n250 hello\\r\\n}", Reason::kProtocolError},
                        {"ehlo={endless 250-MORE\\r\\n}", Reason::kProtocolError},
                        {"ehlo={raw 250 mx\\r\\n250 ok\\r\\n250 ok\\r\\n}", Reason::kProtocolError},
                        {"mail={endless 250}", Reason::kProtocolError},
                        {"mail=354 go on", Reason::kProtocolError},
                        {"rcpt=354 go on", Reason::kProtocolError},
                        {"rcpt={raw 250 Ok\\r\\n250 Ok\\r\\n}", Reason::kProtocolError},
                        {"rcpt={raw hello\\r\\n}", Reason::kProtocolError},
                        {"rcpt={raw 250-2.1.5\\r\\n}", Reason::kRcptTimeout},
                        {"rcpt={endless 550-5.1.1 unknown\\r\\n}", Reason::kProtocolError}}) {
    ProbeWorld world;
    world.Servers({c.script});
    const Finding finding = world.Probe().finding;
    EXPECT_EQ(finding.reason, c.reason) << c.script << ": " << finding.text;
    EXPECT_EQ(finding.deliverability, Deliverability::kUnknown) << c.script;
    world.test.Advance(absl::Minutes(10));
    EXPECT_EQ(world.dialer.open_now(), 0U) << c.script;
  }
}

TEST(ProberTest, AByteAtATimeIsReadLikeAnythingElseButNotForEver) {
  ProbeWorld world;
  world.dialer.set_chunk(1);
  world.Servers({"ehlo=250-mx\\n250-PIPELINING\\n250 8BITMIME"});
  EXPECT_EQ(world.Probe().finding.reason, Reason::kAccepted);
  world.Servers({"rcpt={trickle 1s}550 5.1.1 User unknown"});
  EXPECT_EQ(world.Probe().finding.reason, Reason::kNoSuchUser);
  world.Servers({absl::StrCat("rcpt={trickle 1s}550 ", std::string(1000, 'x'))});
  const MonoTime began = world.test.clock().Mono();
  EXPECT_EQ(world.Probe().finding.reason, Reason::kRcptTimeout);
  EXPECT_EQ(world.test.clock().Mono() - began, world.settings.rcpt_timeout);
}

TEST(ProberTest, TheDeadlineIsKeptAtEveryStage) {
  for (const char* script : {"{timeout}", "banner={timeout}", "ehlo={timeout}", "mail={timeout}", "rcpt={timeout}",
                             "rcpt={wait 3s}250 Ok"}) {
    ProbeWorld world;
    world.Servers({script, "rcpt=250 too late"});
    const MonoTime began = world.test.clock().Mono();
    const ProbeOutcome outcome = world.Probe("joe@example.com", absl::Seconds(2));
    EXPECT_LE(world.test.clock().Mono() - began, absl::Seconds(2)) << script;
    EXPECT_GT(world.test.clock().Mono() - began, absl::Seconds(1)) << script;
    EXPECT_EQ(outcome.finding.deliverability, Deliverability::kUnknown) << script;
    EXPECT_EQ(outcome.finding.rule, "event.deadline") << script;
    EXPECT_EQ(outcome.finding.mx_name, "mx1.example.com") << script;
    world.test.RunUntilIdle();
    EXPECT_EQ(world.dialer.open_now(), 0U) << script;
  }
}

TEST(ProberTest, TheDeadlineIsKeptWhileDnsIsSilent) {
  ProbeWorld world;
  world.Servers({""});
  world.resolver.set_delay(absl::Minutes(10));
  const MonoTime began = world.test.clock().Mono();
  EXPECT_EQ(world.Probe("joe@example.com", absl::Seconds(2)).finding.reason, Reason::kDnsTimeout);
  EXPECT_EQ(world.test.clock().Mono() - began, absl::Seconds(2));
}

TEST(ProberTest, ADeadlineThatHasPassedIsAnsweredAtOnce) {
  ProbeWorld world;
  world.Servers({"banner={timeout}"});
  ProbeRequest request = world.Request("joe@example.com");
  request.deadline = MonoTime();
  const MonoTime began = world.test.clock().Mono();
  EXPECT_EQ(world.Probe(request).finding.deliverability, Deliverability::kUnknown);
  EXPECT_EQ(world.test.clock().Mono(), began);
}

TEST(ProberTest, ADestinationHasAsManyConnectionsAsAllowedAndTheMostUrgentGoFirst) {
  ProbeWorld world;
  world.settings.public_pace.connections = 1;
  world.Configure();
  world.Servers({"rcpt={wait 10s}250 Ok"});
  std::vector<std::shared_ptr<std::optional<ProbeOutcome>>> outcomes;
  const auto start = [&](const char* address, Urgency urgency) {
    ProbeRequest request = world.Request(address);
    request.urgency = urgency;
    outcomes.push_back(world.Start(request));
    world.test.RunUntilIdle();
  };
  start("first@example.com", Urgency::kList);
  start("list@example.com", Urgency::kList);
  start("refresh@example.com", Urgency::kRefresh);
  start("waiting1@example.com", Urgency::kWaiting);
  start("waiting2@example.com", Urgency::kWaiting);
  start("retry@example.com", Urgency::kRetry);
  EXPECT_EQ(world.prober.counts().queued_now, 5U);
  EXPECT_EQ(world.prober.counts().sessions_now, 1U);
  world.test.Advance(absl::Seconds(60));
  for (const auto& outcome : outcomes) ASSERT_TRUE(outcome->has_value());
  EXPECT_EQ((*outcomes.back())->delays.queue, absl::Seconds(30));
  EXPECT_EQ((*outcomes.back())->delays.dialogue, absl::Seconds(10));
  EXPECT_EQ(world.dialer.most_open(), 1U);
  std::vector<std::string> asked;
  for (const auto& connection : world.dialer.connections()) asked.push_back(connection->commands.at(2));
  EXPECT_THAT(asked, ElementsAre("RCPT TO:<first@example.com>", "RCPT TO:<waiting1@example.com>",
                                 "RCPT TO:<waiting2@example.com>", "RCPT TO:<retry@example.com>",
                                 "RCPT TO:<refresh@example.com>", "RCPT TO:<list@example.com>"));
  EXPECT_EQ(world.prober.counts().queued_now, 0U);
  EXPECT_EQ(world.prober.counts().sessions_now, 0U);
  EXPECT_EQ(world.prober.counts().connections, 6U);
  EXPECT_EQ(world.prober.counts().probes, 6U);
}

TEST(ProberTest, ConfiguredRoutesHaveMoreConnectionsThanPublicOnes) {
  ProbeWorld world;
  world.settings.public_pace.connections = 2;
  world.settings.configured_pace.connections = 5;
  world.settings.transport_maps.push_back(TransportTable::Parse("t", "inside.example smtp:[10.0.0.1]\n").value());
  world.Configure();
  world.Servers({"rcpt={wait 10s}250 Ok"});
  world.dialer.Play("10.0.0.1", "rcpt={wait 10s}250 Ok");
  for (int i = 0; i < 10; ++i) world.Start(world.Request("joe@example.com"));
  world.test.RunUntilIdle();
  EXPECT_EQ(world.dialer.open_now(), 2U);
  for (int i = 0; i < 10; ++i) world.Start(world.Request("joe@inside.example"));
  world.test.RunUntilIdle();
  EXPECT_EQ(world.dialer.open_now(), 7U);
  EXPECT_EQ(world.prober.counts().destinations_now, 2U);
  world.test.Advance(absl::Minutes(2));
}

TEST(ProberTest, WhoeverWaitsInTheQueueIsAnsweredByTheDeadline) {
  ProbeWorld world;
  world.settings.public_pace.connections = 1;
  world.Configure();
  world.Servers({"rcpt={timeout}"});
  const auto first = world.Start(world.Request("first@example.com"));
  world.test.RunUntilIdle();
  const Finding finding = world.Probe("second@example.com", absl::Seconds(5)).finding;
  EXPECT_EQ(finding.deliverability, Deliverability::kUnknown);
  EXPECT_EQ(finding.text, "no connection to mx1.example.com became free in time");
  EXPECT_EQ(world.prober.counts().queued_now, 0U);
  world.test.Advance(absl::Minutes(10));
  EXPECT_TRUE(first->has_value());
  EXPECT_EQ(world.dialer.connections().size(), 1U);
}

TEST(ProberTest, DomainsOfOneMxGroupShareADestination) {
  ProbeWorld world;
  world.settings.public_pace.connections = 1;
  world.Configure();
  world.Servers({"rcpt={wait 10s}250 Ok"});
  world.resolver.SetMx("example.net", {{5, "mx1.example.com"}});
  world.Start(world.Request("joe@example.com"));
  world.Start(world.Request("joe@example.net"));
  world.test.RunUntilIdle();
  EXPECT_EQ(world.dialer.open_now(), 1U);
  EXPECT_EQ(world.prober.counts().destinations_now, 1U);
  world.test.Advance(absl::Minutes(1));
  EXPECT_EQ(world.dialer.connections().size(), 2U);
}

TEST(ProberTest, IdleDestinationsAreForgotten) {
  ProbeWorld world;
  world.Servers({""});
  world.Probe();
  world.test.RunUntilIdle();
  EXPECT_EQ(world.prober.counts().destinations_now, 1U);
  world.test.Advance(absl::Minutes(11));
  EXPECT_EQ(world.prober.counts().destinations_now, 0U);
  EXPECT_EQ(world.Probe().finding.reason, Reason::kAccepted);
}

TEST(ProberTest, Smtputf8IsSaidWhereItIsNeededAndOffered) {
  ProbeWorld world;
  world.Servers({"ehlo=250-mx\\n250-8BITMIME\\n250 smtputf8"});
  EXPECT_EQ(world.Probe("b\xc3\xbc@example.com").finding.reason, Reason::kAccepted);
  EXPECT_EQ(world.dialer.connections().at(0)->commands.at(1), "MAIL FROM:<probe@gateway.example.org> SMTPUTF8");
  EXPECT_EQ(world.Probe("joe@example.com").finding.reason, Reason::kAccepted);
  EXPECT_EQ(world.dialer.connections().at(1)->commands.at(1), "MAIL FROM:<probe@gateway.example.org>");
}

TEST(ProberTest, AServerThatCanNotTakeTheAddressIsNoVerdictAboutIt) {
  ProbeWorld world;
  world.Servers({""});
  const Finding finding = world.Probe("b\xc3\xbc@example.com").finding;
  EXPECT_EQ(finding.reason, Reason::kSmtputf8Required);
  EXPECT_EQ(finding.deliverability, Deliverability::kUnknown);
  EXPECT_EQ(finding.text, "SMTPUTF8 is required, but was not offered by host mx1.example.com[11.0.0.1]");
  world.test.RunUntilIdle();
  EXPECT_THAT(world.dialer.connections().at(0)->commands, ElementsAre("EHLO gateway.example.org", "QUIT"));
  world.Servers({"", "ehlo=250-mx\\n250 SMTPUTF8"});
  EXPECT_EQ(world.Probe("b\xc3\xbc@example.com").finding.reason, Reason::kAccepted);
}

TEST(ProberTest, TheIdentityOfTheRequestIsUsed) {
  ProbeWorld world;
  world.Servers({""});
  ProbeRequest request = world.Request("\"joe doe\"@example.com");
  request.identity.sender = "";
  request.identity.helo = "other.example.org";
  request.identity.source_address = "198.51.100.7";
  EXPECT_EQ(world.Probe(request).identity, request.identity);
  const ScriptedConnection& seen = *world.dialer.connections().at(0);
  EXPECT_EQ(seen.source, "198.51.100.7");
  EXPECT_EQ(seen.commands.at(0), "EHLO other.example.org");
  EXPECT_EQ(seen.commands.at(1), "MAIL FROM:<>");
  EXPECT_EQ(seen.commands.at(2), "RCPT TO:<\"joe doe\"@example.com>");
}

TEST(ProberTest, TransportsThatAskAsOthersShareNoSession) {
  ProbeWorld world;
  world.settings.connection_idle_time = absl::Minutes(1);
  world.settings.transport_names.smtp = {"smtp", "nat"};
  auto nat = std::make_shared<ProbeSettings>(world.settings.WithoutRouting());
  nat->helo = "nat.box.tld";
  nat->smtp_tcp_port = 2525;
  world.settings.transports["nat"] = nat;
  world.settings.transport_maps = {*TransportTable::Load(
      "inline:{ {a.example = nat:[11.0.0.1]} {b.example = smtp:[11.0.0.1]} {example.com = nat:} }",
      world.settings.transport_names)};
  world.Configure();
  world.Servers({""});
  world.dialer.Play("11.0.0.1", "");
  world.dialer.Play("11.0.0.1", "");
  EXPECT_EQ(world.Probe("joe@a.example").destination, "[11.0.0.1]/nat");
  EXPECT_EQ(world.Probe("joe@b.example").destination, "[11.0.0.1]");
  EXPECT_EQ(world.Probe("joe@example.com").destination, "mx1.example.com/nat");
  ASSERT_EQ(world.dialer.connections().size(), 3U);
  const auto seen = [&](size_t i) { return world.dialer.connections().at(i); };
  EXPECT_EQ(seen(0)->commands.at(0), "EHLO nat.box.tld");
  EXPECT_EQ(seen(1)->commands.at(0), "EHLO gateway.example.org");
  EXPECT_EQ(seen(2)->commands.at(0), "EHLO nat.box.tld");
  EXPECT_EQ(seen(0)->endpoint.port, 2525);
  EXPECT_EQ(seen(1)->endpoint.port, 25);
}

TEST(ProberTest, AnIdentityWithoutNameUsesMyhostname) {
  ProbeWorld world;
  world.settings.myhostname = "host.example.org";
  world.Configure();
  world.Servers({"ehlo=502 what? ;; helo=250 mx"});
  ProbeRequest request = world.Request("joe@example.com");
  request.identity.helo = "";
  world.Probe(request);
  EXPECT_EQ(world.dialer.connections().at(0)->commands.at(0), "EHLO host.example.org");
  EXPECT_EQ(world.dialer.connections().at(0)->commands.at(1), "HELO host.example.org");
}

TEST(ProberTest, ACommandNeverHoldsALineEnd) {
  ProbeWorld world;
  world.Servers({""});
  ProbeRequest request = world.Request("joe@example.com");
  request.identity.sender = "a@b>\r\nRCPT TO:<c@d";
  const Finding finding = world.Probe(request).finding;
  EXPECT_EQ(finding.reason, Reason::kLocalError);
  EXPECT_THAT(world.dialer.connections().at(0)->commands, ElementsAre("EHLO gateway.example.org"));
}

TEST(ProberTest, TheDialogueIsShownWithTimes) {
  ProbeWorld world;
  world.Servers(
      {"{refused}", "banner={wait 2s}220 mx2\x01 ESMTP ;; ehlo=250-mx2\\n250 HELP ;; rcpt=550 5.1.1 unknown"});
  ProbeRequest request = world.Request("joe@example.com");
  request.dialogue = true;
  std::vector<std::string> lines;
  for (const DialogueLine& line : world.Probe(request).dialogue) {
    constexpr const char* kMarks[] = {"-", "C", "S"};
    lines.push_back(
        absl::StrCat(absl::FormatDuration(line.at), " ", kMarks[static_cast<int>(line.kind)], " ", line.text));
  }
  EXPECT_THAT(
      lines,
      ElementsAre("0 - public route: mx1.example.com,mx2.example.com",
                  "0 - may be asked: 10 mx1.example.com[11.0.0.1]:25",
                  "0 - may be asked: 20 mx2.example.com[11.0.0.2]:25", "0 - connecting to mx1.example.com[11.0.0.1]:25",
                  "0 - connect to mx1.example.com[11.0.0.1]:25: Connection refused",
                  "0 - connecting to mx2.example.com[11.0.0.2]:25", "2s S 220 mx2? ESMTP",
                  "2s C EHLO gateway.example.org", "2s S 250-mx2", "2s S 250 HELP",
                  "2s C MAIL FROM:<probe@gateway.example.org>", "2s S 250 2.0.0 Ok", "2s C RCPT TO:<joe@example.com>",
                  "2s S 550 5.1.1 unknown", testing::StartsWith("2s - undeliverable, no_such_user (rule ")));
}

TEST(ProberTest, DelaysSayWhereTheTimeWent) {
  ProbeWorld world;
  world.resolver.set_delay(absl::Seconds(1));
  world.Servers({"banner={wait 2s}220 mx ;; rcpt={wait 3s}250 Ok"});
  const ProbeDelays delays = world.Probe().delays;
  EXPECT_EQ(delays.dns, absl::Seconds(2));  // MX, then addresses
  EXPECT_EQ(delays.queue, absl::ZeroDuration());
  EXPECT_EQ(delays.connect, absl::Seconds(2));
  EXPECT_EQ(delays.dialogue, absl::Seconds(3));
}

TEST(ProberTest, ADestinationsStateIsReportedWhenItChanges) {
  ProbeWorld world;
  std::vector<DestinationState> reported;
  world.prober.SetObserver({.destination = [&](const DestinationState& state) { reported.push_back(state); }});
  world.Servers({""});
  world.Probe();
  world.Probe();
  ASSERT_EQ(reported.size(), 1U);
  EXPECT_EQ(reported[0].name, "mx1.example.com");
  EXPECT_EQ(reported[0].breaker.last_success, world.test.clock().Now());
  world.Servers({"{refused}"});
  world.Probe();
  world.Probe();
  ASSERT_EQ(reported.size(), 2U);
  EXPECT_EQ(reported[1].breaker.failures, 1U);
  EXPECT_EQ(reported[1].breaker.last_failure, Reason::kConnectRefused);
  world.Servers({"rcpt=550 5.1.1 unknown"});
  world.Probe();
  ASSERT_EQ(reported.size(), 3U);
  EXPECT_EQ(reported[2].breaker.failures, 0U);
}

TEST(ProberTest, OurOwnTroubleIsNotTheDestinationsFailure) {
  ProbeWorld world;
  std::vector<DestinationState> reported;
  world.prober.SetObserver({.destination = [&](const DestinationState& state) { reported.push_back(state); }});
  world.Servers({"{local_error}"});
  EXPECT_EQ(world.Probe().finding.reason, Reason::kLocalError);
  EXPECT_THAT(reported, IsEmpty());
}

TEST(ProberTest, WhatAnEarlierRunKnewIsContinued) {
  ProbeWorld world;
  std::vector<DestinationState> reported;
  world.prober.SetObserver({.destination = [&](const DestinationState& state) { reported.push_back(state); }});
  DestinationState state;
  state.name = "mx1.example.com";
  state.breaker.failures = 1;
  world.prober.Restore({state}, {});
  EXPECT_EQ(world.prober.counts().destinations_now, 1U);
  world.Servers({"{refused}"});
  world.Probe();
  EXPECT_THAT(reported, IsEmpty());
  world.Servers({""});
  world.Probe();
  ASSERT_EQ(reported.size(), 1U);
  EXPECT_EQ(reported[0].breaker.last_failure, Reason::kConnectRefused);
  EXPECT_EQ(reported[0].breaker.failures, 0U);
}

TEST(ProberTest, AnExchangeCalledLikeTheOperatorsNextHopIsAnotherDestination) {
  ProbeWorld world;
  world.settings.transport_maps.push_back(
      TransportTable::Parse("t",
                            "ours.example smtp:isp.example\nlmtp.example lmtp:isp.example\n"
                            "host.example smtp:[isp.example]:25\nport.example smtp:isp.example:25\n")
          .value());
  world.Configure();
  world.resolver.SetMx("isp.example", {{0, "isp.example"}});
  world.resolver.SetMx("evil.example", {{0, "isp.example"}});
  world.resolver.SetAddresses("isp.example", {"11.0.0.1"});
  world.dialer.Play("11.0.0.1", "");
  std::vector<std::string> names;
  for (const char* const domain : {"evil", "ours", "lmtp", "host", "port"}) {
    names.push_back(world.Probe(absl::StrCat("joe@", domain, ".example")).destination);
  }
  EXPECT_THAT(names, ElementsAre("isp.example", "smtp:isp.example", "lmtp:[isp.example]", "[isp.example]:25",
                                 "isp.example:25"));
}

TEST(ProberTest, WhatWasForgottenOfADestinationIsReadBeforeItIsMadeAnewAndNotWrittenOver) {
  ProbeWorld world;
  std::map<std::string, DestinationState> stored;
  stored["mx1.example.com"].name = "mx1.example.com";
  stored["mx1.example.com"].held_until = world.test.clock().Now() + absl::Hours(1);
  world.prober.SetObserver({.destination = [&](const DestinationState& state) { stored[state.name] = state; }});
  world.prober.SetRecall({.destination = [&](const std::string& name) -> std::optional<DestinationState> {
    const auto found = stored.find(name);
    return found == stored.end() ? std::nullopt : std::optional(found->second);
  }});
  world.Servers({""});
  EXPECT_EQ(world.Probe().finding.rule, "hold");
  // A change by the operator meanwhile does not lose the rest, either.
  stored["mx2.example.com"].name = "mx2.example.com";
  stored["mx2.example.com"].questions_per_second = 3;
  world.prober.Hold("mx2.example.com", absl::InfiniteFuture());
  EXPECT_EQ(stored["mx2.example.com"].questions_per_second, 3);
}

TEST(ProberTest, NoRouteNoConnection) {
  ProbeWorld world;
  world.resolver.Fail("gone.example", DnsType::kMx, DnsStatus::kNxDomain, absl::Seconds(60));
  ProbeRequest request = world.Request("joe@gone.example");
  request.dialogue = true;
  const ProbeOutcome outcome = world.Probe(request);
  EXPECT_EQ(outcome.finding.reason, Reason::kNoSuchDomain);
  EXPECT_EQ(outcome.finding.deliverability, Deliverability::kUndeliverable);
  ASSERT_NE(outcome.domain_fact, nullptr);
  EXPECT_EQ(outcome.domain_fact->domain, "gone.example");
  EXPECT_EQ(outcome.identity, request.identity);
  EXPECT_EQ(outcome.destination, "");
  EXPECT_FALSE(outcome.dialogue.empty());
  EXPECT_EQ(world.dialer.dialed(), 0U);
}

boost::asio::awaitable<bool> Drain(Prober& prober, MonoTime deadline) {
  co_await prober.Drain(deadline);
  co_return true;
}

TEST(ProberTest, DrainWaitsUntilEverythingIsClosedOrItsDeadline) {
  ProbeWorld world;
  world.Servers({"rcpt={wait 5s}250 Ok"});
  const auto outcome = world.Start(world.Request("joe@example.com"));
  world.test.RunUntilIdle();
  const MonoTime began = world.test.clock().Mono();
  world.test.Run(Drain(world.prober, began + absl::Seconds(2)));
  EXPECT_EQ(world.test.clock().Mono() - began, absl::Seconds(2));
  EXPECT_EQ(world.dialer.open_now(), 1U);
  world.test.Run(Drain(world.prober, began + absl::Seconds(100)));
  EXPECT_EQ(world.test.clock().Mono() - began, absl::Seconds(5));
  EXPECT_EQ(world.dialer.open_now(), 0U);
  EXPECT_TRUE(outcome->has_value());
  world.test.Run(Drain(world.prober, began + absl::Seconds(100)));
  EXPECT_EQ(world.test.clock().Mono() - began, absl::Seconds(5));
}

TEST(ProberTest, AnswersThatHaveComeAreCountedUntilTheyAreTakenIn) {
  ProbeWorld world;
  world.Servers({"{timeout}"});
  world.settings.public_pace.connections = 1;
  world.Configure();
  std::vector<size_t> untaken;
  for (int i = 0; i < 4; ++i) {
    world.test.loop().Spawn(world.prober.Begin(
        world.Request(absl::StrCat("joe", i, "@example.com")),
        [&](ProbeRequest&& /*asked*/, ProbeOutcome&& /*outcome*/) { untaken.push_back(world.prober.untaken()); },
        nullptr));
  }
  world.test.Advance(absl::Seconds(1000));
  // The first is the one for which the server was dialled. The outcomes of the others come together.
  EXPECT_THAT(untaken, ElementsAre(0, 2, 1, 0));
  EXPECT_EQ(world.prober.untaken(), 0U);
}

TEST(ProberTest, MayEndWhileSessionsAreInTheAir) {
  ProbeWorld world;
  world.settings.public_pace.connections = 1;
  world.Configure();
  world.Servers({"rcpt={timeout}"});
  world.Start(world.Request("joe@example.com"));
  world.Start(world.Request("ann@example.com"));
  world.test.RunUntilIdle();
  EXPECT_EQ(world.prober.counts().sessions_now, 1U);
}

}  // namespace
}  // namespace verifyd
