#include "verifyd/verifier/learning.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/log.h"
#include "boost/json.hpp"
#include "tests/status_matchers.h"
#include "tests/test_loop.h"
#include "tests/verifyd/api/api_world.h"
#include "verifyd/json/described.h"
#include "verifyd/json/shown_delivery.h"

namespace verifyd {
namespace {

namespace json = boost::json;

// The mail server of example.com is mx.example.com[198.51.100.1]: see ApiWorld.
class LearningTest : public testing::Test {
 protected:
  Delivery To(absl::string_view address, absl::string_view reply, absl::Duration ago = absl::Hours(1)) {
    Delivery delivery;
    delivery.address = *Address::Parse(address);
    delivery.when = test_.clock().Now() - ago;
    delivery.relay = "mx.example.com";
    delivery.relay_address = "198.51.100.1";
    delivery.relay_port = 25;
    delivery.reply = *Reply::Parse(reply);
    return delivery;
  }

  // Learns by the api, and returns the counts that are not 0.
  json::object Learn(const std::vector<Delivery>& deliveries, bool dry_run = false) {
    json::array list;
    for (const Delivery& delivery : deliveries) list.push_back(AsJson(Shown(delivery)));
    ApiRequest request;
    request.method = "POST";
    request.target = "/v1/learned";
    request.body = json::serialize(json::object{{"deliveries", std::move(list)}, {"dry_run", dry_run}});
    request.right = ApiRight::kChange;
    const ApiReply reply = test_.Run(HandleApiRequest(context_, request).later());
    EXPECT_EQ(reply.status, 200) << reply.body;
    json::object counts;
    const json::object answer = json::parse(reply.body).as_object();
    for (const auto& field : answer) {
      const bool none = field.value().is_array() ? field.value().get_array().empty() : field.value() == 0;
      if (!none) counts[field.key()] = field.value();
    }
    return counts;
  }
  json::object Learn(const Delivery& delivery) { return Learn(std::vector<Delivery>{delivery}); }

  std::optional<Finding> Held(absl::string_view key) {
    const std::optional<Record> record = world_.cache().FindRecord(key);
    if (!record.has_value()) return std::nullopt;
    return record->finding;
  }

  void Know(CatchAll catch_all, const std::string& at) {
    DomainFact fact;
    fact.domain = "example.com";
    fact.catch_all = catch_all;
    fact.catch_all_when = test_.clock().Now();
    fact.catch_all_at = at;
    world_.cache().PutDomainFact(fact);
  }

