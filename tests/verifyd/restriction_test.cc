// What the plays (tests/scenario) do not show of restrictions: who pays for a probe.
#include "verifyd/restriction/restriction.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/verifyd/rooms_test.h"

namespace verifyd {
namespace {

// A server of example.com that accepts all, in its own time; two new addresses a minute for each client.
class RestrictionsTest : public RoomsTest {
 protected:
  RestrictionsTest() {
    AddServer("example.com", "rcpt={wait 1s}250 Ok");
    ConfigureRooms({{"verify_domains", "*"}, {"client_new_probe_rate_limit", "2"}});
  }

  Evaluation Begin(absl::string_view recipient) {
    return restrictions_.Begin({.protocol_state = "RCPT", .client_address = "192.0.2.7", .recipient = recipient},
                               /*memory_only=*/false);
  }
  // The text of what is refused; empty: nothing is.
  std::string Ask(absl::string_view recipient) {
    Evaluation evaluation = Begin(recipient);
    if (evaluation.settled()) return evaluation.ruling().decision.text;
    return test_.Run(restrictions_.Finish(std::move(evaluation))).decision.text;
  }

  boost::asio::awaitable<void> Count(Evaluation evaluation) {
    const Ruling ruling = co_await restrictions_.Finish(std::move(evaluation));
    refused_ += ruling.decision.refuses() ? 1 : 0;
    ++answered_;
  }

  int answered_ = 0;
  int refused_ = 0;
};

constexpr char kTooMany[] = "unverified address: Too many address verification requests";

TEST_F(RestrictionsTest, BeyondTheBudgetNewAddressesAreDeferredAndKnownOnesAnswered) {
  EXPECT_EQ(Ask("a@example.com"), "");
  EXPECT_EQ(Ask("b@example.com"), "");
  EXPECT_EQ(Ask("c@example.com"), kTooMany);
  EXPECT_EQ(Ask("a@example.com"), "");
  test_.Advance(absl::Minutes(1));
  EXPECT_EQ(Ask("c@example.com"), "");
}

TEST_F(RestrictionsTest, WhoJoinsAProbeInTheAirDoesNotPayForIt) {
  // They all begin before the first of them flies.
  for (int i = 0; i < 10; ++i) test_.loop().Spawn(Count(Begin("a@example.com")));
  test_.Advance(absl::Seconds(10));
  EXPECT_EQ(answered_, 10);
  EXPECT_EQ(refused_, 0);
  EXPECT_EQ(Ask("b@example.com"), "");
  EXPECT_EQ(Ask("c@example.com"), kTooMany);
}

}  // namespace
}  // namespace verifyd
