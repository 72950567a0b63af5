// The text of everything that is shown, byte for byte: programs read it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "boost/json.hpp"
#include "mail/address.h"
#include "tests/cache/samples.h"
#include "verifyd/api/route.h"
#include "verifyd/json/described.h"
#include "verifyd/json/shown_delivery.h"
#include "verifyd/json/shown_destination.h"
#include "verifyd/json/shown_record.h"
#include "verifyd/json/shown_verdict.h"

namespace verifyd {
namespace {

namespace json = boost::json;

std::string Text(const json::value& value) { return json::serialize(value); }

Verdict FullVerdict() {
  Verdict verdict{.state = VerdictState::kKnown,
                  .source = VerdictSource::kRecord,
                  .finding = NegativeFinding(SampleTime()),
                  .age = absl::Milliseconds(61500),
                  .grace = true,
                  .deferred_since = SampleTime() - absl::Hours(1),
                  .refreshing = true};
  verdict.finding.source = FindingSource::kMailLog;
  verdict.transcript = {{.at = absl::Microseconds(12345), .text = ""},
                        {.at = absl::Seconds(1), .kind = TranscriptLine::Kind::kSent, .text = "QUIT"},
                        {.at = absl::Seconds(2), .kind = TranscriptLine::Kind::kReceived, .text = "221 \"bye\""}};
  return verdict;
}

TEST(ShownTest, AVerdictWithEverythingInIt) {
  EXPECT_EQ(
      Text(AsJson(Shown("Joe@Example.com", FullVerdict()))),
      R"json({"address":"Joe@Example.com","status":"undeliverable","state":"known","source":"cache","reason":"no_such_user","scope":"address","stage":"rcpt","rule":"unknown-user","code":550,"enhanced":"5.1.1","text":"host mx.example.com[2001:db8::1] said: 550 5.1.1 Nutzer unbekannt: münchen (in reply to RCPT TO command)","mx":"mx.example.com","mx_address":"2001:db8::1","updated":"2023-11-14T22:13:20Z","learned_from":"mail_log","age_s":61,"refreshing":true,"grace":true,"deferred_since":"2023-11-14T21:13:20Z","transcript":[{"at_ms":1.234E1,"kind":"note","text":""},{"at_ms":1E3,"kind":"sent","text":"QUIT"},{"at_ms":2E3,"kind":"received","text":"221 \"bye\""}]})json");
}

TEST(ShownTest, AVerdictOfWhatIsNotKnownSaysOnlyThat) {
  EXPECT_EQ(AnswerLine("joe@example.com", Verdict()),
            R"json({"address":"joe@example.com","status":"unknown","state":"not_cached","source":"none"})json"
            "\n");
  EXPECT_EQ(AnswerLine("joe@example.com", Verdict{.state = VerdictState::kInProgress}),
            R"json({"address":"joe@example.com","status":"unknown","state":"in_progress","source":"none"})json"
            "\n");
  EXPECT_EQ(
      AnswerLine("joe@example.com", Verdict{.state = VerdictState::kNotVerifiable, .finding = {.text = "no"}}),
      R"json({"address":"joe@example.com","status":"unknown","state":"not_verifiable","source":"none","text":"no"})json"
      "\n");
  EXPECT_EQ(
      AnswerLine("joe@example.com", Verdict{.state = VerdictState::kKnown, .source = VerdictSource::kPin}),
      R"json({"address":"joe@example.com","status":"unknown","state":"known","source":"pin","age_s":0,"refreshing":false})json"
      "\n");
  EXPECT_EQ(AnswerLine("joe\x01", absl::InvalidArgumentError("byte 3")),
            R"json({"address":"joe?","error":"byte 3"})json"
            "\n");
}

TEST(ShownTest, ARecordWithEverythingInIt) {
  EXPECT_EQ(
      Text(AsJson(Shown(FullRecord(), Lifetimes(), SampleTime()))),
      R"json({"freshness":"fresh","finding":{"status":"deliverable","reason":"accepted","scope":"address","stage":"rcpt","rule":"accepted","code":250,"enhanced":"2.1.5","text":"250 2.1.5 Ok","mx":"mx.example.com","mx_address":"192.0.2.1","updated":"2023-11-14T22:13:20Z"},"pending":{"status":"undeliverable","reason":"no_such_user","scope":"address","stage":"rcpt","rule":"unknown-user","code":550,"enhanced":"5.1.1","text":"host mx.example.com[2001:db8::1] said: 550 5.1.1 Nutzer unbekannt: münchen (in reply to RCPT TO command)","mx":"mx.example.com","mx_address":"2001:db8::1","updated":"2023-11-14T22:13:21Z"},"first_seen":"2023-11-12T22:13:20Z","last_positive":"2023-11-14T22:13:19Z","first_temporary":"2023-11-14T22:13:22Z","temporary_count":7,"next_probe":"2023-11-14T23:13:20Z","refresh_at":"2023-11-14T23:13:20Z","expire_at":"2023-12-15T22:13:20Z","kept_until":"2024-02-12T22:13:19Z","history":[{"when":"2023-11-14T22:13:20Z","status":"risky","reason":"mailbox_full","scope":"us","stage":"data","code":450},{"when":"2023-11-14T22:12:20Z","status":"risky","reason":"mailbox_full","scope":"us","stage":"data","code":451},{"when":"2023-11-14T22:11:20Z","status":"risky","reason":"mailbox_full","scope":"us","stage":"data","code":452},{"when":"2023-11-14T22:10:20Z","status":"risky","reason":"mailbox_full","scope":"us","stage":"data","code":453}]})json");
}

