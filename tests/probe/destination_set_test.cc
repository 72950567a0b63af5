#include "probe/destination_set.h"

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

class DestinationSetTest : public testing::Test {
 protected:
  void Ask(const std::string& destination, const std::string& address) { Ask(destination, address, false); }
  void AskConfigured(const std::string& destination, const std::string& address) { Ask(destination, address, true); }
  void Ask(const std::string& destination, const std::string& address, bool configured) {
    ProbeRequest request;
    request.address = *Address::Parse("joe@example.com");
    request.deadline = test_.clock().Mono() + absl::Seconds(100);
    request.identity.sender = "probe@gateway.example.org";
    Route route;
    route.destination = destination;
    route.configured = configured;
    route.endpoints.push_back({.host = destination, .address = address});
    auto job =
        std::make_unique<ProbeJob>(std::move(request), std::move(route), Dialogue(test_.clock(), /*wanted=*/false));
    job->settings = settings_;
    job->classifier = Classifier::BuiltIn();
    job->answer = [this](std::unique_ptr<ProbeOutcome> outcome) {
      ++answers_;
      last_ = std::move(outcome->finding);
    };
    all_->Ask(std::move(job));
    test_.RunUntilIdle();
  }

  TestLoop test_;
  ScriptedDialer dialer_{test_.loop()};
  std::shared_ptr<const ProbeSettings> settings_ = std::make_shared<const ProbeSettings>();
  const std::shared_ptr<ProbeCounters> counters_ = std::make_shared<ProbeCounters>();
  std::shared_ptr<DestinationSet> all_ =
      std::make_shared<DestinationSet>(test_.loop(), dialer_, counters_, StateObserver());
  // Asks in a wildcard zone: each name has an address of its own, which refuses to connect.
  void AskNames(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      Ask(absl::StrCat("mx.n", i, ".evil.example"), absl::StrCat("12.", i >> 8, ".", i & 255, ".1"));
    }
  }
  static DestinationState State(std::string name) {
    DestinationState state;
    state.name = std::move(name);
    return state;
  }

  size_t answers_ = 0;
  Finding last_;
};

TEST_F(DestinationSetTest, OneThatIsForgottenWhileItsConnectionSaysGoodbyeIsNotMissed) {
  dialer_.Play("11.0.0.1", "banner=554 5.7.1 Go away ;; quit={wait 1s}221 bye");
  Ask("turns-us-away.example", "11.0.0.1");
  EXPECT_EQ(answers_, 1U);
  EXPECT_EQ(counters_->sessions_now, 1U);
  // Meanwhile as many come as there is room for.
  for (size_t i = 0; i < DestinationSet::kMaxDestinations; ++i) {
    Ask(absl::StrCat("mx", i, ".example"), absl::StrCat("12.", i >> 8, ".", i & 255, ".1"));
  }
  EXPECT_EQ(answers_, DestinationSet::kMaxDestinations + 1);
  EXPECT_LT(counters_->destinations_now, DestinationSet::kMaxDestinations);
  test_.Advance(absl::Seconds(10));
  EXPECT_EQ(counters_->sessions_now, 0U);
}

TEST_F(DestinationSetTest, WhatTheOperatorHoldsIsNotPushedOutByAWildcardZone) {
  dialer_.Play("11.0.0.1", "");
  all_->Hold("mx.ours.example", test_.clock().Now() + absl::Hours(1));
  AskNames(21000);
  EXPECT_LE(counters_->destinations_now, DestinationSet::kMaxDestinations);
  Ask("mx.ours.example", "11.0.0.1");
  EXPECT_EQ(last_.rule, "hold");
}

TEST_F(DestinationSetTest, TheCheapAreForgottenFirst) {
  // The servers of this zone have talked: nothing must be remembered of them.
  std::vector<DestinationState> zone;
  for (size_t i = 0; i < DestinationSet::kMaxDestinations - 10; ++i) {
    zone.push_back(State(absl::StrCat("mx.m", i, ".evil.example")));
  }
  // This one is left alone after three failures.
  dialer_.Play("11.0.0.1", "{refused}");
  for (int i = 0; i < 3; ++i) Ask("mx.down.example", "11.0.0.1");
  AskConfigured("[mx.route.example]:25", "11.0.0.1");
  all_->Restore(std::move(zone), {});
  AskNames(DestinationSet::kMadeRoom);
  EXPECT_LE(counters_->destinations_now, DestinationSet::kMaxDestinations);
  EXPECT_THAT(all_->Activity("mx.down.example"), testing::SizeIs(1));
  EXPECT_THAT(all_->Activity("[mx.route.example]:25"), testing::SizeIs(1));
  EXPECT_THAT(all_->Activity("mx.n0.evil.example"), testing::SizeIs(1)) << "had trouble, which says something";
}

