#include "verifyd/verifier/route_change.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "mail/address.h"
#include "tests/status_matchers.h"
#include "tests/test_loop.h"
#include "verifyd/configuration/configuration.h"
#include "verifyd/configuration/routing.h"

namespace verifyd {
namespace {

class RouteChangeTest : public testing::Test {
 protected:
  static std::shared_ptr<const Routing> RelayedBy(const std::string& host) {
    const auto settings = Settings::Load({{"address_verify_map", "", "test"},
                                          {"myhostname", "gateway.example", "test"},
                                          {"verify_domains", "example.com", "test"},
                                          {"relayhost", host, "test"}},
                                         {});
    EXPECT_THAT(settings, IsOk());
    absl::StatusOr<Configuration> configuration = Configuration::Create(*settings);
    EXPECT_THAT(configuration, IsOk());
    return RoutingOf(*configuration);
  }
  std::shared_ptr<const RouteChange> Change(const std::string& before, const std::string& after) {
    return RouteChange::Between(RelayedBy(before), RelayedBy(after), test_.clock().Now());
  }
  void Refuse() {
    Record record;
    record.finding.deliverability = Deliverability::kUndeliverable;
    record.finding.when = test_.clock().Now();
    cache_->PutRecord(joe_.Key(), record);
  }
  bool IsHeld() { return cache_->FindRecord(joe_.Key()).has_value(); }

  TestLoop test_;
  std::unique_ptr<Cache> cache_ = Cache::Open(test_.loop(), {});
  const Address joe_ = Address::Parse("joe@example.com").value();
};

TEST_F(RouteChangeTest, ARefusalByAnotherRouteIsDropped) {
  Refuse();
  Change("[a.example]", "[b.example]")->Heed(*cache_, joe_);
  EXPECT_FALSE(IsHeld());
}

TEST_F(RouteChangeTest, NothingIsToBeDoneWhereRoutesAreAsTheyWere) {
  EXPECT_EQ(Change("[a.example]", "[a.example]"), nullptr);
}

TEST_F(RouteChangeTest, TwoThatLeadBackDropWhatWasFoundBetweenThem) {
  const auto there = Change("[a.example]", "[b.example]");
  test_.Advance(absl::Seconds(5));
  Refuse();
  test_.Advance(absl::Seconds(5));
  const auto back = Change("[b.example]", "[a.example]");
  RouteChange::Joined(*there, *back)->Heed(*cache_, joe_);
  EXPECT_FALSE(IsHeld());
}

TEST_F(RouteChangeTest, OfManyItIsRememberedOnlyThatRoutesWereOthers) {
  std::shared_ptr<const RouteChange> all = Change("[a.example]", "[b.example]");
  for (int i = 0; i < 10; ++i) all = RouteChange::Joined(*all, *Change("[b.example]", "[c.example]"));
  Refuse();
  all->Heed(*cache_, joe_);
  EXPECT_FALSE(IsHeld());
  test_.Advance(absl::Seconds(5));
  Refuse();
  all->Heed(*cache_, joe_);
  EXPECT_TRUE(IsHeld()) << "found after all of them";
}

TEST_F(RouteChangeTest, WhatAnEarlierRunFoundByOtherRoutesIsDroppedOfOurDomainsOnly) {
  const auto routes = RelayedBy("[a.example]");
  const std::string text = routes->text;
  EXPECT_EQ(RouteChange::SinceEarlierRun(text, RelayedBy("[a.example]"), test_.clock().Now()), nullptr);
  const auto change = RouteChange::SinceEarlierRun(text, RelayedBy("[b.example]"), test_.clock().Now());
  ASSERT_NE(change, nullptr);
  Refuse();
  change->Heed(*cache_, joe_);
  EXPECT_FALSE(IsHeld());
  const Address stranger = Address::Parse("joe@stranger.example").value();
  Record record;
  record.finding.deliverability = Deliverability::kUndeliverable;
  record.finding.when = test_.clock().Now();
  cache_->PutRecord(stranger.Key(), record);
  change->Heed(*cache_, stranger);
  EXPECT_TRUE(cache_->FindRecord(stranger.Key()).has_value());
}

TEST_F(RouteChangeTest, AWalkThatIsSupersededEnds) {
  Refuse();
  int asked = 0;
  bool ended = false;
  const auto change = Change("[a.example]", "[b.example]");
  const auto walk = [&]() -> boost::asio::awaitable<void> {
    co_await RouteChange::HeedAll(test_.loop(), *cache_, change, [&] { return ++asked > 0; });
    ended = true;
  };
  test_.loop().Spawn(walk());
  test_.Advance(absl::Seconds(1));
  EXPECT_GT(asked, 0);
  EXPECT_TRUE(ended);
}

}  // namespace
}  // namespace verifyd
