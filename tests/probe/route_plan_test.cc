#include "probe/route_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/status_matchers.h"

namespace verifyd {
namespace {

using testing::HasSubstr;

class RoutePlanTest : public testing::Test {
 protected:
  RoutePlanTest() {
    settings_.recipient_delimiter = "+";
    settings_.myorigin = "gw.example";
  }
  static Address Parse(absl::string_view address) { return Address::Parse(address).value(); }
  static std::vector<std::shared_ptr<const Table>> Inline(absl::string_view entries) {
    return {Table::Load(absl::StrCat("inline:{ ", entries, " }")).value()};
  }
  RoutePlan Plan(absl::string_view address, absl::string_view sender = "") {
    return PlanRoute(Parse(address), sender, settings_,
                     [](const RemoteLookUp&) -> RemoteValue { return absl::UnavailableError("nobody there"); })
        .value();
  }
  std::string Rewritten(absl::string_view address) { return Plan(address).address.Key(); }

  ProbeSettings settings_;
};

TEST_F(RoutePlanTest, AnAliasIsFoundWithoutTheExtensionWhichItsTargetKeeps) {
  settings_.virtual_alias_maps = Inline("{info@example.com = box@example.net}");
  EXPECT_EQ(Rewritten("info+news@example.com"), "box+news@example.net");
  EXPECT_EQ(Rewritten("info@example.com"), "box@example.net");
  EXPECT_EQ(Rewritten("other+news@example.com"), "other+news@example.com");
}

TEST_F(RoutePlanTest, AnAliasOfTheWholeAddressGoesFirstAndKeepsNoExtension) {
  settings_.virtual_alias_maps =
      Inline("{info@example.com = box@example.net} {info+news@example.com = news@example.net}");
  EXPECT_EQ(Rewritten("info+news@example.com"), "news@example.net");
  EXPECT_EQ(Rewritten("info+other@example.com"), "box+other@example.net");
}

TEST_F(RoutePlanTest, AnAliasOfAWholeDomainComesLastAndTakesTheLocalPartAsItIs) {
  settings_.virtual_alias_maps = Inline("{@example.com = @example.net} {info@example.com = @example.org}");
  EXPECT_EQ(Rewritten("joe+news@example.com"), "joe+news@example.net");
  EXPECT_EQ(Rewritten("info+news@example.com"), "info+news@example.org");
}

TEST_F(RoutePlanTest, TheExtensionGoesOnlyWhereItIsPropagated) {
  settings_.virtual_alias_maps = Inline("{info@example.com = box@example.net}");
  settings_.propagates_to_virtual = false;
  EXPECT_EQ(Rewritten("info+news@example.com"), "box@example.net");
}

TEST_F(RoutePlanTest, WithoutADelimiterThereIsNoExtension) {
  settings_.recipient_delimiter = "";
  settings_.virtual_alias_maps = Inline("{info@example.com = box@example.net}");
  EXPECT_EQ(Rewritten("info+news@example.com"), "info+news@example.com");
}

TEST_F(RoutePlanTest, ANameAloneIsLookedUpInDomainsOfThisMachineOnly) {
  settings_.virtual_alias_maps = Inline("{info = box@example.net}");
  settings_.own_addresses = *NetworkList::Parse("11.0.0.1");
  settings_.mydestination = *DomainList::Create({"local.example"});
  EXPECT_EQ(Rewritten("info@gw.example"), "box@example.net");
  EXPECT_EQ(Rewritten("info+news@local.example"), "box+news@example.net");
  EXPECT_EQ(Rewritten("info@[11.0.0.1]"), "box@example.net");
  EXPECT_EQ(Rewritten("info@example.com"), "info@example.com");
  EXPECT_EQ(Rewritten("info@[11.0.0.2]"), "info@[11.0.0.2]");
}

TEST_F(RoutePlanTest, CanonicalMapsRewriteAfterThoseOfRecipientsUntilNothingChanges) {
  settings_.recipient_canonical_maps = Inline("{a@example.com = b@example.com}");
  settings_.canonical_maps = Inline("{b@example.com = c@example.com} {c@example.com = d@example.com}");
  settings_.virtual_alias_maps = Inline("{d@example.com = box@example.net}");
  EXPECT_EQ(Rewritten("a+x@example.com"), "box+x@example.net");
}

TEST_F(RoutePlanTest, ATransportIsFoundWithoutTheExtension) {
  settings_.transport_maps = {
      TransportTable::Parse("transport", "joe@example.com smtp:[10.0.0.1]\njoe+x@example.com smtp:[10.0.0.2]\n")
          .value()};
  EXPECT_EQ(Plan("joe+news@example.com").hop.ToString(), "[10.0.0.1]");
  EXPECT_EQ(Plan("joe+x@example.com").hop.ToString(), "[10.0.0.2]");
  EXPECT_FALSE(Plan("ann+news@example.com").configured);
}

TEST_F(RoutePlanTest, APlanSaysWhichSettingItFollows) {
  settings_.transport_maps = {TransportTable::Parse("transport", "example.com smtp:[10.0.0.1]\n").value()};
  settings_.relayhost = NextHop::Parse("[10.0.0.9]").value();
  EXPECT_EQ(Plan("joe@example.com").setting, "transport_maps");
  EXPECT_EQ(Plan("joe@example.net").setting, "relayhost");
}

TEST_F(RoutePlanTest, DunnoForTheSenderWasTakenForTheNameOfARelay) {
  settings_.relayhost = NextHop::Parse("[10.0.0.9]").value();
  settings_.relayhost_maps = Inline("{a@gw.example = Dunno} {@gw.example = [10.0.0.1]} {<> = [10.0.0.2]}");
  EXPECT_EQ(Plan("joe@example.net", "a@gw.example").hop.ToString(), "[10.0.0.9]");
  EXPECT_EQ(Plan("joe@example.net", "b@gw.example").hop.ToString(), "[10.0.0.1]");
  EXPECT_EQ(Plan("joe@example.net", "").hop.ToString(), "[10.0.0.2]");
}

TEST_F(RoutePlanTest, PatternsWereAskedForPartsOfAnAddressThatTheyWereNotWrittenFor) {
  std::vector<std::string> keys;
  const auto asked = [&](absl::string_view address) {
    keys.clear();
    const auto plan = PlanRoute(Parse(address), "", settings_, [&](const RemoteLookUp& look_up) -> RemoteValue {
      keys.push_back(absl::StrCat(look_up.setting, " ", look_up.key));
      return std::nullopt;
    });
    EXPECT_THAT(plan.status(), IsOk());
    return keys;
  };
  const auto list = [](absl::string_view spec) {
    return DomainList::Create({std::string(spec)}, [](absl::string_view it) { return Table::Load(it); },
                              {.askable = true})
        .value();
  };
  const std::vector<std::string> whole = {"virtual_alias_maps info+x@example.com", "relay_domains example.com",
                                          "transport_maps info+x@example.com", "transport_maps *"};
  for (const absl::string_view spec :
       {"proxy:regexp:/etc/x", "proxy:pcre:/etc/x", "socketmap:unix:/run/x:x", "proxy:unionmap:{ldap:/x, pcre:/y}"}) {
    settings_.virtual_alias_maps = {Table::Load(spec).value()};
    settings_.transport_maps = {TransportTable::Load(spec, {}).value()};
    settings_.relay_domains = list(spec);
    EXPECT_EQ(asked("info+x@example.com"), whole) << spec;
  }
  settings_.virtual_alias_maps = {Table::Load("proxy:unionmap:{ldap:/x, mysql:/y}").value()};
  EXPECT_EQ(asked("info+x@example.com").size(), whole.size() + 2);
}

TEST_F(RoutePlanTest, LmtpWithoutANextHopIsAskedAtTheDomain) {
  settings_.virtual_mailbox_domains = *DomainList::Create({"box.example"});
  settings_.virtual_transport = Transport::Parse("lmtp", settings_.transport_names, false).value();
  const RoutePlan plan = Plan("joe@box.example");
  EXPECT_EQ(plan.hop.ToString(), "[box.example]");
  EXPECT_EQ(plan.protocol, Protocol::kLmtp);
  EXPECT_TRUE(plan.configured);
}

TEST_F(RoutePlanTest, OfSeveralCanonicalAddressesTheFirstCounts) {
  settings_.canonical_maps = Inline("{joe@example.com = ann@example.net bob@example.net}");
  EXPECT_EQ(Rewritten("joe@example.com"), "ann@example.net");
  settings_.virtual_alias_maps = Inline("{ann@example.net = c@example.net d@example.net}");
  EXPECT_TRUE(Plan("joe@example.com").several);
}

TEST_F(RoutePlanTest, WhatPostfixSaysAndIsNotUnderstoodIsNoRouteToTheMx) {
  const auto fault = [&] {
    return PlanRoute(Parse("joe@example.com"), "", settings_, [](const RemoteLookUp&) { return std::nullopt; })
        .status();
  };
  settings_.relayhost = absl::InvalidArgumentError("next hop \"[x\"");
  EXPECT_THAT(fault(), FailsWith("relayhost: next hop \"[x\""));
  settings_.default_transport = {.kind = Transport::Kind::kBroken, .argument = "odd"};
  EXPECT_THAT(fault(), FailsWith("default_transport: odd"));
}

TEST_F(RoutePlanTest, AServerThatIsNotAskedYetEndsThePlanWithItsSetting) {
  settings_.virtual_alias_maps = {Table::Load("proxy:mysql:/etc/aliases.cf").value()};
  std::vector<std::string> keys;
  const auto plan = PlanRoute(Parse("info+news@example.com"), "", settings_, [&](const RemoteLookUp& look_up) {
    keys.push_back(look_up.key);
    return keys.size() < 3 ? RemoteValue(std::nullopt) : absl::UnavailableError("gone");
  });
  EXPECT_THAT(plan.status(), FailsWith("virtual_alias_maps: gone"));
  EXPECT_EQ(keys, (std::vector<std::string>{"info+news@example.com", "info@example.com", "@example.com"}));
}

TEST_F(RoutePlanTest, ASketchDiffersWhereTheRouteDoesAndAsksNobody) {
  ProbeSettings after = settings_;
  const auto same = [&](absl::string_view address) {
    return RouteSketch(Parse(address), "", settings_) == RouteSketch(Parse(address), "", after);
  };
  after.transport_maps = {TransportTable::Parse("transport", "example.com smtp:[10.0.0.1]\n").value()};
  EXPECT_FALSE(same("joe@example.com"));
  EXPECT_TRUE(same("joe@example.net"));
  settings_ = after;
  after.virtual_alias_maps = Inline("{joe@example.com = ann@example.com}");
  EXPECT_FALSE(same("joe@example.com"));
  EXPECT_TRUE(same("bob@example.com"));
  settings_ = after;
  after.virtual_alias_maps.push_back(Table::Load("proxy:mysql:/etc/aliases.cf").value());
  EXPECT_FALSE(same("bob@example.com"));
  EXPECT_THAT(RouteSketch(Parse("bob@example.com"), "", after), HasSubstr("proxy:mysql:/etc/aliases.cf"));
}

}  // namespace
}  // namespace verifyd
