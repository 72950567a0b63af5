#include "verifyd/verifier/destination_memory.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "cache/cache.h"
#include "tables/transport_table.h"
#include "tests/probe/probe_world.h"

namespace verifyd {
namespace {

class DestinationMemoryTest : public testing::Test {
 protected:
  DestinationMemoryTest() {
    world_.settings.transport_maps.push_back(TransportTable::Parse("t", "ours.example smtp:isp.example\n").value());
    world_.Configure();
    for (const char* const domain : {"isp.example", "evil.example"}) {
      world_.resolver.SetMx(domain, {{0, "isp.example"}});
    }
    world_.resolver.SetAddresses("isp.example", {"11.0.0.1"});
    world_.dialer.Play("11.0.0.1", "");
  }
  absl::Time now() { return world_.test.clock().Now(); }

  ProbeWorld world_;
  std::unique_ptr<Cache> cache_ = Cache::Open(world_.test.loop(), CacheSettings());
};

TEST_F(DestinationMemoryTest, ARouteThatWasCalledLikeAnExchangeKeepsItsHoldAndThatItHasAcceptedSomebody) {
  DestinationState former;
  former.name = "isp.example";
  former.held_until = now() + absl::Hours(1);
  former.trust.last_accepted = now() - absl::Hours(5);
  former.trust.doubt = Doubt::kManyRefused;
  former.trust.why = "a public server of that name refused many";
  former.failures = 7;
  cache_->PutDestinationState(former);
  RememberDestinations(*cache_, world_.prober);
  EXPECT_EQ(world_.Probe("joe@ours.example").finding.rule, "hold");
  const std::optional<DestinationState> state = cache_->FindDestinationState("smtp:isp.example");
  ASSERT_TRUE(state.has_value());
  EXPECT_EQ(state->held_until, former.held_until);
  EXPECT_EQ(state->trust, Trust{.last_accepted = former.trust.last_accepted});
  EXPECT_EQ(state->failures, 0U) << "others' servers of that name may have failed";
}

TEST_F(DestinationMemoryTest, WhatWasLearnedOfARouteIsThereBeforeItsFirstProbe) {
  DestinationState former;
  former.name = "isp.example";
  former.trust.last_accepted = now() - absl::Hours(5);
  cache_->PutDestinationState(former);
  RememberDestinations(*cache_, world_.prober);
  const std::optional<Route> route = world_.test.Run(world_.prober.FindRoute(
      Address::Parse("joe@ours.example").value(), "", world_.test.clock().Mono() + absl::Seconds(5)));
  ASSERT_TRUE(route.has_value());
  EXPECT_TRUE(cache_->FindDestinationState(route->destination).has_value());
}

TEST_F(DestinationMemoryTest, AHostileExchangeOfThatNameHasNoPartInTheRoute) {
  RememberDestinations(*cache_, world_.prober);
  EXPECT_EQ(world_.Probe("joe@ours.example").finding.reason, Reason::kAccepted);
  EXPECT_EQ(world_.Probe("joe@evil.example").destination, "isp.example");
  world_.prober.Hold("isp.example", now() + absl::Hours(1));
  EXPECT_EQ(world_.Probe("jane@evil.example").finding.rule, "hold");
  EXPECT_EQ(world_.Probe("jane@ours.example").finding.reason, Reason::kAccepted);
}

}  // namespace
}  // namespace verifyd
