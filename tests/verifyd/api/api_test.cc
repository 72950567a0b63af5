#include "verifyd/api/api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/match.h"
#include "base/log.h"
#include "boost/json.hpp"
#include "prometheus/check_names.h"
#include "tests/test_loop.h"
#include "tests/verifyd/api/api_world.h"
#include "verifyd/configuration/stopgap_settings.h"
#include "verifyd/metrics/prometheus_text.h"
#include "verifyd/metrics/registry.h"

namespace verifyd {
namespace {

namespace json = boost::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ApiTest : public testing::Test {
 protected:
  ApiReply Ask(const std::string& method, const std::string& target, const std::string& body = "",
               ApiRight right = ApiRight::kChange) {
    ApiRequest request;
    request.method = method;
    request.target = target;
    request.body = body;
    request.right = right;
    const ApiReply reply = HandleApiRequest(context_, request);
    return reply.later ? test_.Run(reply.later()) : reply;
  }

  json::object AskOne(const std::string& method, const std::string& target, const std::string& body = "") {
    const ApiReply reply = Ask(method, target, body);
    EXPECT_EQ(reply.status, 200) << reply.body;
    EXPECT_FALSE(reply.lines);
    return json::parse(reply.body).as_object();
  }

  // Returns the lines of an answer, in the order in which they come.
  std::vector<json::object> AskAll(const std::string& target, const std::string& body) {
    ApiReply reply = Ask("POST", target, body);
    EXPECT_TRUE(reply.lines) << reply.body;
    std::vector<json::object> lines;
    while (std::optional<std::string> together = test_.Run(reply.lines())) {
      for (const absl::string_view line : absl::StrSplit(*together, '\n', absl::SkipEmpty())) {
        lines.push_back(json::parse(json::string_view(line.data(), line.size())).as_object());
      }
    }
    return lines;
  }

  std::string ErrorOf(const ApiReply& reply) { return json::parse(reply.body).at("error").as_string().c_str(); }

  CapturedLog log_;
  TestLoop test_;
  ApiWorld world_{test_.loop()};
  ApiContext& context_ = world_.Context();
};

TEST_F(ApiTest, ListsEveryRouteWithItsArgumentsAndDocumentation) {
  const json::object answer = AskOne("GET", "/v1/");
  std::set<std::string> listed;
  for (const json::value& route : answer.at("routes").as_array()) {
    listed.insert(absl::StrCat(route.at("method").as_string().c_str(), " ", route.at("path").as_string().c_str()));
    EXPECT_FALSE(route.at("documentation").as_string().empty());
    for (const auto& argument : route.at("arguments").as_object()) EXPECT_FALSE(argument.value().as_string().empty());
  }
  for (const ApiRoute& route : ApiRoutes()) {
    const std::string name = absl::StrCat(route.method, " ", route.path);
    EXPECT_TRUE(listed.contains(name)) << name;
    const std::string first_argument = route.arguments.empty() ? "" : std::string(route.arguments[0]);
    for (const json::value& shown : answer.at("routes").as_array()) {
      if (absl::StrCat(shown.at("method").as_string().c_str(), " ", shown.at("path").as_string().c_str()) != name) {
        continue;
      }
      EXPECT_EQ(shown.at("arguments").as_object().size(), route.arguments.size()) << name;
    }
  }
}

TEST_F(ApiTest, QueryAnswersFromMemoryAndProbesNothing) {
  world_.Hold("joe@example.com", Deliverability::kDeliverable, Reason::kAccepted, absl::Minutes(5));
  const auto lines = AskAll("/v1/query", R"({"addresses": ["joe@example.com", "new@example.com"]})");
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0].at("address"), "joe@example.com");
  EXPECT_EQ(lines[0].at("status"), "deliverable");
  EXPECT_EQ(lines[0].at("state"), "known");
  EXPECT_EQ(lines[0].at("source"), "cache");
  EXPECT_EQ(lines[0].at("age_s"), 300);
  EXPECT_EQ(lines[0].at("code"), 250);
  EXPECT_EQ(lines[0].at("rule"), "test.rule");
  EXPECT_EQ(lines[0].at("mx_address"), "198.51.100.1");
  EXPECT_EQ(lines[0].at("updated"), "2023-11-14T22:08:20Z");
  EXPECT_EQ(lines[1].at("state"), "not_cached");
  EXPECT_EQ(lines[1].at("status"), "unknown");
  EXPECT_FALSE(lines[1].contains("reason"));
  EXPECT_EQ(world_.resolver().asked(), 0U);
}

