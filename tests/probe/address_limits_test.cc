#include "probe/address_limits.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/test_loop.h"

namespace verifyd {
namespace {

class AddressLimitsTest : public testing::Test {
 protected:
  struct Visit {
    bool ended = false;
    bool entered = false;
    AddressLimits::Place place;
  };
  using Visits = std::vector<std::shared_ptr<Visit>>;

  std::shared_ptr<Visit> Go(std::vector<std::string> addresses, std::string owner = "a.example",
                            absl::Duration patience = absl::Hours(1)) {
    std::vector<Endpoint> endpoints;
    for (std::string& address : addresses) endpoints.push_back({.host = "mx.example", .address = std::move(address)});
    auto visit = std::make_shared<Visit>();
    test_.loop().Spawn(
        Enter(limits_, allowed_, std::move(endpoints), std::move(owner), test_.clock().Mono() + patience, visit));
    test_.RunUntilIdle();
    visits_.push_back(visit);
    return visit;
  }
  int inside() const {
    return static_cast<int>(
        std::count_if(visits_.begin(), visits_.end(), [](const auto& visit) { return visit->entered; }));
  }
  void LeaveAll() {
    for (const auto& visit : visits_) visit->place = AddressLimits::Place();
    std::erase_if(visits_, [](const auto& visit) { return visit->ended; });
    test_.RunUntilIdle();
  }

  TestLoop test_;
  PaceLimits allowed_ = {.connections = 5, .connections_per_second = 5};
  // A waiter keeps it, as a destination's worker does.
  const std::shared_ptr<AddressLimits> limits_ = std::make_shared<AddressLimits>(test_.loop());
  Visits visits_;

 private:
  static boost::asio::awaitable<void> Enter(std::shared_ptr<AddressLimits> limits, PaceLimits allowed,
                                            std::vector<Endpoint> endpoints, std::string owner, MonoTime deadline,
                                            std::shared_ptr<Visit> visit) {
    visit->entered = limits->TryEnter(endpoints, allowed, visit->place);
    if (!visit->entered) visit->entered = co_await limits->Enter(endpoints, allowed, owner, deadline, visit->place);
    visit->place.Use();
    visit->ended = true;
  }
};

TEST_F(AddressLimitsTest, AThousandNamesThatLeadToOneAddressGetWhatOneGets) {
  for (int i = 0; i < 1000; ++i) Go({"11.0.0.1"});
  test_.Advance(absl::Minutes(1));
  EXPECT_EQ(inside(), 5);
}

TEST_F(AddressLimitsTest, NewOnesComeAtTheRateThatIsAllowed) {
  allowed_.connections = 1000;
  for (int i = 0; i < 100; ++i) Go({"11.0.0.1"});
  EXPECT_EQ(inside(), 5);
  test_.Advance(absl::Milliseconds(2100));
  EXPECT_EQ(inside(), 15);
}

TEST_F(AddressLimitsTest, NeighboursTogetherGetFourTimesAsMuch) {
  for (int i = 0; i < 100; ++i) Go({absl::StrCat("11.0.0.", i)});
  test_.Advance(absl::Minutes(1));
  EXPECT_EQ(inside(), 20);
  for (int i = 0; i < 100; ++i) Go({absl::StrCat("2a00:0:0:1::", i + 1)});
  test_.Advance(absl::Minutes(1));
  EXPECT_EQ(inside(), 40);
  Go({"11.0.1.1"});
  Go({"2a00:0:0:2::1"});
  EXPECT_EQ(inside(), 42) << "others do not wait";
}

TEST_F(AddressLimitsTest, WhoLeavesMakesRoomAndOwnersTakeTurns) {
  allowed_ = {.connections = 1};
  const auto first = Go({"11.0.0.1"});
  for (int i = 0; i < 1000; ++i) Go({"11.0.0.1"}, "evil.example");
  const auto innocent = Go({"11.0.0.1"}, "good.example");
  first->place = AddressLimits::Place();
  test_.RunUntilIdle();
  EXPECT_FALSE(innocent->entered);
  visits_[1]->place = AddressLimits::Place();
  test_.RunUntilIdle();
  EXPECT_TRUE(innocent->entered);
}

TEST_F(AddressLimitsTest, WhoWaitsGivesUpAtItsDeadlineAndNobodyMissesIt) {
  allowed_ = {.connections = 1};
  const auto first = Go({"11.0.0.1"});
  const auto second = Go({"11.0.0.1"}, "a.example", absl::Seconds(5));
  const auto third = Go({"11.0.0.1"});
  test_.Advance(absl::Seconds(6));
  EXPECT_TRUE(second->ended);
  EXPECT_FALSE(second->entered);
  first->place = AddressLimits::Place();
  test_.RunUntilIdle();
  EXPECT_TRUE(third->entered);
}

TEST_F(AddressLimitsTest, WhoMayGoEitherWayTakesAPlaceAtBoth) {
  allowed_ = {.connections = 1};
  const auto both = Go({"2a00::1", "11.0.0.1"});
  EXPECT_TRUE(both->entered);
  const auto one = Go({"11.0.0.1"});
  const auto other = Go({"2a00::1"});
  EXPECT_EQ(inside(), 1);
  both->place = AddressLimits::Place();
  test_.RunUntilIdle();
  EXPECT_TRUE(one->entered && other->entered);
}

TEST_F(AddressLimitsTest, APlaceThatWasNotUsedCostsNothingOfTheRate) {
  allowed_ = {.connections = 5, .connections_per_second = 1};
  for (int i = 0; i < 10; ++i) {
    AddressLimits::Place place;
    EXPECT_TRUE(limits_->TryEnter({{.host = "mx.example", .address = "11.0.0.1"}}, allowed_, place)) << i;
  }
}

TEST_F(AddressLimitsTest, WhatTheOperatorAllowsAtOneDestinationItsAddressesBear) {
  Go({"11.0.0.1"});
  allowed_ = {.connections = 50};
  for (int i = 0; i < 100; ++i) Go({"11.0.0.1"});
  EXPECT_EQ(inside(), 50);
}

TEST_F(AddressLimitsTest, AddressesThatNobodyAsksAnyMoreAreForgotten) {
  for (int i = 0; i < 5000; ++i) {
    Go({absl::StrCat("11.", i >> 16, ".", (i >> 8) & 255, ".", i & 255)});
    LeaveAll();
    test_.Advance(absl::Milliseconds(10));
  }
  EXPECT_LT(limits_->size(), 2500U);
}

}  // namespace
}  // namespace verifyd