  CapturedLog log_;
  TestLoop test_;
  ApiWorld world_{test_.loop()};
  ApiContext& context_ = world_.Context();
};

TEST_F(LearningTest, WhoWasTakenAndWhoWasRefusedIsKnownWithoutAProbe) {
  EXPECT_EQ(Learn({To("joe@example.com", "250 2.0.0 Ok: queued as 12"),
                   To("ann@example.com", "550 5.1.1 <ann@example.com>: User unknown")}),
            (json::object{{"learned", 2}}));
  const std::optional<Finding> joe = Held("joe@example.com");
  ASSERT_TRUE(joe.has_value());
  EXPECT_EQ(joe->deliverability, Deliverability::kDeliverable);
  EXPECT_EQ(joe->reason, Reason::kAccepted);
  EXPECT_EQ(joe->source, FindingSource::kMailLog);
  EXPECT_EQ(joe->when, test_.clock().Now() - absl::Hours(1));
  EXPECT_EQ(joe->mx_name, "mx.example.com");
  const std::optional<Finding> ann = Held("ann@example.com");
  ASSERT_TRUE(ann.has_value());
  EXPECT_EQ(ann->reason, Reason::kNoSuchUser);
  EXPECT_EQ(ann->code, 550);
  EXPECT_EQ(ann->text,
            "host mx.example.com[198.51.100.1] said: 550 5.1.1 <ann@example.com>: User unknown (in reply to RCPT TO "
            "command)");
  EXPECT_EQ(context_.daemon->prober.counts().probes, 0U);
}

TEST_F(LearningTest, ARefusalThatIsNotAboutTheAddressIsNotLearned) {
  EXPECT_EQ(Learn({To("a@example.com", "554 5.7.1 Client host [192.0.2.9] blocked using zen.spamhaus.org"),
                   To("b@example.com", "550 5.7.1 Relay access denied")}),
            (json::object{{"uninformative", 2}}));
  EXPECT_EQ(Held("a@example.com"), std::nullopt);
  EXPECT_EQ(world_.resolver().asked(), 0U) << "for what says nothing no route is looked up";
}

TEST_F(LearningTest, WordsOfTheAddressAreNotTakenForThoseOfTheServer) {
  EXPECT_EQ(Learn(To("\"x members only\"@example.com", "550 5.1.1 <x members only@example.com>: User unknown")),
            (json::object{{"learned", 1}}));
  EXPECT_EQ(Held("x members only@example.com")->reason, Reason::kNoSuchUser);
}

TEST_F(LearningTest, OnlyServersOfTheAddressesOwnRouteAreHeard) {
  std::vector<Delivery> elsewhere(5, To("joe@example.com", "250 Ok"));
  elsewhere[0].relay = "filter";
  elsewhere[0].relay_address = "127.0.0.1";
  elsewhere[0].relay_port = 10024;
  elsewhere[1].relay_port = 2525;
  elsewhere[2].lmtp = true;
  elsewhere[3].address = *Address::Parse("joe@no.example");
  elsewhere[4].relay = elsewhere[4].relay_address = "198.51.100.2";
  EXPECT_EQ(Learn(elsewhere), (json::object{{"elsewhere", 5}}));
  Delivery renumbered = elsewhere[4];
  renumbered.relay = "MX.Example.com";
  EXPECT_EQ(Learn(renumbered), (json::object{{"learned", 1}})) << "one name has many addresses";
  EXPECT_EQ(context_.daemon->prober.counts().probes, 0U);
}

TEST_F(LearningTest, AContentFilterIsHeardWhereItIsTheRoute) {
  Delivery filtered = To("joe@example.com", "250 Ok");
  filtered.relay = filtered.relay_address = "127.0.0.1";
  filtered.relay_port = 10024;
  EXPECT_EQ(Learn(filtered), (json::object{{"elsewhere", 1}}));
  world_.Use(
      {{"verify_domains", "*"}, {"myhostname", "gateway.example"}, {"address_verify_relayhost", "[127.0.0.1]:10024"}});
  EXPECT_EQ(Learn(filtered), (json::object{{"learned", 1}}));
}

TEST_F(LearningTest, DomainsThatNobodyMayAskAboutAreLeftAlone) {
  world_.Use({{"verify_domains", "example.org"}, {"myhostname", "gateway.example"}});
  EXPECT_EQ(Learn(To("joe@example.com", "250 Ok")), (json::object{{"not_verified", 1}}));
  EXPECT_EQ(world_.resolver().asked(), 0U);
}

TEST_F(LearningTest, WhatIsHeldAndNewerStaysAndClocksAreNotTrusted) {
  world_.Hold("joe@example.com", Deliverability::kDeliverable, Reason::kAccepted, absl::Minutes(30));
  EXPECT_EQ(Learn({To("joe@example.com", "550 5.1.1 User unknown"),
                   To("ann@example.com", "550 5.1.1 User unknown", absl::Hours(24 * 30)),
                   To("bob@example.com", "250 Ok", -absl::Hours(1))}),
            (json::object{{"older", 1}, {"expired", 1}, {"future", 1}}));
  EXPECT_EQ(world_.resolver().asked(), 0U);
  EXPECT_EQ(Held("joe@example.com")->deliverability, Deliverability::kDeliverable);
}

TEST_F(LearningTest, OneRefusalDoesNotOverturnALivePositive) {
  world_.Hold("joe@example.com", Deliverability::kDeliverable, Reason::kAccepted, absl::Hours(3));
  EXPECT_EQ(Learn(To("joe@example.com", "550 5.1.1 User unknown")), (json::object{{"learned", 1}}));
  const std::optional<Record> record = world_.cache().FindRecord("joe@example.com");
  EXPECT_EQ(record->finding.deliverability, Deliverability::kDeliverable);
  EXPECT_EQ(record->finding.source, FindingSource::kProbe);
  ASSERT_TRUE(record->pending.has_value());
  EXPECT_EQ(record->pending->source, FindingSource::kMailLog);
}

TEST_F(LearningTest, TheOrderOfAListDoesNotMatter) {
  EXPECT_EQ(Learn({To("joe@example.com", "250 Ok", absl::Hours(1)),
                   To("joe@example.com", "550 5.1.1 User unknown", absl::Hours(2))}),
            (json::object{{"learned", 2}}));
  EXPECT_EQ(Held("joe@example.com")->deliverability, Deliverability::kDeliverable);
}

TEST_F(LearningTest, APositiveOfADomainThatTakesEverybodyWeighsWhatAProbeWould) {
  Know(CatchAll::kYes, "mx.example.com");
  EXPECT_EQ(Learn(To("joe@example.com", "250 Ok")), (json::object{{"learned", 1}}));
  EXPECT_EQ(Held("joe@example.com")->reason, Reason::kCatchAll);
  Know(CatchAll::kInconsistent, "mx.example.com");
  Learn(To("ann@example.com", "250 Ok"));
  EXPECT_EQ(Held("ann@example.com")->reason, Reason::kAcceptedCatchallUnknown);
  Know(CatchAll::kYes, "another.example.com");
  Learn(To("bob@example.com", "250 Ok"));
  EXPECT_EQ(Held("bob@example.com")->reason, Reason::kAccepted) << "it was another server that takes all";
}

TEST_F(LearningTest, WhereAProbeWouldAskAboutCatchAllAPositiveIsOnlyShort) {
  world_.Use(
      {{"verify_domains", "*"}, {"myhostname", "gateway.example"}, {"address_verify_relayhost", "[198.51.100.1]"}});
  EXPECT_EQ(Learn(To("joe@example.com", "250 Ok")), (json::object{{"learned", 1}}));
  EXPECT_EQ(Held("joe@example.com")->reason, Reason::kAcceptedCatchallUnknown);
}

TEST_F(LearningTest, AConfiguredRouteIsBelievedOnceItHasTakenSomebody) {
  world_.Use(
      {{"verify_domains", "*"}, {"myhostname", "gateway.example"}, {"address_verify_relayhost", "[198.51.100.1]"}});
  const Delivery refused = To("ann@example.com", "550 5.1.1 User unknown");
  EXPECT_EQ(Learn(refused), (json::object{{"uninformative", 1}}));
  EXPECT_EQ(Held("ann@example.com"), std::nullopt);
  EXPECT_EQ(Learn({To("joe@example.com", "250 Ok", absl::Hours(2)), refused}), (json::object{{"learned", 2}}));
  EXPECT_EQ(context_.daemon->prober.counts().probes, 0U) << "no canary is asked";
}

TEST_F(LearningTest, ManyRefusalsOfTheKnownRaiseADoubtAsProbesDo) {
  std::vector<Delivery> refused;
  for (const std::string user : {"a", "b", "c", "d"}) {
    world_.Hold(user + "@example.com", Deliverability::kDeliverable, Reason::kAccepted, absl::Hours(3));
    refused.push_back(To(user + "@example.com", "550 5.1.1 User unknown", absl::Minutes(1)));
  }
  EXPECT_EQ(Learn(refused), (json::object{{"learned", 2}, {"uninformative", 2}}));
  EXPECT_TRUE(log_.Contains("ALARM: domain example.com at mx.example.com is not believed"));
}

TEST_F(LearningTest, ManyRefusalsOfLongAgoRaiseNone) {
  std::vector<Delivery> refused;
  for (const std::string user : {"a", "b", "c", "d"}) {
    world_.Hold(user + "@example.com", Deliverability::kDeliverable, Reason::kAccepted, absl::Hours(9));
    refused.push_back(To(user + "@example.com", "550 5.1.1 User unknown", absl::Hours(5)));
  }
  EXPECT_EQ(Learn(refused), (json::object{{"learned", 4}}));
  EXPECT_FALSE(log_.Contains("ALARM"));
}

TEST_F(LearningTest, WhileADomainIsOnHoldNothingIsLearned) {
  world_.cache().PutHold("example.com", {.set_at = test_.clock().Now()});
  EXPECT_EQ(Learn(To("joe@example.com", "250 Ok")), (json::object{{"uninformative", 1}}));
}

TEST_F(LearningTest, ADryRunKeepsNothing) {
  EXPECT_EQ(Learn({To("joe@example.com", "250 Ok"), To("ann@example.com", "550 5.1.1 User unknown")}, true),
            (json::object{{"learned", 2}}));
  EXPECT_EQ(Held("joe@example.com"), std::nullopt);
  EXPECT_EQ(Held("ann@example.com"), std::nullopt);
}

TEST_F(LearningTest, ALongListIsTakenInWhole) {
  std::vector<Delivery> many;
  many.reserve(200);
  for (int i = 0; i < 200; ++i) many.push_back(To(absl::StrCat("user", i, "@example.com"), "250 Ok"));
  EXPECT_EQ(Learn(many), (json::object{{"learned", 200}}));
}

TEST_F(LearningTest, ANameServerThatDoesNotAnswerHoldsNobodyUpForEver) {
  std::vector<Delivery> many;
  for (int i = 0; i < 100; ++i) {
    const std::string domain = absl::StrCat("d", i, ".example");
    world_.resolver().SetMx(domain, {{10, "mx.example.com"}});
    world_.resolver().SetDelay(domain, DnsType::kMx, absl::Hours(2));
    many.push_back(To(absl::StrCat("joe@", domain), "250 Ok"));
  }
  const MonoTime began = test_.clock().Mono();
  EXPECT_EQ(Learn(many), (json::object{{"elsewhere", 100}}));
  EXPECT_LE(test_.clock().Mono() - began, kLearningRouteTime);
}

TEST_F(LearningTest, WhatCanNotBeReadIsNamedAndTheRestIsTakenIn) {
  const auto with = [&](const char* field, json::value value) {
    json::object shown = AsJson(Shown(To("joe@example.com", "250 Ok")));
    shown[field] = std::move(value);
    return DeliveryFromJson(shown);
  };
  EXPECT_THAT(with("address", "joe"), FailsWith("\"joe\": byte 3"));
  EXPECT_THAT(with("when", "yesterday"), FailsWith("\"when\": found \"yesterday\""));
  EXPECT_THAT(with("relay_port", 70000), FailsWith("a number from 0 to 65535"));
  EXPECT_THAT(with("relay_address", ""), FailsWith("\"relay_address\""));
  EXPECT_THAT(with("protocol", "uucp"), FailsWith("\"protocol\": found \"uucp\""));
  EXPECT_THAT(with("reply", "450 4.2.0 Later"), FailsWith("\"reply\": found \"450"));
  EXPECT_THAT(with("reply", "what?"), FailsWith("\"reply\": found \"what?\""));
  EXPECT_THAT(DeliveryFromJson(json::value(7)), FailsWith("found 7, expected an object"));
  ApiRequest request;
  request.method = "POST";
  request.target = "/v1/learned";
  request.right = ApiRight::kChange;
  request.body =
      json::serialize(json::object{{"deliveries", json::array{7, AsJson(Shown(To("joe@example.com", "250 Ok")))}}});
  const ApiReply reply = test_.Run(HandleApiRequest(context_, request).later());
  const json::object answer = json::parse(reply.body).as_object();
  EXPECT_EQ(answer.at("learned"), 1);
  EXPECT_EQ(answer.at("errors").as_array().size(), 1U);
}

}  // namespace
}  // namespace verifyd