TEST_F(ApiTest, VerifyProbesAndShowsTheDialogueWhenAskedFor) {
  const auto lines = AskAll("/v1/verify", R"({"addresses": ["bad@example.com"], "trace": true})");
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].at("status"), "undeliverable");
  EXPECT_EQ(lines[0].at("reason"), "no_such_user");
  EXPECT_EQ(lines[0].at("scope"), "address");
  EXPECT_EQ(lines[0].at("stage"), "rcpt");
  EXPECT_EQ(lines[0].at("source"), "probe");
  EXPECT_EQ(lines[0].at("enhanced"), "5.1.1");
  std::string dialogue;
  for (const json::value& line : lines[0].at("transcript").as_array()) {
    EXPECT_TRUE(line.at("at_ms").is_number());
    absl::StrAppend(&dialogue, line.at("kind").as_string().c_str(), " ", line.at("text").as_string().c_str(), "\n");
  }
  EXPECT_THAT(dialogue, HasSubstr("sent RCPT TO:<bad@example.com>"));
  EXPECT_THAT(dialogue, HasSubstr("received 550 5.1.1 User unknown"));
}

TEST_F(ApiTest, AnswersComeAsTheyAreFound) {
  world_.Hold("known@example.com", Deliverability::kDeliverable, Reason::kAccepted, absl::Minutes(5));
  const auto lines =
      AskAll("/v1/verify", R"({"addresses": ["slow@example.com", "not an address", "known@example.com"]})");
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0].at("address"), "not an address");
  EXPECT_THAT(lines[0].at("error").as_string().c_str(), HasSubstr("byte 3"));
  EXPECT_EQ(lines[1].at("address"), "known@example.com");
  EXPECT_EQ(lines[2].at("address"), "slow@example.com");
  EXPECT_EQ(lines[2].at("status"), "deliverable");
}

TEST_F(ApiTest, AProbeThatOutlastsThePatienceIsInProgress) {
  const auto lines = AskAll("/v1/verify", R"({"addresses": "slow@example.com", "patience": "2s"})");
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].at("state"), "in_progress");
  EXPECT_EQ(lines[0].at("status"), "unknown");
}

TEST_F(ApiTest, FreshAsksTheServerAlthoughMemoryHasAnAnswer) {
  world_.Hold("joe@example.com", Deliverability::kDeliverable, Reason::kAccepted, absl::Minutes(5));
  const auto lines = AskAll("/v1/verify", R"({"addresses": ["joe@example.com"], "fresh": true})");
  EXPECT_EQ(lines[0].at("source"), "probe");
}

TEST_F(ApiTest, AListBeginsWithAHundredQuestionsAtATimeAndHasMoreAsLongAsTheyAreAnsweredPromptly) {
  const auto ask = [&](absl::Duration each) {
    world_.resolver().set_delay(each);
    json::array addresses;
    for (int i = 0; i < 250; ++i) addresses.emplace_back(absl::StrCat("joe@d", i, ".takes", each / absl::Seconds(1)));
    json::object body;
    body["addresses"] = addresses;
    EXPECT_EQ(AskAll("/v1/verify", json::serialize(body)).size(), 250U);
  };
  ask(absl::Seconds(20));
  EXPECT_EQ(world_.resolver().most_at_once(), 100U);
  ask(absl::Seconds(1));
  EXPECT_GT(world_.resolver().most_at_once(), 140U);
}