TEST(ShownTest, ARecordOfOneAnswer) {
  EXPECT_EQ(
      Text(AsJson(Shown(PositiveRecord(SampleTime()), Lifetimes(), SampleTime() + kDay * 100))),
      R"json({"freshness":"expired","finding":{"status":"deliverable","reason":"accepted","scope":"address","stage":"rcpt","rule":"accepted","code":250,"enhanced":"2.1.5","text":"250 2.1.5 Ok","mx":"mx.example.com","mx_address":"192.0.2.1","updated":"2023-11-14T22:13:20Z"},"first_seen":"2023-11-14T22:13:20Z","last_positive":"2023-11-14T22:13:20Z","refresh_at":"2023-11-21T22:13:20Z","expire_at":"2023-12-15T22:13:20Z","kept_until":"2024-02-12T22:13:20Z","history":[]})json");
  Record negative{.finding = NegativeFinding(SampleTime()), .negative_since = SampleTime()};
  negative.history.push_back({.when = SampleTime(), .deliverability = Deliverability::kUnknown});
  EXPECT_EQ(
      Text(AsJson(Shown(negative, Lifetimes(), SampleTime()))),
      R"json({"freshness":"fresh","finding":{"status":"undeliverable","reason":"no_such_user","scope":"address","stage":"rcpt","rule":"unknown-user","code":550,"enhanced":"5.1.1","text":"host mx.example.com[2001:db8::1] said: 550 5.1.1 Nutzer unbekannt: münchen (in reply to RCPT TO command)","mx":"mx.example.com","mx_address":"2001:db8::1","updated":"2023-11-14T22:13:20Z"},"negative_since":"2023-11-14T22:13:20Z","refresh_at":"2023-11-15T01:13:20Z","expire_at":"2023-11-17T22:13:20Z","kept_until":"2023-11-17T22:13:20Z","history":[{"when":"2023-11-14T22:13:20Z","status":"unknown","reason":"none","scope":"address","stage":"rcpt"}]})json");
}

TEST(ShownTest, ADomainFact) {
  DomainFact fact = FullDomainFact();
  fact.catch_all_at = "mx:example.org";
  fact.alive = SampleTime() - absl::Hours(2);
  fact.pending = TemporaryFinding(SampleTime());
  EXPECT_EQ(
      Text(AsJson(Shown(fact, Lifetimes(), SampleTime()))),
      R"json({"domain":"example.org","freshness":"fresh","finding":{"status":"undeliverable","reason":"domain_null_mx","scope":"domain","stage":"dns","rule":"event.null_mx","enhanced":"5.1.10","text":"Domain example.org does not accept mail (nullMX)","updated":"2023-11-14T22:13:20Z"},"expire_at":"2023-11-14T22:43:20Z","catch_all":"could_not_tell","catch_all_when":"2023-11-14T21:13:20Z","catch_all_at":"mx:example.org","alive":"2023-11-14T20:13:20Z","pending":{"status":"unknown","reason":"connect_timeout","scope":"mx","stage":"connect","rule":"event.connect_timeout","text":"connect to mx.example.com[192.0.2.1]:25: Connection timed out","mx":"mx.example.com","mx_address":"192.0.2.1","updated":"2023-11-14T22:13:20Z"}})json");
  EXPECT_EQ(
      Text(AsJson(Shown(DomainFact{.domain = "example.com", .catch_all = CatchAll::kYes}, Lifetimes(), SampleTime()))),
      R"json({"domain":"example.com","freshness":"expired","reason":"catch_all","catch_all":"yes"})json");
  EXPECT_EQ(
      Text(AsJson(
          Shown(DomainFact{.domain = "example.com", .catch_all = CatchAll::kInconsistent}, Lifetimes(), SampleTime()))),
      R"json({"domain":"example.com","freshness":"expired","reason":"catch_all_inconsistent","catch_all":"inconsistent"})json");
}