TEST_F(DestinationSetTest, WhatIsMadeAnewIsAskedForFirst) {
  std::vector<std::string> recalled;
  std::shared_ptr<DestinationSet> all;
  all = std::make_shared<DestinationSet>(
      test_.loop(), dialer_, counters_, StateObserver(), [&](std::unique_ptr<ProbeJob> job) {
        recalled.push_back(job->route.destination);
        job->remembered = std::make_unique<RememberedPlace>();
        job->remembered->destination = {.name = job->route.destination, .breaker = {.failures = 2}};
        job->remembered->domain = {
            .destination = job->route.destination,
            .domain = "example.com",
            .breaker = {.open_until = test_.clock().Now() + absl::Minutes(1), .back_off = absl::Minutes(1)}};
        all->Ask(std::move(job));
      });
  all_ = all;
  dialer_.Play("11.0.0.1", "");
  Ask("mx.example.com", "11.0.0.1");
  EXPECT_EQ(last_.rule, "breaker") << "its domain is left alone";
  Ask("mx.example.com", "11.0.0.1");
  EXPECT_THAT(recalled, testing::ElementsAre("mx.example.com"));
}

TEST_F(DestinationSetTest, WhatTheOperatorSaidAndWhatIsDoubtedIsRestoredBeforeTheRest) {
  std::vector<DestinationState> states;
  for (size_t i = 0; i < DestinationSet::kMaxDestinations + 1000; ++i) {
    states.push_back(State(absl::StrCat("mx.n", i, ".evil.example")));
    states.back().breaker.last_success = test_.clock().Now();
  }
  states.push_back(State("mx.held.example"));
  states.back().held_until = test_.clock().Now() + absl::Hours(1);
  states.push_back(State("mx.doubted.example"));
  states.back().trust.doubt = Doubt::kManyRefused;
  states.push_back(State("[mx.route.example]:25"));
  all_->Restore(std::move(states), {{.destination = "mx.held.example", .domain = "ours.example"},
                                    {.destination = "mx.no.room.example", .domain = "ours.example"}});
  EXPECT_EQ(counters_->destinations_now, DestinationSet::kMaxDestinations);
  for (const char* const kept : {"mx.held.example", "mx.doubted.example", "[mx.route.example]:25"}) {
    EXPECT_THAT(all_->Activity(kept), testing::SizeIs(1)) << kept;
  }
}

class Port25Test : public DestinationSetTest {
 protected:
  void AskUnreachable(const std::string& host) {
    const std::string address = absl::StrCat("13.0.", ++number_, ".1");
    dialer_.Play(address, "{timeout}");
    Ask(host, address);
    test_.Advance(absl::Minutes(2));
  }
  void AskReachable(const std::string& host) {
    dialer_.Play("11.0.0.9", "");
    Ask(host, "11.0.0.9");
    test_.Advance(absl::Seconds(1));
  }
  bool Alarmed() const { return last_.reason == Reason::kLocalPort25Blocked; }
  int number_ = 0;
};

TEST_F(Port25Test, FiveHostileDomainsWhoseServersDoNotAnswerAreNoAlarm) {
  AskReachable("mx.good.example");
  for (int i = 0; i < 20; ++i) AskUnreachable(absl::StrCat("mx", i, ".evil.example"));
  EXPECT_FALSE(Alarmed()) << "one owner";
  for (int i = 0; i < 20; ++i) AskUnreachable(absl::StrCat("mx.evil", i, ".example"));
  EXPECT_FALSE(Alarmed()) << "none of them was ever reached";
}

TEST_F(Port25Test, ServersOfFiveOwnersOfWhomOneHasAnsweredBeforeAreAnAlarm) {
  AskReachable("mx.good.example");
  AskUnreachable("mx.good.example");
  for (int i = 0; i < 4; ++i) AskUnreachable(absl::StrCat("mx.other", i, ".example"));
  EXPECT_TRUE(Alarmed());
}

TEST_F(Port25Test, AfterARestartWhoHasAnsweredBeforeCounts) {
  DestinationState good = State("mx.good.example");
  good.breaker.last_success = test_.clock().Now() - absl::Hours(1);
  all_->Restore({good}, {});
  AskUnreachable("mx.good.example");
  for (int i = 0; i < 3; ++i) AskUnreachable(absl::StrCat("mx.other", i, ".example"));
  AskUnreachable("mx2.other0.example");
  EXPECT_FALSE(Alarmed()) << "four owners";
  AskUnreachable("mx.another.example");
  EXPECT_TRUE(Alarmed());
}

}  // namespace
}  // namespace verifyd
