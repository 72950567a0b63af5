// Servers of tables, routes and verdicts on UNIX sockets, played by a thread.
#include "probe/postfix_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "boost/asio/buffer.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/local/stream_protocol.hpp"
#include "boost/asio/write.hpp"
#include "mail/referral.h"
#include "probe/alarms.h"
#include "probe/proxymap.h"
#include "probe/route_service.h"
#include "probe/socketmap.h"
#include "probe/stock_source.h"
#include "probe/stock_verify.h"
#include "tests/status_matchers.h"

namespace verifyd {
namespace {

using boost::asio::local::stream_protocol;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr absl::string_view kGreeting("protocol\0some_protocol\0\0", 24);

// Says `greeting` first. Then answers each chunk that it reads with the result of `answer`; nothing: it hangs up.
class Server {
 public:
  Server(std::string greeting, std::function<std::optional<std::string>(const std::string&)> answer)
      : greeting_(std::move(greeting)), answer_(std::move(answer)) {
    thread_ = std::thread([this] { Run(); });
  }
  ~Server() {
    over_ = true;
    // Wakes the thread from accept.
    stream_protocol::socket last(context_);
    boost::system::error_code ignored;
    last.connect(stream_protocol::endpoint(path_), ignored);
    last.close(ignored);
    thread_.join();
    unlink(path_.c_str());
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  const std::string& path() const { return path_; }
  int connections() const { return connections_; }
  std::vector<std::string> heard;  // read it when the loop has ended

 private:
  void Run() {
    while (!over_) {
      stream_protocol::socket socket = acceptor_.accept();
      if (over_) return;
      ++connections_;
      boost::system::error_code error;
      boost::asio::write(socket, boost::asio::buffer(greeting_), error);
      std::array<char, 4096> buffer = {};
      while (!error) {
        const size_t count = socket.read_some(boost::asio::buffer(buffer), error);
        if (error) break;
        heard.emplace_back(buffer.data(), count);
        const std::optional<std::string> said = answer_(heard.back());
        if (!said.has_value()) break;
        boost::asio::write(socket, boost::asio::buffer(*said), error);
      }
    }
  }

  const std::string greeting_;
  const std::function<std::optional<std::string>(const std::string&)> answer_;
  const std::string path_ = absl::StrCat(testing::TempDir(), "/service-", getpid());
  boost::asio::io_context context_;
  stream_protocol::acceptor acceptor_{context_, stream_protocol::endpoint(path_)};
  std::atomic<int> connections_{0};
  std::atomic<bool> over_{false};
  std::thread thread_;
};

class PostfixServiceTest : public testing::Test {
 protected:
  template <typename T>
  T Run(boost::asio::awaitable<T> task) {
    std::optional<T> result;
    loop_.Spawn(Keep(loop_, std::move(task), result));
    loop_.Run();
    return *std::move(result);
  }
  template <typename T>
  static boost::asio::awaitable<void> Keep(Loop& loop, boost::asio::awaitable<T> task, std::optional<T>& result) {
    result.emplace(co_await std::move(task));
    loop.Stop();
  }
  static MonoTime Soon() { return Clock::Real().Mono() + absl::Seconds(20); }