TEST(ShownTest, PinsAndHolds) {
  Pin pin = FullPin();
  EXPECT_EQ(
      Text(AsJson(Shown(pin))),
      R"json({"status":"undeliverable","set_at":"2023-11-14T22:13:20Z","until":"2023-12-14T22:13:20Z","why":"left the company, ticket 4711"})json");
  pin.tell = true;
  pin.until = absl::InfiniteFuture();
  EXPECT_EQ(
      Text(AsJson(Shown("joe@example.com", pin))),
      R"json({"target":"joe@example.com","status":"undeliverable","set_at":"2023-11-14T22:13:20Z","why":"left the company, ticket 4711","tell":true})json");
  EXPECT_EQ(Text(AsJson(Shown("@example.com", Hold()))), R"json({"target":"@example.com","status":"hold"})json");
}

TEST(ShownTest, ADestination) {
  DestinationState state = FullDestinationState();
  EXPECT_EQ(
      Text(AsJson(Shown(state, SampleTime()))),
      R"json({"destination":"mx:example.com","believed":true,"left_alone_for":"rate_limited","left_alone_until":"2023-11-14T22:23:20Z","failures":3,"last_failure":"blocked_ip","last_failure_when":"2023-11-14T22:13:20Z","last_success":"2023-11-14T20:13:20Z"})json");
  state.held_until = SampleTime() + absl::Hours(1);
  state.held_why = "they move";
  state.trust = {.last_accepted = SampleTime(),
                 .doubt = Doubt::kCanaryRefused,
                 .doubted_since = SampleTime() - absl::Hours(3),
                 .why = "it refuses postmaster"};
  EXPECT_EQ(
      Text(AsJson(Shown(state, SampleTime()))),
      R"json({"destination":"mx:example.com","believed":false,"doubt":"it refuses postmaster","doubted_since":"2023-11-14T19:13:20Z","held":true,"held_until":"2023-11-14T23:13:20Z","held_why":"they move","left_alone_for":"rate_limited","left_alone_until":"2023-11-14T22:23:20Z","failures":3,"last_failure":"blocked_ip","last_failure_when":"2023-11-14T22:13:20Z","last_success":"2023-11-14T20:13:20Z","last_accepted":"2023-11-14T22:13:20Z"})json");
  EXPECT_EQ(Text(AsJson(Shown(DestinationState{.name = "mx:example.com"}, SampleTime()))),
            R"json({"destination":"mx:example.com","believed":true,"failures":0})json");
}

TEST(ShownTest, WhatGoesOnAtADestination) {
  EXPECT_EQ(Text(AsJson(Shown(DestinationActivity{.name = "mx:example.com", .latency = absl::Milliseconds(45)}))),
            R"json({"queued":0,"connections":0,"connection_limit":0,"recipients":0,"latency_ms":4.5E1})json");
  EXPECT_EQ(
      Text(AsJson(Shown(DestinationActivity{.name = "mx:example.com",
                                            .queued = 3,
                                            .connections = 2,
                                            .connection_limit = 20,
                                            .questions_per_second = 19.25,
                                            .recipients = 8,
                                            .latency = absl::Microseconds(45500),
                                            .asked = 10,
                                            .unknown = 0,
                                            .resting = FullDestinationState().resting}))),
      R"json({"queued":3,"connections":2,"connection_limit":20,"addresses_per_second":1.925E1,"recipients":8,"latency_ms":4.55E1,"asked_this_hour":10,"unknown_this_hour":0,"resting_sources":["198.51.100.7","2001:db8::7"]})json");
}

TEST(ShownTest, ADelivery) {
  Delivery delivery{.address = *Address::Parse("joe@example.com"),
                    .when = SampleTime(),
                    .relay = "mx.example.com",
                    .relay_address = "192.0.2.1",
                    .relay_port = 25,
                    .reply = *Reply::Parse("250 2.1.5 Ok")};
  EXPECT_EQ(
      Text(AsJson(Shown(delivery))),
      R"json({"address":"joe@example.com","when":"2023-11-14T22:13:20Z","relay":"mx.example.com","relay_address":"192.0.2.1","relay_port":25,"protocol":"smtp","reply":"250 2.1.5 Ok"})json");
  delivery.relay.clear();
  delivery.relay_address = "/run/lmtp";
  delivery.relay_port = 0;
  delivery.lmtp = true;
  EXPECT_EQ(
      Text(AsJson(Shown(delivery))),
      R"json({"address":"joe@example.com","when":"2023-11-14T22:13:20Z","relay_address":"/run/lmtp","protocol":"lmtp","reply":"250 2.1.5 Ok"})json");
}

}  // namespace
}  // namespace verifyd