TEST_F(ApiTest, AddressesComeAsLinesOfWhichOnlyThoseAreReadForWhichThereIsRoom) {
  world_.resolver().set_delay(absl::Seconds(20));
  int read = 0;
  ApiRequest request{.method = "POST", .target = "/v1/verify?patience=60s", .right = ApiRight::kChange};
  request.lines = [&]() -> boost::asio::awaitable<std::optional<std::string>> {
    if (read == 1000) co_return std::nullopt;
    ++read;
    co_return absl::StrCat("# a comment\n\njoe@d", read, ".example\r\n");
  };
  ApiContext& context = world_.Context();
  ApiReply reply = HandleApiRequest(context, request);
  ASSERT_TRUE(reply.lines) << reply.body;
  ASSERT_TRUE(test_.Run(reply.lines()).has_value());
  EXPECT_LE(read, 202);
  int lines = 100;
  while (std::optional<std::string> together = test_.Run(reply.lines())) lines += absl::c_count(*together, '\n');
  EXPECT_EQ(read, 1000);
  EXPECT_GE(lines, 1000);
}

TEST_F(ApiTest, WithoutADaemonNothingIsDecided) {
  context_.daemon.reset();
  for (const auto& [method, target] : std::vector<std::pair<std::string, std::string>>{
           {"GET", "/v1/report"}, {"GET", "/v1/refusal?id=K7W2MXQA"}, {"POST", "/v1/replay"}}) {
    EXPECT_EQ(Ask(method, target).status, 503) << target;
  }
}

TEST_F(ApiTest, WithoutADaemonMemoryIsLookedAtAndChangedAllTheSame) {
  world_.Hold("joe@example.com", Deliverability::kDeliverable, Reason::kAccepted, absl::Minutes(5));
  world_.cache().PutDestinationState({.name = "mx.example.com"});
  context_.daemon.reset();
  EXPECT_EQ(AskAll("/v1/query", R"({"addresses": ["joe@example.com"]})")[0].at("status"), "deliverable");
  EXPECT_EQ(AskOne("GET", "/v1/record?address=joe@example.com").at("verdict").at("source"), "cache");
  EXPECT_EQ(Ask("POST", "/v1/pins", R"({"target": "ann@example.com", "status": "deliverable"})").status, 200);
  EXPECT_EQ(AskOne("GET", "/v1/pins").at("pins").as_array().size(), 1U);
  EXPECT_EQ(AskOne("DELETE", "/v1/record?address=joe@example.com").at("deleted"), (json::array{"record"}));
  const json::object stats = AskOne("GET", "/v1/stats");
  EXPECT_TRUE(stats.contains("cache"));
  ApiReply destinations = Ask("GET", "/v1/destinations");
  EXPECT_THAT(test_.Run(destinations.lines()).value_or(""), HasSubstr("\"destination\":\"mx.example.com\""));
}

TEST_F(ApiTest, WhatNeedsTheDaemonSaysThatNoneRuns) {
  context_.daemon.reset();
  for (const ApiRoute& route : ApiRoutes()) {
    if (!std::holds_alternative<DaemonHandler>(route.handler)) continue;
    EXPECT_EQ(Ask(std::string(route.method), std::string(route.path)).status, 503) << route.path;
  }
}

TEST_F(ApiTest, QueriesAreAnsweredAPartAtATime) {
  json::array addresses;
  for (int i = 0; i < 1500; ++i) addresses.emplace_back(absl::StrCat("joe", i, "@example.com"));
  json::object body;
  body["addresses"] = addresses;
  ApiReply reply = Ask("POST", "/v1/query", json::serialize(body));
  int64_t first = 0;
  int64_t all = 0;
  while (std::optional<std::string> together = test_.Run(reply.lines())) {
    all += absl::c_count(*together, '\n');
    if (first == 0) first = all;
  }
  EXPECT_LT(first, 1000);
  EXPECT_EQ(all, 1500);
}

