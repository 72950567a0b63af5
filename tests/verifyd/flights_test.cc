#include "verifyd/flights.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

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
  Flights flights_{test_.loop()};
  std::vector<std::string> told_;
};

TEST_F(FlightsTest, TheFirstLeadsAndAllAreTold) {
  const Ticket first = flights_.Join("joe@example.com");
  const Ticket second = flights_.Join("joe@example.com");
  EXPECT_TRUE(first.leads);
  EXPECT_FALSE(second.leads);
  flights_.Wait(*first.flight, absl::Seconds(10), Note("first"));
  flights_.Wait(*second.flight, absl::InfiniteDuration(), Note("second"));
  flights_.Land(first.flight, Saying("250 Ok"));
  EXPECT_EQ(told_, (std::vector<std::string>{"first: 250 Ok", "second: 250 Ok"}));
  EXPECT_FALSE(flights_.InTheAir("joe@example.com"));
}

TEST_F(FlightsTest, WhosePatienceHasEndedIsToldOnce) {
  const Ticket ticket = flights_.Join("joe@example.com");
  flights_.Wait(*ticket.flight, absl::Seconds(6), Note("hasty"));
  flights_.Wait(*ticket.flight, absl::Seconds(60), Note("patient"));
  test_.Advance(absl::Seconds(7));
  EXPECT_EQ(told_, std::vector<std::string>{"hasty: not in time"});
  flights_.Land(ticket.flight, Saying("250 Ok"));
  test_.Advance(absl::Seconds(100));
  EXPECT_EQ(told_, (std::vector<std::string>{"hasty: not in time", "patient: 250 Ok"}));
}

TEST_F(FlightsTest, WhoDoesNotWaitToItsEndIsToldThatTheAddressIsAcceptedAtOnce) {
  const Ticket ticket = flights_.Join("joe@example.com");
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
  flights_.Land(ticket.flight, Saying("250 Ok, and so is everybody"));
  EXPECT_EQ(told_.back(), "patient: 250 Ok, and so is everybody");
  EXPECT_EQ(told_.size(), 4U);
  EXPECT_EQ(flights_.waiting(), 0U);
}

TEST_F(FlightsTest, WhoAsksAgainWhenToldJoinsAnotherFlight) {
  const Ticket ticket = flights_.Join("joe@example.com");
  bool leads = false;
  flights_.Wait(*ticket.flight, absl::Seconds(6), [&](const Verdict* /*verdict*/) {
    const Ticket again = flights_.Join("joe@example.com");
    leads = again.leads;
    flights_.Wait(*again.flight, absl::Seconds(6), Note("again"));
  });
  flights_.Land(ticket.flight, Saying("250 Ok"));
  EXPECT_TRUE(leads);
  EXPECT_TRUE(told_.empty());
  EXPECT_EQ(flights_.size(), 1U);
}

TEST_F(FlightsTest, WokenWaitersAreToldThatItIsInProgressAndTheFlightGoesOn) {
  const Ticket ticket = flights_.Join("joe@example.com");
  flights_.Wait(*ticket.flight, absl::Seconds(60), Note("first"));
  // Whoever waits again at once does not keep the others from being woken, nor the daemon from its end.
  flights_.Wait(*ticket.flight, absl::Seconds(6), [&](const Verdict* verdict) {
    Note("second")(verdict);
    flights_.Wait(*ticket.flight, absl::Seconds(6), Note("second again"));
  });
  flights_.WakeWaiters();
  EXPECT_EQ(told_, (std::vector<std::string>{"first: not in time", "second: not in time"}));
  flights_.Land(ticket.flight, Saying("250 Ok"));
  EXPECT_EQ(told_.back(), "second again: 250 Ok");
}

TEST_F(FlightsTest, WhoOnlyWatchesIsNotWokenAndIsNobodyWhoWaits) {
  const Ticket ticket = flights_.Join("joe@example.com");
  flights_.Wait(*ticket.flight, absl::InfiniteDuration(), Note("watching"));
  EXPECT_FALSE(ticket.flight->awaited());
  flights_.Wait(*ticket.flight, absl::Seconds(6), Note("waiting"));
  EXPECT_TRUE(ticket.flight->awaited());
  flights_.WakeWaiters();
  EXPECT_EQ(told_, std::vector<std::string>{"waiting: not in time"});
  flights_.Land(ticket.flight, Saying("250 Ok"));
  EXPECT_EQ(told_.back(), "watching: 250 Ok");
}

}  // namespace
}  // namespace verifyd
