#include "dns/mail_hosts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "tests/scripted_resolver.h"
#include "tests/test_loop.h"

namespace verifyd {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kDomain[] = "example.com";

class MailHostsTest : public ::testing::Test {
 protected:
  MailHosts LookUp() {
    return test_.Run(
        LookUpMailHosts(test_.loop(), resolver_, kDomain, families_, test_.clock().Mono() + absl::Seconds(30)));
  }
  MailHosts LookUp(const std::string& host) {
    return test_.Run(LookUpHost(test_.loop(), resolver_, host, families_, test_.clock().Mono() + absl::Seconds(30)));
  }
  static std::vector<std::string> AddressesOf(const MailHosts& hosts) {
    std::vector<std::string> addresses;
    addresses.reserve(hosts.hosts.size());
    for (const MailHost& host : hosts.hosts) addresses.push_back(host.address);
    return addresses;
  }

  TestLoop test_;
  ScriptedResolver resolver_{test_.loop()};
  AddressFamilies families_;
};

// These are the labelled behaviours of name servers, by their numbers in the corpus.

TEST_F(MailHostsTest, Dns001OneMxWithAnAddressIsUsable) {
  resolver_.SetMx(kDomain, {{10, "mx.example.com"}});
  resolver_.SetAddresses("mx.example.com", {"192.0.2.1"});
  const MailHosts hosts = LookUp();
  EXPECT_EQ(hosts.status, MailHostsStatus::kOk);
  EXPECT_FALSE(hosts.implicit);
  EXPECT_THAT(AddressesOf(hosts), ElementsAre("192.0.2.1"));
  EXPECT_THAT(hosts.exchanges, ElementsAre("mx.example.com"));
}

TEST_F(MailHostsTest, Dns002ANameThatDoesNotExistIsNoSuchDomain) {
  resolver_.Fail(kDomain, DnsType::kMx, DnsStatus::kNxDomain, absl::Minutes(7));
  const MailHosts hosts = LookUp();
  EXPECT_EQ(hosts.status, MailHostsStatus::kNoSuchDomain);
  EXPECT_EQ(hosts.ttl, absl::Minutes(7));
  EXPECT_EQ(hosts.explanation, "MX of example.com: no such name");
  EXPECT_EQ(resolver_.asked(), 1U) << "the addresses of a name that does not exist are not asked for";
}

TEST_F(MailHostsTest, Dns003TheRootAloneIsANullMx) {
  resolver_.SetMx(kDomain, {{0, ""}});
  EXPECT_EQ(LookUp().status, MailHostsStatus::kNullMx);
}

TEST_F(MailHostsTest, Dns004WithoutMxTheDomainsOwnAddressIsUsed) {
  resolver_.SetAddresses(kDomain, {"192.0.2.1"});
  const MailHosts hosts = LookUp();
  EXPECT_EQ(hosts.status, MailHostsStatus::kOk);
  EXPECT_TRUE(hosts.implicit);
  EXPECT_THAT(hosts.exchanges, ElementsAre(kDomain));
}

TEST_F(MailHostsTest, Dns005WithoutMxAnIpv6AddressIsUsedToo) {
  resolver_.SetAddresses(kDomain, {"2001:db8::1"});
  const MailHosts hosts = LookUp();
  EXPECT_EQ(hosts.status, MailHostsStatus::kOk);
  EXPECT_THAT(AddressesOf(hosts), ElementsAre("2001:db8::1"));
}

TEST_F(MailHostsTest, Dns006WithoutMxAndAddressThereIsNoMailHost) {
  resolver_.Fail(kDomain, DnsType::kMx, DnsStatus::kNoData, absl::Minutes(9));
  resolver_.Fail(kDomain, DnsType::kA, DnsStatus::kNoData, absl::Minutes(4));
  resolver_.Fail(kDomain, DnsType::kAaaa, DnsStatus::kNoData, absl::Minutes(6));
  const MailHosts hosts = LookUp();
  EXPECT_EQ(hosts.status, MailHostsStatus::kNoMailHost);
  EXPECT_EQ(hosts.ttl, absl::Minutes(4));
}

TEST_F(MailHostsTest, Dns007AServerFailureIsTemporary) {
  resolver_.Fail(kDomain, DnsType::kMx, DnsStatus::kServfail);
  resolver_.SetAddresses(kDomain, {"192.0.2.1"});
  const MailHosts hosts = LookUp();
  EXPECT_EQ(hosts.status, MailHostsStatus::kTemporary) << "never the implicit MX";
  EXPECT_EQ(hosts.explanation, "MX of example.com: server failure");
}

TEST_F(MailHostsTest, Dns008NoAnswerInTimeIsATimeOut) {
  resolver_.set_delay(absl::Minutes(1));
  EXPECT_EQ(LookUp().status, MailHostsStatus::kTimeout);
}

TEST_F(MailHostsTest, Dns009ARefusalIsTemporary) {
  resolver_.Fail(kDomain, DnsType::kMx, DnsStatus::kRefused);
  EXPECT_EQ(LookUp().status, MailHostsStatus::kTemporary);
}

TEST_F(MailHostsTest, Dns010ExchangesThatDoNotExistAreUnresolvable) {
  resolver_.SetMx(kDomain, {{10, "a.example.net"}, {20, "b.example.net"}});
  const MailHosts hosts = LookUp();
  EXPECT_EQ(hosts.status, MailHostsStatus::kUnresolvable);
  EXPECT_THAT(hosts.exchanges, ElementsAre("a.example.net", "b.example.net"));
  EXPECT_EQ(hosts.explanation, "AAAA of b.example.net: no such name");
}

TEST_F(MailHostsTest, Dns011ServerFailuresForEveryExchangeAreTemporary) {
  resolver_.SetMx(kDomain, {{10, "mx.example.net"}});
  resolver_.Fail("mx.example.net", DnsType::kA, DnsStatus::kServfail);
  resolver_.Fail("mx.example.net", DnsType::kAaaa, DnsStatus::kServfail);
  EXPECT_EQ(LookUp().status, MailHostsStatus::kTemporary);
}

TEST_F(MailHostsTest, Dns012OneGoodExchangeIsEnough) {
  resolver_.SetMx(kDomain, {{20, "gone.example.net"}, {10, "mx.example.net"}});
  resolver_.SetAddresses("mx.example.net", {"192.0.2.1"});
  EXPECT_EQ(LookUp().status, MailHostsStatus::kOk);
}

TEST_F(MailHostsTest, Dns013BogusAddressesAreTheRoutersToRefuse) {
  resolver_.SetMx(kDomain, {{10, "mx.example.net"}});
  resolver_.SetAddresses("mx.example.net", {"127.0.0.1", "10.0.0.1", "::1"});
  EXPECT_THAT(AddressesOf(LookUp()), ElementsAre("127.0.0.1", "10.0.0.1", "::1"));
}

TEST_F(MailHostsTest, Dns014TheRootAmongOthersIsIgnored) {
  resolver_.SetMx(kDomain, {{0, ""}, {10, "mx.example.net"}});
  resolver_.SetAddresses("mx.example.net", {"192.0.2.1"});
  const MailHosts hosts = LookUp();
  EXPECT_EQ(hosts.status, MailHostsStatus::kOk);
  EXPECT_THAT(hosts.exchanges, ElementsAre("mx.example.net"));
}

TEST_F(MailHostsTest, Dns015AnExchangeThatIsACnameIsTolerated) {
  resolver_.SetMx(kDomain, {{10, "alias.example.net"}});
  DnsAnswer answer;
  answer.status = DnsStatus::kOk;
  answer.addresses = {"192.0.2.1"};
  answer.canonical_name = "real.example.net";
  resolver_.Set("alias.example.net", DnsType::kA, answer);
  const MailHosts hosts = LookUp();
  EXPECT_EQ(hosts.status, MailHostsStatus::kOk);
  EXPECT_EQ(hosts.hosts[0].name, "alias.example.net");
}

TEST_F(MailHostsTest, Dns016OurOwnAddressIsAnAddressHere) {
  resolver_.SetMx(kDomain, {{10, "gateway.example.net"}});
  resolver_.SetAddresses("gateway.example.net", {"192.0.2.25"});
  EXPECT_EQ(LookUp().status, MailHostsStatus::kOk);
}

TEST_F(MailHostsTest, Dns017AnAddressLiteralIsItsOwnAnswer) {
  const MailHosts hosts = LookUp("192.0.2.1");
  EXPECT_EQ(hosts.status, MailHostsStatus::kOk);
  EXPECT_THAT(AddressesOf(hosts), ElementsAre("192.0.2.1"));
  EXPECT_EQ(resolver_.asked(), 0U);
}

TEST_F(MailHostsTest, Dns018AParkedExchangeIsAHostLikeOthers) {
  resolver_.SetMx(kDomain, {{10, "mx.parked.example"}});
  resolver_.SetAddresses("mx.parked.example", {"192.0.2.1"});
  EXPECT_EQ(LookUp().status, MailHostsStatus::kOk);
}

TEST_F(MailHostsTest, HostsComeByPreferenceAndEqualsInTheOrderOfTheAnswer) {
  resolver_.SetMx(kDomain, {{20, "c.example"}, {10, "b.example"}, {10, "a.example"}});
  resolver_.SetAddresses("a.example", {"192.0.2.1", "2001:db8::1"});
  resolver_.SetAddresses("b.example", {"192.0.2.2"});
  resolver_.SetAddresses("c.example", {"192.0.2.3"});
  const MailHosts hosts = LookUp();
  EXPECT_THAT(AddressesOf(hosts), ElementsAre("192.0.2.2", "192.0.2.1", "2001:db8::1", "192.0.2.3"));
  EXPECT_EQ(hosts.hosts.back().preference, 20);
  EXPECT_THAT(hosts.exchanges, ElementsAre("a.example", "b.example", "c.example"));
}

TEST_F(MailHostsTest, AllAddressesAreAskedForAtOnce) {
  resolver_.SetMx(kDomain, {{10, "a.example"}, {20, "b.example"}, {30, "c.example"}});
  resolver_.SetAddresses("a.example", {"192.0.2.1"});
  resolver_.set_delay(absl::Seconds(1));
  const MonoTime start = test_.clock().Mono();
  EXPECT_EQ(LookUp().status, MailHostsStatus::kOk);
  EXPECT_EQ(resolver_.most_at_once(), 6U);
  EXPECT_EQ(test_.clock().Mono() - start, absl::Seconds(2));
}

TEST_F(MailHostsTest, ATimeOutBesideAnAddressDoesNotSpoilIt) {
  resolver_.SetMx(kDomain, {{10, "a.example"}, {20, "b.example"}});
  resolver_.SetAddresses("b.example", {"192.0.2.1"});
  resolver_.Fail("a.example", DnsType::kA, DnsStatus::kTimeout);
  EXPECT_EQ(LookUp().status, MailHostsStatus::kOk);
}

TEST_F(MailHostsTest, AnExchangeThatFailsSoftlyKeepsTheRestFromBeingDefinite) {
  resolver_.SetMx(kDomain, {{10, "gone.example"}, {20, "b.example"}});
  resolver_.Fail("b.example", DnsType::kA, DnsStatus::kTimeout);
  const MailHosts hosts = LookUp();
  EXPECT_EQ(hosts.status, MailHostsStatus::kTimeout);
  EXPECT_EQ(hosts.explanation, "A of b.example: no answer in time");
}

TEST_F(MailHostsTest, AServerFailureIsNamedBeforeATimeOut) {
  resolver_.SetMx(kDomain, {{10, "a.example"}});
  resolver_.Fail("a.example", DnsType::kA, DnsStatus::kTimeout);
  resolver_.Fail("a.example", DnsType::kAaaa, DnsStatus::kServfail);
  const MailHosts hosts = LookUp();
  EXPECT_EQ(hosts.status, MailHostsStatus::kTemporary);
  EXPECT_EQ(hosts.explanation, "AAAA of a.example: server failure");
}

TEST_F(MailHostsTest, MalformedAnswersAndOverloadAreTemporary) {
  resolver_.Fail(kDomain, DnsType::kMx, DnsStatus::kMalformed);
  EXPECT_EQ(LookUp().status, MailHostsStatus::kTemporary);
  resolver_.Fail(kDomain, DnsType::kMx, DnsStatus::kOverload);
  EXPECT_EQ(LookUp().status, MailHostsStatus::kTemporary);
}

TEST_F(MailHostsTest, AMalformedExchangeNameIsIgnored) {
  resolver_.SetMx(kDomain, {{5, "bad\\032name"}, {10, "mx.example"}});
  resolver_.SetAddresses("mx.example", {"192.0.2.1"});
  EXPECT_THAT(LookUp().exchanges, ElementsAre("mx.example"));
  resolver_.SetMx(kDomain, {{5, "bad\\032name"}, {0, ""}});
  const MailHosts hosts = LookUp();
  EXPECT_EQ(hosts.status, MailHostsStatus::kUnresolvable);
  EXPECT_THAT(hosts.explanation, HasSubstr("no exchange has a name"));
}

TEST_F(MailHostsTest, AnExchangeNamedTwiceIsAskedOnceAtItsBestPreference) {
  resolver_.SetMx(kDomain, {{20, "mx.example"}, {10, "mx.example"}});
  resolver_.SetAddresses("mx.example", {"192.0.2.1"});
  const MailHosts hosts = LookUp();
  ASSERT_THAT(hosts.hosts, SizeIs(1));
  EXPECT_EQ(hosts.hosts[0].preference, 10);
}

TEST_F(MailHostsTest, AtMost32ExchangesAreAskedForAndTheBestOfThem) {
  std::vector<MxRecord> mx;
  for (uint16_t i = 500; i > 0; --i) mx.push_back({i, absl::StrCat("mx", i, ".example")});
  resolver_.SetMx(kDomain, mx);
  resolver_.SetAddresses("mx1.example", {"192.0.2.1"});
  EXPECT_EQ(LookUp().status, MailHostsStatus::kOk);
  EXPECT_EQ(resolver_.asked(), 1U + 2 * 32);
}

TEST_F(MailHostsTest, AFamilyThatIsOffIsNotAskedForWhereAddressesAreFound) {
  families_.ipv6 = false;
  resolver_.SetAddresses(kDomain, {"192.0.2.1", "2001:db8::1"});
  EXPECT_THAT(AddressesOf(LookUp()), ElementsAre("192.0.2.1"));
  EXPECT_EQ(resolver_.asked(kDomain, DnsType::kAaaa), 0U);
}

TEST_F(MailHostsTest, AHostWithAddressesOfAFamilyThatIsOffIsNotCalledMissing) {
  families_.ipv6 = false;
  resolver_.SetAddresses(kDomain, {"2001:db8::1"});
  const MailHosts hosts = LookUp();
  EXPECT_EQ(hosts.status, MailHostsStatus::kTemporary);
  EXPECT_THAT(hosts.hosts, IsEmpty());
  EXPECT_THAT(hosts.explanation, HasSubstr("a family that is not in use"));
}

TEST_F(MailHostsTest, TheAnswerHoldsAsLongAsTheLeastOfItsParts) {
  resolver_.SetMx(kDomain, {{10, "mx.example"}}, absl::Hours(2));
  resolver_.SetAddresses("mx.example", {"192.0.2.1"}, absl::Minutes(3));
  EXPECT_EQ(LookUp().ttl, absl::Minutes(3));
}

TEST_F(MailHostsTest, OneHostHasNoMx) {
  resolver_.SetMx("relay.example", {{10, "elsewhere.example"}});
  resolver_.SetAddresses("relay.example", {"192.0.2.1", "192.0.2.2"});
  const MailHosts hosts = LookUp("Relay.Example");
  EXPECT_EQ(hosts.status, MailHostsStatus::kOk);
  EXPECT_THAT(AddressesOf(hosts), ElementsAre("192.0.2.1", "192.0.2.2"));
  EXPECT_THAT(hosts.exchanges, ElementsAre("relay.example"));
  EXPECT_EQ(resolver_.asked("relay.example", DnsType::kMx), 0U);
}

TEST_F(MailHostsTest, OneHostMayNotExistOrHaveNoAddress) {
  EXPECT_EQ(LookUp("gone.example").status, MailHostsStatus::kNoSuchDomain);
  resolver_.SetMx("relay.example", {{10, "elsewhere.example"}});
  EXPECT_EQ(LookUp("relay.example").status, MailHostsStatus::kNoMailHost);
}

TEST(MailHostsEndTest, ALoopThatEndedWithQuestionsUnderWayLeakedWhoWaitedForThem) {
  auto held = std::make_shared<int>();
  const std::weak_ptr<int> waiter = held;
  {
    TestLoop test;
    ScriptedResolver resolver(test.loop());
    resolver.SetMx(kDomain, {{10, "mx.example.com"}, {20, "mx2.example.com"}});
    resolver.SetDelay("mx2.example.com", DnsType::kA, absl::Seconds(10));
    const MonoTime deadline = test.clock().Mono() + absl::Seconds(30);
    test.loop().Spawn(
        [](Loop& loop, Resolver& asked, MonoTime until, std::shared_ptr<int> /*held*/) -> boost::asio::awaitable<void> {
          co_await LookUpMailHosts(loop, asked, kDomain, AddressFamilies(), until);
        }(test.loop(), resolver, deadline, std::move(held)));
    test.RunUntilIdle();
    EXPECT_EQ(resolver.asked("mx2.example.com", DnsType::kA), 1U);
    EXPECT_FALSE(waiter.expired());
  }
  EXPECT_TRUE(waiter.expired());
}

// A resolver with a fault in it.
class FaultyResolver final : public Resolver {
 public:
  explicit FaultyResolver(Resolver& other) : other_(other) {}
  using Resolver::Query;
  Answer Query(std::string name, DnsType type, MonoTime deadline, DnsNeed need) override {
    if (type == DnsType::kA) throw std::runtime_error("no more memory");
    co_return co_await other_.Query(std::move(name), type, deadline, need);
  }

 private:
  Resolver& other_;
};

TEST_F(MailHostsTest, AFaultOfOurOwnWhileAddressesAreAskedForIsATemporaryFailure) {
  resolver_.SetMx(kDomain, {{10, "mx.example.com"}});
  FaultyResolver faulty(resolver_);
  const MonoTime deadline = test_.clock().Mono() + absl::Seconds(30);
  const CapturedLog log;
  const MailHosts hosts = test_.Run(LookUpMailHosts(test_.loop(), faulty, kDomain, families_, deadline));
  EXPECT_EQ(hosts.status, MailHostsStatus::kTemporary);
  EXPECT_TRUE(log.Contains("internal error: a task ended with an exception: no more memory"));
}

}  // namespace
}  // namespace verifyd