TEST_F(ApiTest, ARefusalIsNamedByItsIdAndRequestsAreWanted) {
  EXPECT_EQ(Ask("GET", "/v1/refusal?id=nonsense").status, 400);
  EXPECT_EQ(Ask("GET", "/v1/refusal?id=K7W2MXQA").status, 404);
  EXPECT_EQ(Ask("POST", "/v1/replay").status, 400);
}

TEST_F(ApiTest, RequestsAreReplayedAndReportedOnTogether) {
  world_.Hold("gone@example.com", Deliverability::kUndeliverable, Reason::kNoSuchUser, absl::Minutes(5));
  const std::vector<json::object> lines =
      AskAll("/v1/replay", R"({"requests": ["ann@example.org\tgone@example.com", "<>\tnew@example.com"]})");
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].at("requests"), 2);
  EXPECT_EQ(lines[0].at("totals").at("defer"), 1);
  EXPECT_EQ(lines[0].at("totals").at("not_known"), 1);
}

TEST_F(ApiTest, LinesAreNotForARouteThatTakesNoAddresses) {
  ApiRequest request{.method = "POST", .target = "/v1/trust", .right = ApiRight::kChange};
  request.lines = []() -> boost::asio::awaitable<std::optional<std::string>> { co_return std::nullopt; };
  ApiContext& context = world_.Context();
  EXPECT_EQ(HandleApiRequest(context, request).status, 415);
}

TEST_F(ApiTest, WhoStopsListeningStartsNoMoreQuestions) {
  world_.resolver().set_delay(absl::Seconds(20));
  json::array addresses;
  for (int i = 0; i < 1000; ++i) addresses.emplace_back(absl::StrCat("joe@d", i, ".example"));
  json::object body;
  body["addresses"] = addresses;
  {
    ApiReply reply = Ask("POST", "/v1/verify", json::serialize(body));
    ASSERT_TRUE(test_.Run(reply.lines()).has_value());
  }
  const size_t asked = world_.resolver().asked();
  EXPECT_LE(asked, 200U);
  test_.Advance(absl::Minutes(10));
  EXPECT_EQ(world_.resolver().asked(), asked);
}

TEST_F(ApiTest, ShowTellsEverythingThatIsHeld) {
  world_.Hold("joe@example.com", Deliverability::kDeliverable, Reason::kAccepted, absl::Hours(24));
  DomainFact fact;
  fact.domain = "example.com";
  fact.catch_all = CatchAll::kNo;
  fact.catch_all_when = test_.clock().Now();
  world_.cache().PutDomainFact(fact);
  const json::object held = AskOne("GET", "/v1/record?address=joe%40EXAMPLE.com");
  EXPECT_EQ(held.at("address"), "joe@example.com");
  EXPECT_EQ(held.at("verdict").at("status"), "deliverable");
  const json::object& record = held.at("record").as_object();
  EXPECT_EQ(record.at("freshness"), "fresh");
  EXPECT_EQ(record.at("finding").at("text"), "250 as remembered");
  EXPECT_EQ(record.at("first_seen"), "2023-11-13T22:13:20Z");
  EXPECT_EQ(record.at("refresh_at"), "2023-11-20T22:13:20Z");
  EXPECT_EQ(record.at("expire_at"), "2023-12-14T22:13:20Z");
  EXPECT_EQ(held.at("domain").at("catch_all"), "no");
  EXPECT_FALSE(held.contains("pin"));
}

TEST_F(ApiTest, ShowingAnAddressNobodyAskedAboutIsNotFound) {
  const ApiReply reply = Ask("GET", "/v1/record?address=joe@example.com");
  EXPECT_EQ(reply.status, 404);
  EXPECT_EQ(ErrorOf(reply), "nothing is held of joe@example.com");
}

