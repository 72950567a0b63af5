#include "probe/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/log.h"
#include "tests/scripted_dialer.h"
#include "tests/scripted_resolver.h"
#include "tests/status_matchers.h"
#include "tests/test_loop.h"

namespace verifyd {
namespace {

class RouterTest : public testing::Test {
 protected:
  Routed Find(absl::string_view address) {
    Dialogue dialogue(test_.clock(), false);
    const Address parsed = Address::Parse(address).value();
    return test_.Run(router_.Find(parsed, sender_, settings_, test_.clock().Mono() + absl::Seconds(100), dialogue));
  }
  // Does the same for a domain of the operator's own.
  Routed FindOurs(absl::string_view address) {
    Dialogue dialogue(test_.clock(), false);
    const Address parsed = Address::Parse(address).value();
    return test_.Run(
        router_.Find(parsed, sender_, settings_, test_.clock().Mono() + absl::Seconds(100), dialogue, DnsNeed::kOurs));
  }
  std::string Rewritten(absl::string_view address) {
    const Routed routed = Find(address);
    return routed.rewritten.has_value() ? routed.rewritten->Key() : "unchanged";
  }
  // Returns "mx1[11.0.0.1]:25 mx2[11.0.0.2]:25".
  std::string Endpoints(absl::string_view address) {
    const Routed routed = Find(address);
    if (!routed.route.has_value()) return "none";
    return absl::StrJoin(routed.route->endpoints, " ",
                         [](std::string* out, const Endpoint& endpoint) { absl::StrAppend(out, endpoint.ToString()); });
  }
  void Map(absl::string_view text) {
    settings_.transport_maps.push_back(TransportTable::Parse("transport", text).value());
  }
  void Relayhost(absl::string_view text) { settings_.relayhost = NextHop::Parse(text).value(); }