  Loop loop_{Clock::Real()};
  std::unique_ptr<Dialer> dialer_ = MakeSocketDialer(loop_);
};

TEST(AttributesTest, AListIsWrittenAndReadAsPostfixDoes) {
  const Attributes query = {{"request", "query"}, {"address", "user@example.com"}};
  const std::string bytes = EncodeAttributes(query);
  EXPECT_EQ(bytes, std::string("request\0query\0address\0user@example.com\0\0", 40));
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_FALSE(ParseAttributes(absl::string_view(bytes).substr(0, length))->has_value()) << length;
  }
  const auto parsed = ParseAttributes(bytes + "more");
  ASSERT_TRUE(parsed->has_value());
  EXPECT_EQ((*parsed)->first, query);
  EXPECT_EQ((*parsed)->second, bytes.size());
}

TEST(AttributesTest, AListWithoutEndIsGivenUp) {
  EXPECT_FALSE(ParseAttributes(std::string(70000, 'x')).ok());
  std::string pairs;
  for (int i = 0; i < 20000; ++i) pairs.append("a\0b\0", 4);
  EXPECT_FALSE(ParseAttributes(pairs).ok());
}

TEST_F(PostfixServiceTest, ASocketmapIsAskedOverOneConnection) {
  Server server("", [](const std::string& request) -> std::optional<std::string> {
    return request == "12:map a@b.test," ? "12:OK smtp:[mx]," : "9:NOTFOUND ,";
  });
  SocketmapClient client(loop_, *dialer_);
  const SocketmapPlace place = {.host = "", .port = 0, .path = server.path(), .map = "map"};
  const auto ask_twice = [](SocketmapClient& client,
                            SocketmapPlace place) -> boost::asio::awaitable<std::vector<std::string>> {
    std::vector<std::string> said;
    for (const char* key : {"a@b.test", "b.test"}) {
      const absl::StatusOr<std::optional<std::string>> value = co_await client.LookUp(place, key, Soon());
      said.push_back(!value.ok() ? std::string(value.status().message()) : value->value_or("none"));
    }
    co_return said;
  };
  EXPECT_THAT(Run(ask_twice(client, place)), ElementsAre("smtp:[mx]", "none"));
  EXPECT_EQ(server.connections(), 1);
  EXPECT_THAT(server.heard, ElementsAre("12:map a@b.test,", "10:map b.test,"));
}

TEST_F(PostfixServiceTest, TroubleOfASocketmapIsAnErrorNeverAnAnswer) {
  for (const char* said : {"14:TEMP try later,", "7:PERM no,", "garbage!!", "4:what,"}) {
    Server server("", [&](const std::string&) -> std::optional<std::string> { return said; });
    SocketmapClient client(loop_, *dialer_);
    Loop loop(Clock::Real());
    const std::unique_ptr<Dialer> dialer = MakeSocketDialer(loop);
    SocketmapClient fresh(loop, *dialer);
    std::optional<absl::StatusOr<std::optional<std::string>>> value;
    loop.Spawn(
        Keep(loop, fresh.LookUp({.host = "", .port = 0, .path = server.path(), .map = "m"}, "k", Soon()), value));
    loop.Run();
    EXPECT_FALSE(value->ok()) << said;
    EXPECT_THAT(std::string(value->status().message()), HasSubstr(server.path()));
  }
}

TEST_F(PostfixServiceTest, VerifySaysWhatAServerSaidAndThatIsJudged) {
  const std::string reply = EncodeAttributes(
      {{"status", "0"},
       {"recipient_status", "2"},
       {"reason", "host mx.test[192.0.2.1] said: 550 5.1.1 User unknown (in reply to RCPT TO command)"}});
  Server server(std::string(kGreeting), [&](const std::string&) -> std::optional<std::string> { return reply; });
  const Address address = Address::Parse("joe@example.com").value();
  const Finding finding =
      Run(AskStockVerify(loop_, *dialer_, *Classifier::BuiltIn(), server.path(), address, Soon())).value();
  EXPECT_EQ(finding.reason, Reason::kNoSuchUser);
  EXPECT_THAT(finding.text, HasSubstr("said: 550 5.1.1 User unknown"));
  EXPECT_THAT(server.heard, ElementsAre(EncodeAttributes({{"request", "query"}, {"address", "joe@example.com"}})));
}

TEST_F(PostfixServiceTest, WordsOfTheAddressAreNotTakenForThoseOfTheServer) {
  const std::string reply =
      EncodeAttributes({{"status", "0"},
                        {"recipient_status", "2"},
                        {"reason",
                         "host mx.test[192.0.2.1] said: 550 5.1.1 <x blocked using zen@example.com>: Recipient address "
                         "rejected: User unknown in local recipient table (in reply to RCPT TO command)"}});
  Server server(std::string(kGreeting), [&](const std::string&) -> std::optional<std::string> { return reply; });
  const Address address = Address::FromUnquoted("x blocked using zen@example.com").value();
  const Finding finding =
      Run(AskStockVerify(loop_, *dialer_, *Classifier::BuiltIn(), server.path(), address, Soon())).value();
  EXPECT_EQ(finding.reason, Reason::kNoSuchUser);
}

TEST_F(PostfixServiceTest, WhatVerifyCallsUndeliverableMayBeAboutUs) {
  const std::string reply = EncodeAttributes(
      {{"status", "0"},
       {"recipient_status", "2"},
       {"reason",
        "host mx.test[192.0.2.1] said: 550 5.7.1 blocked using zen.spamhaus.org (in reply to RCPT TO command)"}});
  Server server(std::string(kGreeting), [&](const std::string&) -> std::optional<std::string> { return reply; });
  const Address address = Address::Parse("joe@example.com").value();
  const Finding finding =
      Run(AskStockVerify(loop_, *dialer_, *Classifier::BuiltIn(), server.path(), address, Soon())).value();
  EXPECT_EQ(finding.deliverability, Deliverability::kUnknown);
  EXPECT_EQ(finding.scope, Scope::kUs);
}

TEST_F(PostfixServiceTest, VerifyIsAskedUntilItKnows) {
  std::atomic<int> asked{0};
  Server server(std::string(kGreeting), [&](const std::string&) -> std::optional<std::string> {
    const bool known = ++asked > 1;
    return EncodeAttributes({{"status", "0"},
                             {"recipient_status", known ? "0" : "3"},
                             {"reason", known ? "delivers to mailbox" : "Address verification in progress"}});
  });
  const Address address = Address::Parse("joe@example.com").value();
  const Finding finding =
      Run(AskStockVerify(loop_, *dialer_, *Classifier::BuiltIn(), server.path(), address, Soon())).value();
  EXPECT_EQ(finding.deliverability, Deliverability::kDeliverable);
  EXPECT_EQ(asked, 2);
}

TEST_F(PostfixServiceTest, AVerifyThatIsNotThereIsNoVerdict) {
  const Address address = Address::Parse("joe@example.com").value();
  EXPECT_THAT(Run(AskStockVerify(loop_, *dialer_, *Classifier::BuiltIn(), "/nonexistent/verify", address, Soon())),
              FailsWith("/nonexistent/verify: No such file or directory"));
}

TEST_F(PostfixServiceTest, WhatIsReferredToVerifyIsAskedThereUnderTheAddressItWasRewrittenTo) {
  Server server(std::string(kGreeting), [&](const std::string&) -> std::optional<std::string> {
    return EncodeAttributes({{"status", "0"}, {"recipient_status", "0"}, {"reason", "delivers to mailbox"}});
  });
  Alarms alarms(Clock::Real());
  StockSource source(loop_, alarms);
  source.Configure(Classifier::BuiltIn());
  ProbeRequest request{.address = Address::Parse("joe@example.com").value(), .deadline = Soon(), .dialogue = true};
  request.referral = std::make_shared<const Referral>(
      Referral{.service = server.path(),
               .address = Address::Parse("ann@local.example").value(),
               .dns = absl::Seconds(2),
               .dialogue = {{.at = absl::Seconds(1), .text = "aliased to ann@local.example"}}});
  const ProbeOutcome outcome = Run(source.Probe(std::move(request)));
  EXPECT_FALSE(outcome.not_mine);
  EXPECT_EQ(outcome.finding.deliverability, Deliverability::kDeliverable);
  EXPECT_EQ(outcome.delays.dns, absl::Seconds(2));
  ASSERT_EQ(outcome.dialogue.size(), 2U);
  EXPECT_EQ(outcome.dialogue[0].text, "aliased to ann@local.example");
  EXPECT_GE(outcome.dialogue[1].at, absl::Seconds(2));
  EXPECT_THAT(server.heard, ElementsAre(EncodeAttributes({{"request", "query"}, {"address", "ann@local.example"}})));
  EXPECT_TRUE(alarms.Standing().empty());
}

TEST_F(PostfixServiceTest, WhatNobodyReferredToVerifyIsNotForIt) {
  Alarms alarms(Clock::Real());
  StockSource source(loop_, alarms);
  source.Configure(Classifier::BuiltIn());
  EXPECT_TRUE(Run(source.Probe({.address = Address::Parse("joe@example.com").value(), .deadline = Soon()})).not_mine);
}

TEST_F(PostfixServiceTest, AVerifyThatCanNotBeAskedIsTheOperatorsToMend) {
  Alarms alarms(Clock::Real());
  StockSource source(loop_, alarms);
  source.Configure(Classifier::BuiltIn());
  ProbeRequest request{.address = Address::Parse("joe@example.com").value(), .deadline = Soon()};
  request.referral =
      std::make_shared<const Referral>(Referral{.service = "/nonexistent/verify", .address = request.address});
  const ProbeOutcome outcome = Run(source.Probe(std::move(request)));
  EXPECT_EQ(outcome.finding.reason, Reason::kRouteBroken);
  EXPECT_THAT(alarms.Standing(), ElementsAre(HasSubstr("/nonexistent/verify: No such file or directory")));
}

TEST_F(PostfixServiceTest, PostfixSaysHowItWouldRouteAProbe) {
  Server server(std::string(kGreeting), [](const std::string&) -> std::optional<std::string> {
    return EncodeAttributes({{"flags", "0"},
                             {"transport", "relay"},
                             {"nexthop", "[10.0.0.1]:2525"},
                             {"recipient", "joe@example.com"},
                             {"flags", "2048"}});
  });
  const auto route =
      Run(AskRouteService(loop_, *dialer_, server.path(), "probe@gw.example", "joe@example.com", Soon()));
  ASSERT_THAT(route, IsOk());
  EXPECT_EQ(route->transport, "relay");
  EXPECT_EQ(route->next_hop, "[10.0.0.1]:2525");
  EXPECT_THAT(server.heard,
              ElementsAre(EncodeAttributes(
                  {{"request", "verify"}, {"sender", "probe@gw.example"}, {"address", "joe@example.com"}})));
}

TEST_F(PostfixServiceTest, ARouteThatPostfixCouldNotFindIsAnError) {
  Server server(std::string(kGreeting), [](const std::string&) -> std::optional<std::string> {
    return EncodeAttributes(
        {{"flags", "0"}, {"transport", "smtp"}, {"nexthop", "x"}, {"recipient", "joe@example.com"}, {"flags", "8"}});
  });
  EXPECT_THAT(Run(AskRouteService(loop_, *dialer_, server.path(), "", "joe@example.com", Soon())),
              FailsWith("could not route the address"));
}

using Values = std::vector<absl::StatusOr<std::optional<std::string>>>;

boost::asio::awaitable<Values> AskProxymap(ProxymapClient& client, std::string path, std::vector<std::string> keys) {
  Values values;
  for (std::string& key : keys) {
    values.push_back(
        co_await client.LookUp(path, "regexp:/etc/aliases", std::move(key), Clock::Real().Mono() + absl::Seconds(20)));
  }
  co_return values;
}

TEST_F(PostfixServiceTest, ProxymapIsAskedInItsOwnWordsOverOneConnection) {
  Server server(std::string(kGreeting), [](const std::string& asked) -> std::optional<std::string> {
    const bool known = asked.find("joe@example.com") != std::string::npos;
    return EncodeAttributes({{"status", known ? "0" : "1"}, {"value", known ? "box@example.net" : ""}});
  });
  ProxymapClient client(loop_, *dialer_);
  const Values values = Run(AskProxymap(client, server.path(), {"joe@example.com", "ann@example.com"}));
  EXPECT_EQ(values[0].value(), "box@example.net");
  EXPECT_EQ(values[1].value(), std::nullopt);
  EXPECT_EQ(server.connections(), 1);
  EXPECT_EQ(
      server.heard[0],
      EncodeAttributes(
          {{"request", "lookup"}, {"table", "regexp:/etc/aliases"}, {"flags", "16448"}, {"key", "joe@example.com"}}));
}

TEST_F(PostfixServiceTest, AProxymapThatHasHungUpIsConnectedToAgain) {
  std::atomic<int> asked{0};
  Server server(std::string(kGreeting), [&](const std::string&) -> std::optional<std::string> {
    if (++asked == 2) return std::nullopt;  // Postfix is restarted
    return EncodeAttributes({{"status", "0"}, {"value", "x"}});
  });
  ProxymapClient client(loop_, *dialer_);
  for (const auto& value : Run(AskProxymap(client, server.path(), {"a", "b", "c"}))) EXPECT_EQ(value.value(), "x");
  EXPECT_EQ(server.connections(), 2);
}

TEST_F(PostfixServiceTest, ATableThatProxymapMayNotOpenNamesProxyReadMaps) {
  Server server(std::string(kGreeting), [](const std::string& asked) -> std::optional<std::string> {
    return EncodeAttributes({{"status", asked.find("denied") != std::string::npos ? "4" : "2"}, {"value", ""}});
  });
  ProxymapClient client(loop_, *dialer_);
  const Values values = Run(AskProxymap(client, server.path(), {"denied", "fails"}));
  EXPECT_THAT(values[0], FailsWith("proxy_read_maps"));
  EXPECT_THAT(values[1], FailsWith("could not look up regexp:/etc/aliases"));
}

TEST_F(PostfixServiceTest, AProxymapThatIsNotThereIsNamed) {
  ProxymapClient client(loop_, *dialer_);
  EXPECT_THAT(Run(AskProxymap(client, "/nonexistent/proxymap", {"joe"}))[0],
              FailsWith("/nonexistent/proxymap: No such file or directory"));
}

}  // namespace
}  // namespace verifyd