TEST_F(ApiTest, DeleteForgetsTheRecordAndWhatDecidesAboutTheDomain) {
  ASSERT_EQ(AskAll("/v1/verify", R"({"addresses": ["joe@no.example"]})")[0].at("reason"), "no_such_domain");
  world_.Hold("joe@no.example", Deliverability::kUndeliverable, Reason::kNoSuchUser, absl::Minutes(1));
  const json::object answer = AskOne("DELETE", "/v1/record?address=joe@no.example");
  EXPECT_EQ(answer.at("deleted"), (json::array{"record", "domain"}));
  EXPECT_TRUE(log_.Contains("deleted what is held of <joe@no.example>"));
  EXPECT_EQ(AskAll("/v1/query", R"({"addresses": ["joe@no.example"]})")[0].at("state"), "not_cached");
  EXPECT_EQ(Ask("DELETE", "/v1/record?address=joe@no.example").status, 404);
}

TEST_F(ApiTest, StatsGroupTheNumbersOfEveryRoom) {
  AskAll("/v1/verify", R"({"addresses": ["joe@example.com"]})");
  const json::object stats = AskOne("GET", "/v1/stats");
  EXPECT_EQ(stats.at("prober").at("probes"), 1);
  EXPECT_EQ(stats.at("cache").at("persistent"), false);
  EXPECT_EQ(stats.at("verifier").at("flying_now"), 0);
  EXPECT_EQ(stats.at("daemon").at("policy_connections_now"), 3);
  EXPECT_EQ(stats.at("counters").at("verifyd_probes_total{status=\"deliverable\"}"), 1);
}

TEST_F(ApiTest, StatsHaveTheNamesThatScriptsKnow) {
  const json::object stats = AskOne("GET", "/v1/stats");
  const auto names_of = [](const json::object& object) {
    std::vector<std::string> names;
    for (const auto& field : object) names.emplace_back(field.key().data(), field.key().size());
    return names;
  };
  EXPECT_THAT(names_of(stats), ElementsAre("cache", "prober", "verifier", "daemon", "counters"));
  EXPECT_THAT(names_of(stats.at("cache").as_object()),
              ElementsAre("persistent", "records", "domains", "file_bytes", "used_bytes", "evicted", "commits",
                          "writes", "write_errors", "damaged", "uncommitted"));
  EXPECT_THAT(names_of(stats.at("prober").as_object()), ElementsAre("probes", "connections", "refused_connections",
                                                                    "sessions_now", "queued_now", "destinations_now"));
  EXPECT_THAT(names_of(stats.at("verifier").as_object()), ElementsAre("waiting_now", "flying_now"));
  for (const auto& counter : stats.at("counters").as_object()) EXPECT_TRUE(counter.value().is_int64()) << counter.key();
  EXPECT_TRUE(stats.at("counters").as_object().contains("verifyd_answers_total{source=\"domain\"}"));
  EXPECT_TRUE(stats.at("counters").as_object().contains("verifyd_overload_total"));
}

TEST_F(ApiTest, StatsOfACacheAloneAreThoseOfTheCache) {
  MetricRegistry metrics;
  AddCacheMetrics(metrics, world_.cache());
  ApiContext alone{.memory = {.loop = test_.loop(), .cache = world_.cache(), .metrics = metrics}};
  ApiRequest request;
  request.method = "GET";
  request.target = "/v1/stats";
  const json::object stats = json::parse(HandleApiRequest(alone, request).body).as_object();
  EXPECT_EQ(stats.size(), 1U);
  EXPECT_EQ(stats.at("cache").at("records"), 0);
  EXPECT_EQ(stats.at("cache").at("persistent"), false);
}

TEST_F(ApiTest, TheMetricsPageShowsTheNumbersOfTheStats) {
  AskAll("/v1/verify", R"({"addresses": ["joe@example.com"]})");
  const std::string page = PrometheusText(world_.Context().memory.metrics);
  for (const char* const line :
       {"verifyd_cache_persistent 0\n", "verifyd_cache_entries{kind=\"address\"} 1\n", "verifyd_probes_begun_total 1\n",
        "verifyd_probes_in_flight 0\n", "verifyd_door_connections_open{door=\"policy\"} 3\n",
        "verifyd_probes_total{status=\"deliverable\"} 1\n"}) {
    EXPECT_THAT(page, HasSubstr(line));
  }
}