  TestLoop test_;
  ScriptedResolver resolver_{test_.loop()};
  ProbeSettings settings_;
  ScriptedDialer services_{test_.loop()};
  std::string sender_ = "probe@gateway.example";
  Alarms alarms_{test_.clock()};
  Router router_{test_.loop(), resolver_, services_, alarms_};
};

TEST_F(RouterTest, WhatOurOwnDomainsAndRoutesNeedIsAskedOfDnsAsOurs) {
  resolver_.SetMx("example.com", {{10, "mx.example.com"}});
  resolver_.SetAddresses("mx.example.com", {"11.0.0.1"});
  Find("joe@example.com");
  EXPECT_GT(resolver_.asked(), 1U);
  EXPECT_EQ(resolver_.asked_for_ours(), 0U);
  const size_t asked = resolver_.asked();
  Dialogue dialogue(test_.clock(), false);
  test_.Run(router_.Find(Address::Parse("joe@example.com").value(), sender_, settings_,
                         test_.clock().Mono() + absl::Seconds(100), dialogue, DnsNeed::kOurs));
  EXPECT_EQ(resolver_.asked_for_ours(), resolver_.asked() - asked);
  Map("example.net smtp:[mx.example.com]");
  const size_t before = resolver_.asked_for_ours();
  Find("joe@example.net");
  EXPECT_GT(resolver_.asked_for_ours(), before);
}

TEST_F(RouterTest, APublicDomainIsAskedAtItsMxInOrderOfPreference) {
  resolver_.SetMx("example.com", {{20, "b.example.com"}, {10, "a.example.com"}});
  resolver_.SetAddresses("a.example.com", {"11.0.0.1", "2a00::1"});
  resolver_.SetAddresses("b.example.com", {"11.0.0.2"});
  const Routed routed = Find("joe@example.com");
  ASSERT_TRUE(routed.route.has_value());
  EXPECT_FALSE(routed.route->configured);
  EXPECT_EQ(routed.route->destination, "a.example.com,b.example.com");
  ASSERT_EQ(routed.route->endpoints.size(), 3U);
  EXPECT_EQ(routed.route->endpoints[0].host, "a.example.com");
  EXPECT_EQ(routed.route->endpoints[1].host, "a.example.com");
  EXPECT_EQ(routed.route->endpoints[2].ToString(), "b.example.com[11.0.0.2]:25");
  EXPECT_EQ(routed.route->endpoints[2].preference, 20);
}

TEST_F(RouterTest, EqualPreferencesAreShuffled) {
  resolver_.SetMx("example.com", {{10, "a.example.com"}, {10, "b.example.com"}});
  resolver_.SetAddresses("a.example.com", {"11.0.0.1"});
  resolver_.SetAddresses("b.example.com", {"11.0.0.2"});
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) seen.insert(Endpoints("joe@example.com"));
  EXPECT_EQ(seen.size(), 2U);
  EXPECT_EQ(Find("joe@example.com").route->destination, "a.example.com,b.example.com");
}

TEST_F(RouterTest, NoMoreAddressesAreTriedThanTheLimitAllows) {
  resolver_.SetMx("example.com", {{10, "a.example.com"}});
  resolver_.SetAddresses("a.example.com", {"11.0.0.1", "11.0.0.2", "11.0.0.3", "11.0.0.4", "11.0.0.5", "11.0.0.6"});
  EXPECT_EQ(Find("joe@example.com").route->endpoints.size(), 5U);
  settings_.mx_address_limit = 2;
  EXPECT_EQ(Find("joe@example.com").route->endpoints.size(), 2U);
  settings_.mx_address_limit = 0;
  EXPECT_EQ(Find("joe@example.com").route->endpoints.size(), 6U);
}

TEST_F(RouterTest, AnImplicitMxIsTheDomainItself) {
  resolver_.SetAddresses("example.com", {"11.0.0.1"});
  EXPECT_EQ(Endpoints("joe@example.com"), "example.com[11.0.0.1]:25");
  EXPECT_EQ(Find("joe@example.com").route->destination, "example.com");
}

TEST_F(RouterTest, TheRelayhostTakesEverything) {
  resolver_.SetAddresses("relay.example.net", {"10.0.0.9"});
  Relayhost("[relay.example.net]:2525");
  EXPECT_EQ(Endpoints("joe@example.com"), "relay.example.net[10.0.0.9]:2525");
  EXPECT_EQ(Endpoints("joe@[11.0.0.1]"), "relay.example.net[10.0.0.9]:2525");
  const Routed routed = Find("joe@nowhere.example");
  ASSERT_TRUE(routed.route.has_value());
  EXPECT_TRUE(routed.route->configured);
  EXPECT_EQ(routed.route->destination, "[relay.example.net]:2525");
}

TEST_F(RouterTest, ARelayhostWithoutBracketsIsLookedUpByMx) {
  resolver_.SetMx("relay.example.net", {{10, "mx.example.net"}});
  resolver_.SetAddresses("mx.example.net", {"127.0.0.1"});
  Relayhost("relay.example.net");
  settings_.smtp_tcp_port = 1025;
  EXPECT_EQ(Endpoints("joe@example.com"), "mx.example.net[127.0.0.1]:1025");
}

TEST_F(RouterTest, TheTransportMapGoesBeforeTheRelayhost) {
  resolver_.SetAddresses("relay.example.net", {"10.0.0.9"});
  resolver_.SetMx("mx-only.example", {{10, "mx.mx-only.example"}});
  resolver_.SetAddresses("mx.mx-only.example", {"11.0.0.7"});
  Relayhost("[relay.example.net]");
  Map("example.com     smtp:[192.168.0.5]:26\n"
      "joe@user.example relay:[10.0.0.1]\n"
      "mx-only.example smtp:\n"
      "default.example :\n");
  EXPECT_EQ(Endpoints("joe@example.com"), "192.168.0.5[192.168.0.5]:26");
  EXPECT_EQ(Endpoints("joe@user.example"), "10.0.0.1[10.0.0.1]:25");
  EXPECT_EQ(Endpoints("ann@user.example"), "relay.example.net[10.0.0.9]:25");
  EXPECT_EQ(Endpoints("joe@mx-only.example"), "mx.mx-only.example[11.0.0.7]:25");
  EXPECT_EQ(Endpoints("joe@default.example"), "relay.example.net[10.0.0.9]:25");
}

TEST_F(RouterTest, TheFirstTransportMapThatKnowsTheDomainCounts) {
  Map("a.example smtp:[10.0.0.1]\n");
  Map("a.example smtp:[10.0.0.2]\nb.example smtp:[10.0.0.3]\n");
  EXPECT_EQ(Endpoints("joe@a.example"), "10.0.0.1[10.0.0.1]:25");
  EXPECT_EQ(Endpoints("joe@b.example"), "10.0.0.3[10.0.0.3]:25");
}

TEST_F(RouterTest, OtherTransportsCanNotBeAskedAbout) {
  Map("example.com local:\n");
  Routed routed = Find("joe@example.com");
  EXPECT_FALSE(routed.route.has_value());
  EXPECT_TRUE(routed.not_verifiable);
  EXPECT_EQ(routed.domain_fact, nullptr);
  EXPECT_EQ(routed.finding.text, "transport local: is a delivery agent, the address can not be asked about");
  EXPECT_EQ(resolver_.asked(), 0U);
}

TEST_F(RouterTest, WhatDnsSaysOfADomainIsAFactWithItsLifetime) {
  struct Case {
    const char* domain;
    Reason reason;
    const char* text;
  };
  resolver_.Fail("gone.example", DnsType::kMx, DnsStatus::kNxDomain, absl::Seconds(77));
  resolver_.SetMx("null.example", {{0, ""}}, absl::Seconds(77));
  resolver_.Fail("nothing.example", DnsType::kMx, DnsStatus::kNoData, absl::Seconds(77));
  resolver_.Fail("nothing.example", DnsType::kA, DnsStatus::kNoData, absl::Seconds(77));
  resolver_.Fail("nothing.example", DnsType::kAaaa, DnsStatus::kNoData, absl::Seconds(77));
  resolver_.SetMx("lost.example", {{10, "mx.lost.example"}}, absl::Seconds(77));
  resolver_.Fail("mx.lost.example", DnsType::kA, DnsStatus::kNxDomain, absl::Seconds(99));
  resolver_.Fail("mx.lost.example", DnsType::kAaaa, DnsStatus::kNxDomain, absl::Seconds(99));
  for (const Case& c :
       {Case{"gone.example", Reason::kNoSuchDomain,
             "Host or domain name not found. Name service error for name=gone.example type=MX: Host not found"},
        {"null.example", Reason::kDomainNullMx, "Domain null.example does not accept mail (nullMX)"},
        {"nothing.example", Reason::kDomainNoMailHost,
         "Host or domain name not found. Name service error for name=nothing.example type=A: Host found but no data "
         "record of requested type"},
        {"lost.example", Reason::kMxUnresolvable,
         "Host or domain name not found. Name service error for name=mx.lost.example type=A: Host not found"}}) {
    const Routed routed = Find(absl::StrCat("joe@", c.domain));
    EXPECT_FALSE(routed.route.has_value());
    EXPECT_EQ(routed.finding.reason, c.reason) << c.domain;
    EXPECT_EQ(routed.finding.deliverability, Deliverability::kUndeliverable) << c.domain;
    EXPECT_EQ(routed.finding.scope, Scope::kDomain);
    EXPECT_EQ(routed.finding.stage, Stage::kDns);
    EXPECT_EQ(routed.finding.text, c.text);
    EXPECT_EQ(routed.finding.when, test_.clock().Now());
    ASSERT_NE(routed.domain_fact, nullptr) << c.domain;
    EXPECT_EQ(routed.domain_fact->domain, c.domain);
    EXPECT_EQ(routed.domain_fact->ttl, absl::Seconds(77));
    EXPECT_EQ(routed.domain_fact->finding, routed.finding);
  }
}

TEST_F(RouterTest, WhenDnsDoesNotKnowNothingIsSaidOfTheDomain) {
  resolver_.Fail("servfail.example", DnsType::kMx, DnsStatus::kServfail);
  resolver_.Fail("timeout.example", DnsType::kMx, DnsStatus::kTimeout);
  Routed routed = Find("joe@servfail.example");
  EXPECT_EQ(routed.finding.reason, Reason::kDnsTemporary);
  EXPECT_EQ(routed.finding.deliverability, Deliverability::kUnknown);
  EXPECT_EQ(routed.domain_fact, nullptr);
  EXPECT_EQ(routed.finding.text,
            "Host or domain name not found. Name service error for name=servfail.example type=MX: Host not found, try "
            "again");
  routed = Find("joe@timeout.example");
  EXPECT_EQ(routed.finding.reason, Reason::kDnsTimeout);
  EXPECT_EQ(routed.domain_fact, nullptr);
}

TEST_F(RouterTest, AConfiguredNextHopThatDoesNotExistIsNobodysFaultButOurs) {
  const CapturedLog log;
  Relayhost("[gone.example.net]");
  for (int i = 0; i < 3; ++i) {
    const Routed routed = Find("joe@example.com");
    EXPECT_EQ(routed.finding.deliverability, Deliverability::kUnknown);
    EXPECT_EQ(routed.finding.reason, Reason::kDnsTemporary);
    EXPECT_EQ(routed.domain_fact, nullptr);
    EXPECT_EQ(routed.finding.text,
              "Host or domain name not found. Name service error for name=gone.example.net type=A: Host not found");
  }
  EXPECT_EQ(log.lines().size(), 1U);
  EXPECT_TRUE(log.Contains("configured next hop [gone.example.net]"));
}

TEST_F(RouterTest, AnMxThatLeadsInsideIsNotContactedAndNotHeldAgainstTheDomain) {
  const CapturedLog log;
  resolver_.SetMx("example.com", {{10, "mx.example.com"}});
  resolver_.SetAddresses("mx.example.com", {"10.0.0.1", "::1"});
  const Routed routed = Find("joe@example.com");
  EXPECT_FALSE(routed.route.has_value());
  EXPECT_EQ(routed.finding.reason, Reason::kMxBogon);
  EXPECT_EQ(routed.finding.deliverability, Deliverability::kUnknown);
  EXPECT_EQ(routed.domain_fact, nullptr);
  EXPECT_EQ(routed.finding.text,
            "mail for example.com is handled by mx.example.com[10.0.0.1], which is not a public address");
  EXPECT_TRUE(log.Contains("mail for example.com is handled by mx.example.com[10.0.0.1]"));
}

TEST_F(RouterTest, WarnsOnceAnHourForEachDomain) {
  const CapturedLog log;
  for (const char* domain : {"a.example", "b.example"}) {
    resolver_.SetMx(domain, {{10, "localhost"}});
  }
  resolver_.SetAddresses("localhost", {"127.0.0.1"});
  for (int i = 0; i < 3; ++i) Find("joe@a.example");
  Find("joe@b.example");
  EXPECT_EQ(log.lines().size(), 2U);
  test_.Advance(absl::Minutes(61));
  Find("joe@a.example");
  EXPECT_EQ(log.lines().size(), 3U);
}

TEST_F(RouterTest, OfSeveralAddressesTheBogusOnesAreLeftOut) {
  resolver_.SetMx("example.com", {{10, "inside.example.com"}, {20, "mx.example.com"}});
  resolver_.SetAddresses("inside.example.com", {"192.168.1.1"});
  resolver_.SetAddresses("mx.example.com", {"11.0.0.1"});
  EXPECT_EQ(Endpoints("joe@example.com"), "mx.example.com[11.0.0.1]:25");
}

TEST_F(RouterTest, PermittedNetworksMayBeContacted) {
  resolver_.SetMx("example.com", {{10, "mx.example.com"}});
  resolver_.SetAddresses("mx.example.com", {"10.0.0.1"});
  settings_.permit_networks = NetworkList::Parse("10.0.0.0/24").value();
  EXPECT_EQ(Endpoints("joe@example.com"), "mx.example.com[10.0.0.1]:25");
}

TEST_F(RouterTest, AnAddressLiteralIsAskedThere) {
  EXPECT_EQ(Endpoints("joe@[11.0.0.1]"), "11.0.0.1[11.0.0.1]:25");
  EXPECT_EQ(Endpoints("joe@[IPv6:2a00::1]"), "2a00::1[2a00::1]:25");
  EXPECT_EQ(Find("joe@[127.0.0.1]").finding.reason, Reason::kMxBogon);
  EXPECT_EQ(resolver_.asked(), 0U);
}

TEST_F(RouterTest, ADestinationsNameIsBounded) {
  std::vector<MxRecord> mx;
  for (int i = 0; i < 20; ++i) {
    mx.push_back({10, absl::StrCat("a-rather-long-host-name-number-", i, ".example.com")});
    resolver_.SetAddresses(mx.back().exchange, {"11.0.0.1"});
  }
  resolver_.SetMx("one.example", mx);
  mx.pop_back();
  resolver_.SetMx("two.example", mx);
  const std::string one = Find("joe@one.example").route->destination;
  const std::string two = Find("joe@two.example").route->destination;
  EXPECT_EQ(one.size(), Route::kMaxDestination);
  EXPECT_EQ(two.size(), Route::kMaxDestination);
  EXPECT_NE(one, two);
}

// ---- Routes as in Postfix's own tables.

TEST_F(RouterTest, ARelayIsSmtpAndSoIsEveryNameTheOperatorGives) {
  Map("a.example relay:[10.0.0.1]:2525\nb.example relay:\nc.example slow:[10.0.0.2]\n");
  EXPECT_EQ(Endpoints("joe@a.example"), "10.0.0.1[10.0.0.1]:2525");
  EXPECT_TRUE(Find("joe@c.example").not_verifiable);
  settings_.transport_maps = {
      *TransportTable::Load("inline:{ {c.example = slow:[10.0.0.2]} }", {.smtp = {"smtp", "slow"}})};
  EXPECT_EQ(Endpoints("joe@c.example"), "10.0.0.2[10.0.0.2]:25");
}

TEST_F(RouterTest, TheServersOfAListOfNextHopsAreAskedInItsOrder) {
  resolver_.SetMx("relay.example", {{10, "mx.relay.example"}});
  resolver_.SetAddresses("mx.relay.example", {"11.0.0.7"});
  Map("a.example smtp:[10.0.0.2]:587, relay.example, [10.0.0.1]\n");
  EXPECT_EQ(Endpoints("joe@a.example"), "10.0.0.2[10.0.0.2]:587 mx.relay.example[11.0.0.7]:25 10.0.0.1[10.0.0.1]:25");
  const Routed routed = Find("joe@a.example");
  EXPECT_EQ(routed.route->destination, "[10.0.0.2]:587, relay.example, [10.0.0.1]");
  EXPECT_LT(routed.route->endpoints[0].preference, routed.route->endpoints[1].preference);
  EXPECT_LT(routed.route->endpoints[1].preference, routed.route->endpoints[2].preference);
  // If one can not be found, the others remain.
  Map("b.example smtp:[nowhere.example], [10.0.0.1]\n");
  EXPECT_EQ(Endpoints("joe@b.example"), "10.0.0.1[10.0.0.1]:25");
}

TEST_F(RouterTest, AnAlarmAboutOneTableHidTheOtherOfTheSameSetting) {
  const CapturedLog log;
  settings_.virtual_alias_maps = {Table::Broken("hash:/etc/one", absl::NotFoundError("gone"))};
  Find("joe@example.com");
  settings_.virtual_alias_maps = {Table::Broken("hash:/etc/two", absl::NotFoundError("gone"))};
  Find("joe@example.com");
  EXPECT_TRUE(log.Contains("ALARM: virtual_alias_maps: hash:/etc/one: gone"));
  EXPECT_TRUE(log.Contains("ALARM: virtual_alias_maps: hash:/etc/two: gone"));
}

TEST_F(RouterTest, LmtpHasSettingsOfItsOwnUnderItsOldName) {
  ProbeSettings lmtp;
  lmtp.tls_level = TlsLevel::kNone;
  settings_.tls_level = TlsLevel::kEncrypt;
  settings_.lmtp = std::make_shared<const ProbeSettings>(lmtp);
  Map("a.example lmtp:inet:127.0.0.1:2400\nb.example smtp:[127.0.0.1]\n");
  const Routed routed = Find("joe@a.example");
  ASSERT_TRUE(routed.route.has_value());
  EXPECT_EQ(routed.route->settings, settings_.lmtp);
  EXPECT_EQ(routed.route->destination, "lmtp:[127.0.0.1]:2400");
  EXPECT_EQ(Find("joe@b.example").route->settings, nullptr);
}

TEST_F(RouterTest, AnLmtpServerIsAskedAtItsSocketOrItsPort) {
  settings_.myhostname = "gateway.example";
  settings_.queue_directory = "/var/spool/postfix";
  Map("a.example lmtp:unix:private/dovecot-lmtp\nb.example lmtp:unix:/run/lmtp\nc.example lmtp:inet:127.0.0.1\n"
      "d.example lmtp:inet:127.0.0.1:2003\n");
  const Routed a = Find("joe@a.example");
  ASSERT_TRUE(a.route.has_value());
  EXPECT_EQ(a.route->destination, "lmtp:unix:/var/spool/postfix/private/dovecot-lmtp");
  EXPECT_EQ(a.route->endpoints[0].ToString(), "gateway.example[/var/spool/postfix/private/dovecot-lmtp]");
  EXPECT_EQ(a.route->endpoints[0].protocol, Protocol::kLmtp);
  EXPECT_TRUE(a.route->configured);
  EXPECT_EQ(Find("joe@b.example").route->endpoints[0].path, "/run/lmtp");
  EXPECT_EQ(Endpoints("joe@c.example"), "127.0.0.1[127.0.0.1]:24");
  EXPECT_EQ(Endpoints("joe@d.example"), "127.0.0.1[127.0.0.1]:2003");
  EXPECT_EQ(Find("joe@d.example").route->endpoints[0].protocol, Protocol::kLmtp);
}

TEST_F(RouterTest, AnErrorTransportIsTheOperatorsOwnRefusal) {
  Map("gone.example error:5.1.1 User unknown since 2020\nodd.example error:no more mail\nlater.example retry:4.0.0 "
      "moving house\n");
  const Finding gone = Find("joe@gone.example").finding;
  EXPECT_EQ(gone.reason, Reason::kNoSuchUser);
  EXPECT_EQ(gone.text, "5.1.1 User unknown since 2020");
  EXPECT_EQ(gone.rule, "route.error");
  EXPECT_EQ(Find("joe@odd.example").finding.deliverability, Deliverability::kUndeliverable);
  EXPECT_EQ(Find("joe@later.example").finding.deliverability, Deliverability::kUnknown);
}

TEST_F(RouterTest, EachAddressClassHasItsTransport) {
  settings_.mydestination = *DomainList::Create({"local.example"});
  settings_.virtual_alias_domains = *DomainList::Create({"alias.example"});
  settings_.virtual_mailbox_domains = *DomainList::Create({"virtual.example"});
  settings_.relay_domains = *DomainList::Create({"relay.example"});
  settings_.virtual_transport = *Transport::Parse("lmtp:unix:/run/lmtp", {}, false);
  settings_.relay_transport = *Transport::Parse("relay:[10.0.0.1]", {.smtp = {"relay"}}, false);
  settings_.default_transport = *Transport::Parse("smtp:[10.0.0.2]", {.smtp = {"smtp"}}, false);
  EXPECT_TRUE(Find("joe@local.example").not_verifiable);
  EXPECT_EQ(Find("joe@alias.example").finding.reason, Reason::kNoSuchUser);
  EXPECT_EQ(Find("joe@virtual.example").route->endpoints[0].path, "/run/lmtp");
  EXPECT_EQ(Endpoints("joe@relay.example"), "10.0.0.1[10.0.0.1]:25");
  EXPECT_EQ(Endpoints("joe@sub.relay.example"), "10.0.0.1[10.0.0.1]:25") << "as parent_domain_matches_subdomains";
  EXPECT_EQ(Endpoints("joe@sub.virtual.example"), "10.0.0.2[10.0.0.2]:25");
  EXPECT_EQ(Endpoints("joe@other.example"), "10.0.0.2[10.0.0.2]:25");
}

TEST_F(RouterTest, TheRelayhostMayDependOnTheProbesSender) {
  Relayhost("[10.0.0.1]");
  settings_.relayhost_maps = {
      *Table::Load("inline:{ {@gateway.example = [10.0.0.9]}, {other@x.example = [10.0.0.8]} }")};
  EXPECT_EQ(Endpoints("joe@example.com"), "10.0.0.9[10.0.0.9]:25");
  sender_ = "other@x.example";
  EXPECT_EQ(Endpoints("joe@example.com"), "10.0.0.8[10.0.0.8]:25");
  sender_ = "";
  EXPECT_EQ(Endpoints("joe@example.com"), "10.0.0.1[10.0.0.1]:25");
}

TEST_F(RouterTest, AnAliasOfOneIsAskedAboutAndAnAliasOfSeveralIsDeliverable) {
  settings_.virtual_alias_maps = {*Table::Load(
      "inline:{ {a@example.com = b@example.com}, {b@example.com = c@example.net}, {many@example.com = x@a.example "
      "y@b.example}, {@whole.example = @example.net}, {pipe@example.com = |/bin/cat} }")};
  Relayhost("[10.0.0.1]");
  EXPECT_EQ(Find("a@example.com").rewritten->Key(), "c@example.net");
  EXPECT_EQ(Find("joe@whole.example").rewritten->Key(), "joe@example.net");
  EXPECT_FALSE(Find("joe@example.com").rewritten.has_value());
  const Routed many = Find("many@example.com");
  EXPECT_EQ(many.finding.deliverability, Deliverability::kDeliverable);
  EXPECT_EQ(many.finding.text, "aliased to multiple recipients");
  EXPECT_TRUE(Find("pipe@example.com").not_verifiable);
}

TEST_F(RouterTest, ALoopOfAliasesEnds) {
  settings_.virtual_alias_maps = {
      *Table::Load("inline:{ {a@example.com = b@example.com}, {b@example.com = a@example.com} }")};
  Relayhost("[10.0.0.1]");
  EXPECT_TRUE(Find("a@example.com").route.has_value());
}

TEST_F(RouterTest, ACanonicalAddressIsWhatIsAliased) {
  settings_.recipient_canonical_maps = {*Table::Load("inline:{ {old@example.com = new@example.com} }")};
  settings_.virtual_alias_maps = {*Table::Load("inline:{ {new@example.com = box@example.net} }")};
  Relayhost("[10.0.0.1]");
  EXPECT_EQ(Find("old@example.com").rewritten->Key(), "box@example.net");
}

TEST_F(RouterTest, ATableThatCanNotBeAskedIsOurTroubleAndNeverNoRoute) {
  const CapturedLog log;
  settings_.transport_maps = {*TransportTable::Load("socketmap:inet:127.0.0.1:10099:transport", {.smtp = {"smtp"}})};
  const Routed routed = Find("joe@example.com");
  EXPECT_FALSE(routed.route.has_value());
  EXPECT_EQ(routed.finding.reason, Reason::kRouteBroken);
  EXPECT_EQ(routed.finding.deliverability, Deliverability::kUnknown);
  EXPECT_EQ(resolver_.asked(), 0U);
  EXPECT_TRUE(log.Contains("ALARM: transport_maps: socketmap:inet:127.0.0.1:10099:transport: "));
}

TEST_F(RouterTest, WhatIsSaidOfOurTroubleNamesNoFileAndNoSocket) {
  const CapturedLog log;
  settings_.route_service = "/var/spool/postfix/private/rewrite";
  services_.Play("", "{unreachable}");
  const Finding finding = Find("joe@example.com").finding;
  EXPECT_EQ(finding.reason, Reason::kRouteBroken);
  EXPECT_EQ(finding.text, "the route of example.com is not known: trouble with address_verify_route_service");
  EXPECT_TRUE(log.Contains("ALARM: address_verify_route_service: /var/spool/postfix/private/rewrite: "));
}

TEST_F(RouterTest, ATableThatCouldNotBeLoadedIsOurTroubleAtEachLookUp) {
  const CapturedLog log;
  settings_.virtual_alias_maps = {Table::Broken("mysql:/etc/aliases.cf", absl::NotFoundError("no such type"))};
  EXPECT_EQ(Find("joe@example.com").finding.reason, Reason::kRouteBroken);
  EXPECT_TRUE(log.Contains("ALARM: virtual_alias_maps: mysql:/etc/aliases.cf: no such type"));
  settings_.virtual_alias_maps.clear();
  settings_.transport_maps = {TransportTable::Broken("mysql:/etc/transport.cf", absl::NotFoundError("no such type"))};
  EXPECT_EQ(Find("joe@example.com").finding.reason, Reason::kRouteBroken);
}

TEST_F(RouterTest, AVerifyTransportNamesTheSocketOfPostfix) {
  settings_.queue_directory = "/var/spool/postfix";
  Map("local.example verify:unix:private/verify\n");
  EXPECT_EQ(Find("joe@local.example").stock_verify, "/var/spool/postfix/private/verify");
}

TEST_F(RouterTest, HostsThatAreNoBetterThanOurselvesAreLeftOut) {
  settings_.own_addresses = *NetworkList::Parse("11.0.0.2");
  resolver_.SetMx("example.com", {{10, "a.example.com"}, {20, "us.example.com"}, {30, "b.example.com"}});
  resolver_.SetAddresses("a.example.com", {"11.0.0.1"});
  resolver_.SetAddresses("us.example.com", {"11.0.0.2"});
  resolver_.SetAddresses("b.example.com", {"11.0.0.3"});
  EXPECT_EQ(Endpoints("joe@example.com"), "a.example.com[11.0.0.1]:25");
}

TEST_F(RouterTest, AForeignDomainWhoseMxIsOurselvesIsHostedNowhereAndNoAlarm) {
  const CapturedLog log;
  settings_.own_addresses = *NetworkList::Parse("11.0.0.1");
  resolver_.SetMx("example.com", {{10, "us.example.com"}, {20, "b.example.com"}});
  resolver_.SetAddresses("us.example.com", {"11.0.0.1"});
  resolver_.SetAddresses("b.example.com", {"11.0.0.2"});
  const Routed routed = Find("joe@example.com");
  EXPECT_FALSE(routed.route.has_value());
  EXPECT_EQ(routed.finding.reason, Reason::kDomainNotHosted);
  EXPECT_EQ(routed.finding.text, "mail for example.com loops back to myself");
  EXPECT_EQ(routed.finding.deliverability, Deliverability::kUndeliverable);
  ASSERT_NE(routed.domain_fact, nullptr);
  EXPECT_TRUE(routed.domain_fact->decides());
  EXPECT_FALSE(log.Contains("ALARM"));
}

TEST_F(RouterTest, AnOwnDomainWhoseMxIsThisMachineIsAnAlarmThatNamesTheCure) {
  const CapturedLog log;
  settings_.own_addresses = *NetworkList::Parse("11.0.0.1");
  resolver_.SetMx("example.com", {{10, "us.example.com"}});
  resolver_.SetAddresses("us.example.com", {"11.0.0.1"});
  const Routed routed = FindOurs("joe@example.com");
  EXPECT_EQ(routed.finding.reason, Reason::kMailLoopSelf);
  EXPECT_EQ(routed.finding.deliverability, Deliverability::kUnknown);
  EXPECT_EQ(routed.domain_fact, nullptr);
  EXPECT_TRUE(
      log.Contains("ALARM: example.com is asked at its MX us.example.com[11.0.0.1], which is this machine: give "
                   "it a line in transport_maps; where Postfix has one, set postfix_config_directory"));
  FindOurs("ann@example.com");
  EXPECT_EQ(log.lines().size(), 1U);
}

TEST_F(RouterTest, AConfiguredNextHopWhoseMxIsThisMachineIsAnAlarmThatNamesTheSetting) {
  const CapturedLog log;
  settings_.own_addresses = *NetworkList::Parse("11.0.0.1");
  resolver_.SetMx("hub.example.net", {{10, "us.example.com"}});
  resolver_.SetAddresses("us.example.com", {"11.0.0.1"});
  Map("example.com smtp:hub.example.net\n");
  EXPECT_EQ(Find("joe@example.com").finding.reason, Reason::kMailLoopSelf);
  EXPECT_TRUE(
      log.Contains("ALARM: example.com is sent to hub.example.net by transport_maps, whose MX is "
                   "us.example.com[11.0.0.1], which is this machine"));
}

TEST_F(RouterTest, ABackupMxWhosePrimaryIsNotFoundWaitsForIt) {
  settings_.own_addresses = *NetworkList::Parse("11.0.0.2");
  resolver_.SetMx("example.com", {{10, "a.example.com"}, {20, "us.example.com"}});
  resolver_.SetAddresses("us.example.com", {"11.0.0.2"});
  const Finding finding = FindOurs("joe@example.com").finding;
  EXPECT_EQ(finding.reason, Reason::kDnsTemporary);
  EXPECT_EQ(finding.text, "unable to find primary relay for example.com");
}

TEST_F(RouterTest, AMixOfBothIpVersionsIsTried) {
  resolver_.SetMx("example.com", {{10, "a.example.com"}});
  resolver_.SetAddresses("a.example.com",
                         {"2a00::1", "2a00::2", "2a00::3", "2a00::4", "2a00::5", "2a00::6", "11.0.0.1"});
  for (int i = 0; i < 20; ++i) EXPECT_THAT(Endpoints("joe@example.com"), testing::HasSubstr("11.0.0.1"));
  settings_.balance_families = false;
  settings_.address_preference = AddressPreference::kIpv6;
  EXPECT_THAT(Endpoints("joe@example.com"), testing::Not(testing::HasSubstr("11.0.0.1")));
}

TEST_F(RouterTest, AParkedDomainIsNotAskedAsItTakesEverything) {
  resolver_.SetMx("example.com", {{10, "mx1.h-email.net"}});
  resolver_.SetAddresses("mx1.h-email.net", {"11.0.0.1"});
  const Routed routed = Find("joe@example.com");
  EXPECT_FALSE(routed.route.has_value());
  EXPECT_EQ(routed.finding.reason, Reason::kMxParkedOrTrap);
  EXPECT_EQ(routed.finding.deliverability, Deliverability::kRisky);
}

class TlsRouteTest : public RouterTest {
 protected:
  TlsRouteTest() {
    resolver_.SetMx("example.com", {{10, "a.example.com"}});
    resolver_.SetAddresses("a.example.com", {"11.0.0.1"});
  }
  void Policies(absl::string_view lines) {
    settings_.tls_policy_maps.push_back(Table::Load(absl::StrCat("inline:{ ", lines, " }")).value());
  }
  std::optional<TlsPolicy> Policy() {
    const Routed routed = Find("joe@example.com");
    if (!routed.route.has_value() || routed.route->endpoints[0].tls == nullptr) return std::nullopt;
    return *routed.route->endpoints[0].tls;
  }
};

TEST_F(TlsRouteTest, WhereNothingIsSaidTheSettingsHold) { EXPECT_EQ(Policy(), std::nullopt); }

TEST_F(TlsRouteTest, APolicyOfTheDomainGoesWithTheRoute) {
  Policies("{example.com = secure match=nexthop:.example.com} {example.org = none}");
  const std::optional<TlsPolicy> policy = Policy();
  ASSERT_TRUE(policy.has_value());
  EXPECT_EQ(policy->level, TlsLevel::kSecure);
  EXPECT_EQ(policy->match, (std::vector<std::string>{"example.com", ".example.com"}));
}

TEST_F(TlsRouteTest, APolicyThatIsNotUnderstoodOrCanNotBeAskedForIsTemporary) {
  Policies("{example.com = fingerprint match=ab}");
  const Finding finding = Find("joe@example.com").finding;
  EXPECT_EQ(finding.reason, Reason::kTlsPolicyFailed);
  EXPECT_EQ(finding.deliverability, Deliverability::kUnknown);
  settings_.tls_policy_maps = {Table::Load("socketmap:inet:127.0.0.1:1:QUERY").value()};
  EXPECT_EQ(Find("joe@example.com").finding.reason, Reason::kRouteBroken);
}

TEST_F(TlsRouteTest, DaneIsBelievedOnlyFromAResolverThatIsTrusted) {
  DnsAnswer mx;
  mx.status = DnsStatus::kOk;
  mx.mx = {{10, "a.example.com"}};
  mx.authenticated = true;
  resolver_.Set("example.com", DnsType::kMx, mx);
  DnsAnswer address;
  address.status = DnsStatus::kOk;
  address.addresses = {"11.0.0.1"};
  address.authenticated = true;
  resolver_.Set("a.example.com", DnsType::kA, address);
  DnsAnswer records;
  records.status = DnsStatus::kOk;
  records.tlsa = {{3, 1, 1, "digest"}};
  records.authenticated = true;
  resolver_.Set("_25._tcp.a.example.com", DnsType::kTlsa, records);
  settings_.tls_level = TlsLevel::kDane;
  EXPECT_EQ(Policy().value().level, TlsLevel::kMay);
  settings_.dns_trust_ad = true;
  EXPECT_EQ(Policy().value().tlsa, records.tlsa);
  mx.authenticated = false;
  resolver_.Set("example.com", DnsType::kMx, mx);
  EXPECT_EQ(Policy().value().level, TlsLevel::kMay);
}

}  // namespace
}  // namespace verifyd
