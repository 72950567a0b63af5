#include "verifyd/verifier/flights.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "mail/address.h"
#include "tests/test_loop.h"

namespace verifyd {
namespace {

class FlightsTest : public testing::Test {
 protected:
  // Notes what it was told under `name`.
  Flight::Told Note(const std::string& name) {
    return [this, name](const Verdict* verdict) {
      told_.push_back(name + (verdict == nullptr ? ": not in time" : ": " + verdict->finding.text));
    };
  }
  static Verdict Saying(const std::string& text) {
    Verdict verdict;
    verdict.state = VerdictState::kKnown;
    verdict.finding.text = text;
    return verdict;
  }

  TestLoop test_;
  Flights flights_{test_.loop(), [](const Flight& flight) { return Saying("nobody landed " + flight.address.Key()); }};
  std::vector<std::string> told_;
};

TEST_F(FlightsTest, TheFirstLeadsAndAllAreTold) {
  Ticket first = flights_.Join(*Address::Parse("joe@example.com"));
  Ticket second = flights_.Join(*Address::Parse("joe@example.com"));
  EXPECT_TRUE(first.leads());
  EXPECT_FALSE(second.leads());
  flights_.Wait(*first.flight, absl::Seconds(10), Note("first"));
  flights_.Wait(*second.flight, absl::InfiniteDuration(), Note("second"));
  first.landing->Land(Saying("250 Ok"));
  EXPECT_EQ(told_, (std::vector<std::string>{"first: 250 Ok", "second: 250 Ok"}));
  EXPECT_FALSE(flights_.InTheAir(*Address::Parse("joe@example.com")));
}

TEST_F(FlightsTest, WhosePatienceHasEndedIsToldOnce) {
  Ticket ticket = flights_.Join(*Address::Parse("joe@example.com"));
  flights_.Wait(*ticket.flight, absl::Seconds(6), Note("hasty"));
  flights_.Wait(*ticket.flight, absl::Seconds(60), Note("patient"));
  test_.Advance(absl::Seconds(7));
  EXPECT_EQ(told_, std::vector<std::string>{"hasty: not in time"});
  ticket.landing->Land(Saying("250 Ok"));
  test_.Advance(absl::Seconds(100));
  EXPECT_EQ(told_, (std::vector<std::string>{"hasty: not in time", "patient: 250 Ok"}));
}

TEST_F(FlightsTest, WhoDoesNotWaitToItsEndIsToldThatTheAddressIsAcceptedAtOnce) {
  Ticket ticket = flights_.Join(*Address::Parse("joe@example.com"));
  flights_.Wait(*ticket.flight, absl::Seconds(6), Note("first"), /*to_its_end=*/false);
  flights_.Wait(*ticket.flight, absl::Seconds(6), Note("hasty"));
  flights_.Wait(*ticket.flight, absl::Seconds(60), Note("patient"));
  flights_.Accept(*ticket.flight, Saying("250 Ok"));
  EXPECT_EQ(told_, std::vector<std::string>{"first: 250 Ok"});
  flights_.Wait(*ticket.flight, absl::Seconds(6), Note("late"), /*to_its_end=*/false);
  EXPECT_EQ(told_.back(), "late: 250 Ok");
  // Whose patience ends hears of it, too.
  test_.Advance(absl::Seconds(7));
  EXPECT_EQ(told_.back(), "hasty: 250 Ok");
  ticket.landing->Land(Saying("250 Ok, and so is everybody"));
  EXPECT_EQ(told_.back(), "patient: 250 Ok, and so is everybody");
  EXPECT_EQ(told_.size(), 4U);
  EXPECT_EQ(flights_.waiting(), 0U);
}

TEST_F(FlightsTest, WhoAsksAgainWhenToldJoinsAnotherFlight) {
  Ticket ticket = flights_.Join(*Address::Parse("joe@example.com"));
  std::optional<Ticket> again;
  flights_.Wait(*ticket.flight, absl::Seconds(6), [&](const Verdict* /*verdict*/) {
    again.emplace(flights_.Join(*Address::Parse("joe@example.com")));
    flights_.Wait(*again->flight, absl::Seconds(6), Note("again"));
  });
  ticket.landing->Land(Saying("250 Ok"));
  ASSERT_TRUE(again.has_value());
  EXPECT_TRUE(again->leads());
  EXPECT_TRUE(told_.empty());
  EXPECT_EQ(flights_.size(), 1U);
}

TEST_F(FlightsTest, WokenWaitersAreToldThatItIsInProgressAndTheFlightGoesOn) {
  Ticket ticket = flights_.Join(*Address::Parse("joe@example.com"));
  flights_.Wait(*ticket.flight, absl::Seconds(60), Note("first"));
  // Whoever waits again at once does not keep the others from being woken, nor the daemon from its end.
  flights_.Wait(*ticket.flight, absl::Seconds(6), [&](const Verdict* verdict) {
    Note("second")(verdict);
    flights_.Wait(*ticket.flight, absl::Seconds(6), Note("second again"));
  });
  flights_.WakeWaiters();
  EXPECT_EQ(told_, (std::vector<std::string>{"first: not in time", "second: not in time"}));
  ticket.landing->Land(Saying("250 Ok"));
  EXPECT_EQ(told_.back(), "second again: 250 Ok");
}

boost::asio::awaitable<void> FlyIntoTrouble(Landing landing) {
  if (landing.flight().address.Key() == "joe@example.com") throw std::runtime_error("in the clouds");
  landing.Land(Verdict());
  co_return;
}

TEST_F(FlightsTest, AFlightWhoseCoroutineFailsIsLandedAndTheAddressCanBeAskedAboutAgain) {
  const CapturedLog log;
  Ticket ticket = flights_.Join(*Address::Parse("joe@example.com"));
  flights_.Wait(*ticket.flight, absl::Seconds(60), Note("first"));
  test_.loop().Spawn(FlyIntoTrouble(*std::move(ticket.landing)));
  test_.RunUntilIdle();
  EXPECT_EQ(told_, std::vector<std::string>{"first: nobody landed joe@example.com"});
  EXPECT_EQ(flights_.size(), 0U);
  EXPECT_EQ(flights_.waiting(), 0U);
  EXPECT_TRUE(log.Contains("in the clouds"));
  EXPECT_TRUE(flights_.Join(*Address::Parse("joe@example.com")).leads());
}

TEST_F(FlightsTest, AFlightIsLandedOnlyOnceAndNotByWhoGaveItAway) {
  {
    Ticket ticket = flights_.Join(*Address::Parse("joe@example.com"));
    flights_.Wait(*ticket.flight, absl::Seconds(60), Note("first"));
    Landing given(*std::move(ticket.landing));
    ticket.landing.reset();
    test_.RunUntilIdle();
    EXPECT_TRUE(told_.empty());
    given.Land(Saying("250 Ok"));
  }
  test_.RunUntilIdle();
  EXPECT_EQ(told_, std::vector<std::string>{"first: 250 Ok"});
}

TEST_F(FlightsTest, OneWhoFailsWhenHeIsToldLeftTheOthersUntold) {
  const CapturedLog log;
  const auto fail = [](const Verdict* /*verdict*/) { throw std::runtime_error("does not want to know"); };
  Ticket ticket = flights_.Join(*Address::Parse("joe@example.com"));
  flights_.Wait(*ticket.flight, absl::Seconds(60), Note("first"));
  flights_.Wait(*ticket.flight, absl::Seconds(60), fail);
  flights_.Wait(*ticket.flight, absl::Seconds(60), Note("third"));
  ticket.landing->Land(Saying("250 Ok"));
  test_.RunUntilIdle();
  EXPECT_EQ(told_, (std::vector<std::string>{"first: 250 Ok", "third: 250 Ok"}));
  EXPECT_EQ(flights_.waiting(), 0U);
  EXPECT_TRUE(log.Contains("does not want to know"));
}

TEST_F(FlightsTest, OneWhoFailsWhenAnAddressIsAcceptedLeftTheOthersUntold) {
  const CapturedLog log;
  const auto fail = [](const Verdict* /*verdict*/) { throw std::runtime_error("does not want to know"); };
  Ticket ticket = flights_.Join(*Address::Parse("joe@example.com"));
  flights_.Wait(*ticket.flight, absl::Seconds(60), Note("last"), /*to_its_end=*/false);
  flights_.Wait(*ticket.flight, absl::Seconds(60), fail, /*to_its_end=*/false);
  flights_.Accept(*ticket.flight, Saying("250 Ok"));
  EXPECT_EQ(told_, std::vector<std::string>{"last: 250 Ok"});
  EXPECT_TRUE(log.Contains("does not want to know"));
}

TEST_F(FlightsTest, WhatIsInTheAirAtTheEndIsLandedNowhere) {
  auto flights = std::make_unique<Flights>(test_.loop(), [](const Flight& /*flight*/) { return Saying("too late"); });
  Ticket lost = flights->Join(*Address::Parse("ann@example.com"));
  flights->Wait(*lost.flight, absl::Seconds(60), Note("lost"));
  Ticket held = flights->Join(*Address::Parse("joe@example.com"));
  flights->Wait(*held.flight, absl::Seconds(60), Note("held"));
  lost.landing.reset();
  flights.reset();
  held.landing.reset();
  test_.RunUntilIdle();
  EXPECT_TRUE(told_.empty());
}

TEST_F(FlightsTest, WhoOnlyWatchesIsNotWokenAndIsNobodyWhoWaits) {
  Ticket ticket = flights_.Join(*Address::Parse("joe@example.com"));
  flights_.Wait(*ticket.flight, absl::InfiniteDuration(), Note("watching"));
  EXPECT_FALSE(ticket.flight->awaited());
  flights_.Wait(*ticket.flight, absl::Seconds(6), Note("waiting"));
  EXPECT_TRUE(ticket.flight->awaited());
  flights_.WakeWaiters();
  EXPECT_EQ(told_, std::vector<std::string>{"waiting: not in time"});
  ticket.landing->Land(Saying("250 Ok"));
  EXPECT_EQ(told_.back(), "watching: 250 Ok");
}

}  // namespace
}  // namespace verifyd