TEST_F(ApiTest, EveryMetricIsNamedAsPrometheusWantsIt) {
  std::set<std::string> seen;
  for (const MetricFamily& family : world_.Context().memory.metrics.Collect()) {
    const MetricName& first = family.samples.front().name;
    EXPECT_TRUE(prometheus::CheckMetricName(first.family)) << first.family;
    EXPECT_TRUE(absl::StartsWith(first.family, "verifyd_")) << first.family;
    EXPECT_EQ(absl::EndsWith(first.family, "_total"), family.kind == MetricKind::kCounter) << first.family;
    for (const MetricSample& sample : family.samples) {
      EXPECT_TRUE(seen.insert(FullName(sample.name)).second) << FullName(sample.name);
      EXPECT_EQ(sample.name.help, first.help) << FullName(sample.name);
      EXPECT_FALSE(sample.name.help.empty()) << FullName(sample.name);
      EXPECT_EQ(sample.name.group.empty(), sample.name.stat.empty()) << FullName(sample.name);
    }
  }
  EXPECT_LE(seen.size(), 2000U);
}

TEST_F(ApiTest, ConfigShowsEverySettingAsItIsInForce) {
  world_.Use({{"verify_domains", "*"}, {"myhostname", "gateway.example"}, {"relayhost", "[relay.example]"}});
  const json::object answer = AskOne("GET", "/v1/config");
  std::map<std::string, json::object> shown;
  for (const json::value& row : answer.at("settings").as_array()) {
    shown[row.at("name").as_string().c_str()] = row.as_object();
  }
  EXPECT_EQ(shown.size(), std::size(kSettingTable));
  const json::object& row = shown["address_verify_relayhost"];
  EXPECT_EQ(row.at("raw"), "$relayhost");
  EXPECT_EQ(row.at("value"), "[relay.example]");
  EXPECT_EQ(row.at("set"), false);
  EXPECT_EQ(shown["relayhost"].at("set"), true);
  EXPECT_EQ(shown["control_socket"].at("reloadable"), false);
}

TEST_F(ApiTest, ReloadSaysWhetherTheSettingsWereTaken) {
  EXPECT_EQ(AskOne("POST", "/v1/reload").at("reloaded"), true);
  world_.set_reload_result(absl::InvalidArgumentError("verifyd.cf:3: unknown setting \"x\""));
  const ApiReply reply = Ask("POST", "/v1/reload");
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(ErrorOf(reply), "verifyd.cf:3: unknown setting \"x\"");
}

TEST_F(ApiTest, ReloadNamesWhatTakesEffectAfterARestartOnly) {
  EXPECT_EQ(AskOne("POST", "/v1/reload").at("wait_for_restart").as_array().size(), 0U);
  world_.set_wait_for_restart({"milter_listen"});
  EXPECT_EQ(AskOne("POST", "/v1/reload").at("wait_for_restart").as_array().at(0), "milter_listen");
}

TEST_F(ApiTest, StatusSaysWhetherAllIsWell) {
  world_.daemon_status().version = "1.2.3";
  world_.daemon_status().doors = {{.name = "policy", .sockets = {"inet:127.0.0.1:10090"}}};
  json::object status = AskOne("GET", "/v1/status");
  EXPECT_EQ(status.at("level"), 0);
  EXPECT_EQ(status.at("summary"),
            "verifyd OK - policy inet:127.0.0.1:10090, cache in memory only (0 records), every domain");
  world_.daemon_status().reload_error = "verifyd.cf:3: unknown setting \"x\"";
  status = AskOne("GET", "/v1/status");
  EXPECT_EQ(status.at("level"), 1);
  EXPECT_THAT(status.at("summary").as_string().c_str(), HasSubstr("verifyd.cf:3: unknown setting"));
}

TEST_F(ApiTest, WhatIsDoubtedAndWhatIsOnHoldStandInTheStatus) {
  world_.cache().PutDestinationState(
      {.name = "mx.example.com", .trust = {.doubt = Doubt::kManyRefused, .why = "many"}});
  world_.cache().PutHold("example.net", {.until = absl::InfiniteFuture()});
  const json::object status = AskOne("GET", "/v1/status");
  EXPECT_EQ(status.at("not_believed").as_array().at(0), "mx.example.com (many)");
  EXPECT_EQ(status.at("on_hold").as_array().at(0), "@example.net");
}

TEST_F(ApiTest, AHoldOfOneDomainAtADestinationHeldNobodyAndOverwroteItsBreaker) {
  const DomainBreaker breaker{.destination = "mx.example.com",
                              .domain = "customer.example",
                              .breaker = {.failures = 3,
                                          .last_failure = Reason::kBlockedPolicy,
                                          .open_until = test_.clock().Now() + absl::Hours(1),
                                          .open_reason = Reason::kBlockedPolicy}};
  world_.cache().PutDestinationState({.name = "mx.example.com"});
  world_.cache().PutDomainBreaker(breaker);
  const std::string body = R"({"target": "mx.example.com customer.example"})";
  for (const auto& [method, path] : std::vector<std::pair<std::string, std::string>>{
           {"POST", "/v1/hold"}, {"DELETE", "/v1/hold"}, {"POST", "/v1/reset"}}) {
    const ApiReply reply = Ask(method, path, body);
    EXPECT_EQ(reply.status, 400) << method << " " << path;
    EXPECT_THAT(ErrorOf(reply), HasSubstr("found customer.example at mx.example.com, expected the destination, "
                                          "\"mx.example.com\""));
    EXPECT_THAT(ErrorOf(reply), HasSubstr("\"@customer.example\""));
    test_.RunUntilIdle();
    EXPECT_EQ(world_.cache().FindDomainBreaker("mx.example.com", "customer.example"), breaker) << method << " " << path;
  }
  EXPECT_TRUE(AskOne("GET", "/v1/pins").at("pins").as_array().empty());
}

TEST_F(ApiTest, ADomainAtADestinationIsShownAmongDestinationsAndItsDoubtEndsByThatName) {
  world_.cache().PutDestinationState({.name = "mx.example.com"});
  world_.cache().PutDestinationState({.name = "mx.example.org"});
  world_.cache().PutDomainBreaker({.destination = "mx.example.com",
                                   .domain = "customer.example",
                                   .breaker = {.failures = 2},
                                   .trust = {.doubt = Doubt::kManyRefused, .why = "many"}});
  ApiReply reply = Ask("GET", "/v1/destinations");
  const json::array all = json::parse(test_.Run(reply.lines()).value()).at("destinations").as_array();
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].at("destination"), "mx.example.com");
  EXPECT_EQ(all[1].at("destination"), "mx.example.com customer.example");
  EXPECT_EQ(all[1].at("believed"), false);
  EXPECT_EQ(all[1].at("doubt"), "many");
  EXPECT_EQ(all[1].at("failures"), 2);
  EXPECT_EQ(AskOne("GET", "/v1/status").at("not_believed").as_array().at(0), "mx.example.com customer.example (many)");
  EXPECT_EQ(Ask("POST", "/v1/trust", R"({"target": "mx.example.com other.example"})").status, 404);
  EXPECT_EQ(Ask("POST", "/v1/trust", R"({"target": "mx.example.com customer.example"})").status, 200);
  EXPECT_EQ(world_.cache().FindDomainBreaker("mx.example.com", "customer.example")->trust, Trust());
}

TEST_F(ApiTest, TheDoubtOfAListOfNextHopsDidNotEndByItsName) {
  const std::string name = "smtp:a.example, b.example";
  world_.cache().PutDestinationState({.name = name, .trust = {.doubt = Doubt::kManyRefused, .why = "many"}});
  EXPECT_EQ(Ask("POST", "/v1/trust", absl::StrCat(R"({"target": ")", name, R"("})")).status, 200);
  EXPECT_EQ(world_.cache().FindDestinationState(name)->trust.doubt, Doubt::kNone);
  EXPECT_EQ(Ask("POST", "/v1/reset", absl::StrCat(R"({"target": ")", name, R"("})")).status, 200);
}

TEST_F(ApiTest, WhileTheSettingsCanNotBeUsedNothingElseIsAnswered) {
  context_.memory.settings = ApiSettingsOf(StopgapOf("verifyd.cf", "nonsense = 1\n", {}));
  EXPECT_EQ(Ask("POST", "/v1/pins", R"({"target": "joe@example.com", "status": "deliverable"})").status, 503);
  EXPECT_EQ(Ask("POST", "/v1/verify", R"({"addresses": ["joe@example.com"]})").status, 503);
  EXPECT_EQ(Ask("GET", "/v1/status").status, 200);
  EXPECT_EQ(Ask("POST", "/v1/reload").status, 200);
  EXPECT_TRUE(world_.cache().ListPins(absl::InfinitePast()).empty());
}

TEST_F(ApiTest, WhoMayOnlyLookChangesNothing) {
  world_.Hold("joe@example.com", Deliverability::kDeliverable, Reason::kAccepted, absl::Minutes(5));
  for (const ApiRoute& route : ApiRoutes()) {
    const bool of_something = route.path == "/v1/record" || route.path == "/v1/query" || route.path == "/v1/refusal";
    const int expected = route.right == ApiRight::kChange ? 403 : of_something ? 400 : 200;
    EXPECT_EQ(Ask(std::string(route.method), std::string(route.path), "", ApiRight::kRead).status, expected)
        << route.path;
  }
  EXPECT_TRUE(world_.cache().FindRecord("joe@example.com").has_value());
}

TEST_F(ApiTest, UnknownPathsAndMethodsPointToTheList) {
  EXPECT_EQ(Ask("GET", "/v1/nothing").status, 404);
  EXPECT_EQ(Ask("GET", "").status, 404);
  EXPECT_EQ(Ask("PUT", "/v1/stats").status, 405);
  EXPECT_THAT(ErrorOf(Ask("PUT", "/v1/stats")), HasSubstr("GET /v1/"));
}

TEST_F(ApiTest, WrongArgumentsAreNamedWithWhatWasExpected) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"({"addresses": []})", "expected at least one"},
      {R"({"addresses": [7]})", "\"addresses\": found 7, expected an address"},
      {R"({"addresses": {"a": 1}})", "expected a list of addresses"},
      {R"({"addresses": ["a@example.com"], "fresh": "perhaps"})",
       "\"fresh\": found \"perhaps\", expected true or false"},
      {R"({"addresses": ["a@example.com"], "role": "cook"})", "expected \"recipient\" or \"sender\""},
      {R"({"addresses": ["a@example.com"], "patience": 3})", "expected a time"},
      {R"({"addresses": ["a@example.com"], "patience": "3 moons"})", "\"patience\""},
      {R"({"addresses": ["a@example.com"], "patience": "2h"})", "expected at most 1h"},
      {R"({"adresses": ["a@example.com"]})", "unknown argument \"adresses\"; POST /v1/verify takes addresses"},
      {R"(["a@example.com"])", "not a JSON object"},
      {R"({"addresses": )", "not JSON"},
  };
  for (const auto& [body, part] : cases) {
    const ApiReply reply = Ask("POST", "/v1/verify", body);
    EXPECT_EQ(reply.status, 400) << body;
    EXPECT_THAT(ErrorOf(reply), HasSubstr(part)) << body;
  }
  EXPECT_THAT(ErrorOf(Ask("GET", "/v1/record?address=%4")), HasSubstr("expected %XX"));
  EXPECT_THAT(ErrorOf(Ask("GET", "/v1/record?addresses=a@example.com")), HasSubstr("takes address"));
  EXPECT_THAT(ErrorOf(Ask("GET", "/v1/record?address=nonsense")), HasSubstr("byte 8"));
}

TEST_F(ApiTest, DeeplyNestedJsonIsRefused) {
  EXPECT_EQ(Ask("POST", "/v1/query", std::string(100000, '[')).status, 400);
}

}  // namespace
}  // namespace verifyd
