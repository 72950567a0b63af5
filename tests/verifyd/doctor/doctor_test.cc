// Each examination, against a name server and mail servers that are well, and against one fault.
#include "verifyd/doctor/doctor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "boost/json.hpp"
#include "tests/scripted_dialer.h"
#include "tests/scripted_resolver.h"
#include "tests/test_loop.h"

namespace verifyd {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kOurs[] = "11.0.0.1";

class DoctorTest : public testing::Test {
 protected:
  DoctorTest() {
    test_.clock().SetWall(absl::FromUnixSeconds(1800000000));
    Set("myhostname", "gw.example.com");
    Set("myorigin", "example.com");
    Set("address_verify_map", "");
    Set("verify_domains", "*");
    Set("unverified_recipient_reject_code", "550");
    question_.addresses = {kOurs};
    question_.clock_synchronised = true;
    question_.blocklists = {"bl.example"};
    question_.reach = {"big.example"};
    resolver_.SetAddresses("gw.example.com", {kOurs});
    resolver_.SetNames("1.0.0.11.in-addr.arpa", {"gw.example.com"});
    resolver_.SetTexts("example.com", {"v=spf1 ip4:11.0.0.1 -all"});
    AddServer("example.com", "11.0.0.2", "");
    AddServer("big.example", "11.0.0.3", "");
  }

  void Set(const std::string& name, const std::string& value) { file_.push_back({name, value, "test"}); }

  void AddServer(const std::string& domain, const std::string& address, const std::string& script) {
    resolver_.SetMx(domain, {{10, "mx." + domain}});
    resolver_.SetAddresses("mx." + domain, {address});
    dialer_.PlayOnly(address, script);
  }

  const Examinations& Examine(Resolver* resolver = nullptr) {
    const Configuration configuration = *Configuration::Create(*Settings::Load(file_, {}));
    const MonoTime before = test_.clock().Mono();
    found_ = test_.Run(
        ExamineAll(test_.loop(), resolver == nullptr ? resolver_ : *resolver, dialer_, configuration, question_));
    took_ = test_.clock().Mono() - before;
    return found_;
  }
  // Returns the first examination of that name; to be called after Examine.
  const Examination& Of(const std::string& name) {
    for (const Examination& examination : found_) {
      if (examination.name == name) return examination;
    }
    ADD_FAILURE() << "no examination " << name;
    return found_.front();
  }
  const Examination& ExamineOne(const std::string& name) {
    Examine();
    return Of(name);
  }

  TestLoop test_;
  ScriptedResolver resolver_{test_.loop()};
  ScriptedDialer dialer_{test_.loop()};
  std::vector<Assignment> file_;
  DoctorQuestion question_;
  Examinations found_;
  absl::Duration took_;
};

// The status, and a part of what was found.
MATCHER_P2(Shows, health, part, "") {
  *result_listener << HealthName(arg.health) << ": " << arg.found << " / " << arg.remedy;
  return arg.health == health && absl::StrContains(arg.found, part);
}

TEST_F(DoctorTest, WhereAllIsWellNothingIsToBeDone) {
  EXPECT_THAT(Examine(), SizeIs(10));
  for (const Examination& examination : found_) {
    EXPECT_EQ(examination.health, Health::kOk) << examination.name << ": " << examination.found;
    EXPECT_THAT(examination.remedy, IsEmpty());
  }
  for (const auto& connection : dialer_.connections()) {
    for (const std::string& command : connection->commands) EXPECT_THAT(command, Not(HasSubstr("DATA")));
  }
}

TEST_F(DoctorTest, AHeloNameMustLeadToUs) {
  resolver_.SetAddresses("gw.example.com", {"11.0.0.9"});
  EXPECT_THAT(ExamineOne("helo"), Shows(Health::kBad, "leads to 11.0.0.9, not to 11.0.0.1"));
  resolver_.Fail("gw.example.com", DnsType::kA, DnsStatus::kNxDomain);
  EXPECT_THAT(ExamineOne("helo"), Shows(Health::kBad, "has no address"));
  resolver_.Fail("gw.example.com", DnsType::kA, DnsStatus::kServfail);
  EXPECT_THAT(ExamineOne("helo"), Shows(Health::kWarning, "server failure"));
  Set("smtp_helo_name", "localhost");
  EXPECT_THAT(ExamineOne("helo"), Shows(Health::kBad, "not a fully qualified name"));
  Set("smtp_helo_name", "mail.office.lan");
  EXPECT_THAT(ExamineOne("helo"), Shows(Health::kBad, "only this network knows"));
  Set("smtp_helo_name", "[11.0.0.1]");
  EXPECT_THAT(ExamineOne("helo"), Shows(Health::kWarning, "no name"));
}

TEST_F(DoctorTest, AnAddressNeedsANameThatLeadsBack) {
  resolver_.SetNames("1.0.0.11.in-addr.arpa", {"other.example", "gw.example.com"});
  EXPECT_THAT(ExamineOne("ptr"), Shows(Health::kOk, "gw.example.com"));
  EXPECT_EQ(Of("ptr").about, kOurs);
  resolver_.SetNames("1.0.0.11.in-addr.arpa", {"other.example"});
  EXPECT_THAT(ExamineOne("ptr"), Shows(Health::kBad, "other.example does not lead back"));
  EXPECT_THAT(Of("ptr").remedy, HasSubstr("other.example -> 11.0.0.1"));
  resolver_.Fail("1.0.0.11.in-addr.arpa", DnsType::kPtr, DnsStatus::kNxDomain);
  EXPECT_THAT(ExamineOne("ptr"), Shows(Health::kBad, "no PTR record"));
  resolver_.Fail("1.0.0.11.in-addr.arpa", DnsType::kPtr, DnsStatus::kTimeout);
  EXPECT_THAT(ExamineOne("ptr"), Shows(Health::kWarning, "no answer in time"));
}

TEST_F(DoctorTest, ANameOfALineThatIsLentToManyIsNoGoodName) {
  for (const char* name : {"11-0-0-1.provider.example", "host1.0.0.11.provider.example", "h0b000001.provider.example",
                           "dhcp17.provider.example", "x.pool.provider.example", "011-000-000-001.example"}) {
    resolver_.SetNames("1.0.0.11.in-addr.arpa", {name});
    resolver_.SetAddresses(name, {kOurs});
    EXPECT_THAT(ExamineOne("ptr"), Shows(Health::kWarning, "lent to many")) << name;
  }
  for (const char* name : {"mail1.example", "spool.example", "mx11.example"}) {
    resolver_.SetNames("1.0.0.11.in-addr.arpa", {name});
    resolver_.SetAddresses(name, {kOurs});
    EXPECT_THAT(ExamineOne("ptr"), Shows(Health::kOk, name));
  }
}

TEST_F(DoctorTest, AnIpv6AddressHasANameToo) {
  question_.addresses = {"2001:4860::1"};
  std::string name = "1";
  for (int i = 0; i < 23; ++i) name += ".0";
  resolver_.SetNames(name + ".0.6.8.4.1.0.0.2.ip6.arpa", {"gw.example.com"});
  resolver_.SetAddresses("gw.example.com", {"2001:4860:0::1"});
  resolver_.SetTexts("example.com", {"v=spf1 -all"});
  Examine();
  EXPECT_THAT(Of("ptr"), Shows(Health::kOk, "gw.example.com"));
  EXPECT_THAT(Of("helo"), Shows(Health::kOk, "gw.example.com"));
  EXPECT_THAT(Of("spf"), Shows(Health::kBad, "fail: \"-all\""));
  EXPECT_THAT(Of("spf").remedy, HasSubstr("Add ip6:2001:4860::1"));
}

TEST_F(DoctorTest, TheProbeSendersDomainShouldLetUsSend) {
  resolver_.SetTexts("example.com", {"v=spf1 ~all"});
  EXPECT_THAT(ExamineOne("spf"), Shows(Health::kBad, "softfail"));
  EXPECT_THAT(Of("spf").remedy, HasSubstr("Add ip4:11.0.0.1"));
  resolver_.SetTexts("example.com", {"v=spf1 ?all"});
  EXPECT_THAT(ExamineOne("spf"), Shows(Health::kWarning, "neutral"));
  resolver_.SetTexts("example.com", {"v=spf1 +all", "v=spf1 -all"});
  EXPECT_THAT(ExamineOne("spf"), Shows(Health::kBad, "2 SPF records"));
  resolver_.SetTexts("example.com", {});
  EXPECT_THAT(ExamineOne("spf"), Shows(Health::kWarning, "none"));
  EXPECT_THAT(Of("spf").remedy, HasSubstr("\"v=spf1 mx ip4:11.0.0.1 -all\""));
  Set("address_verify_sender", "<>");
  resolver_.SetTexts("gw.example.com", {"v=spf1 a -all"});
  EXPECT_THAT(ExamineOne("spf"), Shows(Health::kOk, "pass: \"a\" of gw.example.com"));
}

TEST_F(DoctorTest, AServerMustAcceptTheProbeSender) {
  dialer_.PlayOnly("11.0.0.2", "rcpt=550 5.1.1 User unknown");
  EXPECT_THAT(ExamineOne("sender"), Shows(Health::kBad, "refused: host mx.example.com[11.0.0.2] said: 550 5.1.1"));
  EXPECT_THAT(Of("sender").remedy, HasSubstr("  address_verify_sender = double-bounce@example.com"));
  dialer_.PlayOnly("11.0.0.2", "rcpt=451 4.3.0 Later");
  EXPECT_THAT(ExamineOne("sender"), Shows(Health::kWarning, "no definite answer"));
  dialer_.PlayOnly("11.0.0.2", "{refused}");
  EXPECT_THAT(ExamineOne("sender"), Shows(Health::kBad, "Connection refused"));
}

TEST_F(DoctorTest, TheSendersOfTheNeighbouringSlotsMustBeAcceptedToo) {
  Set("address_verify_sender", "probe@example.com");
  Set("address_verify_sender_ttl", "1h");
  EXPECT_THAT(ExamineOne("sender"), Shows(Health::kOk, "and what it is before and after that"));
  const auto before =
      ProbeSender::Create("probe@example.com", "", absl::Hours(1))->At(test_.clock().Now() - absl::Hours(1));
  dialer_.PlayOnly("11.0.0.2", "rcpt(" + before + ")=550 5.1.1 User unknown");
  EXPECT_THAT(ExamineOne("sender"), Shows(Health::kBad, "refused"));
  EXPECT_THAT(Of("sender").remedy,
              AllOf(HasSubstr("  address_verify_sender = probe@example.com\n  address_verify_sender_ttl = 1h\n"),
                    HasSubstr("/^probe[0-9B-DF-HJ-NP-TV-Z]*@example.com$/")));
}

TEST_F(DoctorTest, TheNextServerIsAskedWhereTheFirstDoesNotAnswer) {
  resolver_.SetMx("example.com", {{10, "dead.example.com"}, {20, "mx.example.com"}});
  resolver_.SetAddresses("dead.example.com", {"11.0.0.4"});
  EXPECT_THAT(ExamineOne("sender"), Shows(Health::kOk, "mx.example.com[11.0.0.2] accepts"));
}

TEST_F(DoctorTest, AServerOfOursWithOurNameIsNoLoop) {
  dialer_.PlayOnly("11.0.0.2", "ehlo=250 gw.example.com");
  EXPECT_THAT(ExamineOne("sender"), Shows(Health::kOk, "accepts"));
}

TEST_F(DoctorTest, TheProbeSendersDomainMustTakeMail) {
  resolver_.SetMx("example.com", {{0, ""}});
  EXPECT_THAT(ExamineOne("sender"), Shows(Health::kBad, "null MX"));
  resolver_.SetMx("example.com", {{10, "mx.example.com"}});
  resolver_.SetAddresses("mx.example.com", {"10.0.0.1"});
  EXPECT_THAT(ExamineOne("sender"), Shows(Health::kBad, "can not be reached from the Internet"));
  resolver_.Fail("example.com", DnsType::kMx, DnsStatus::kServfail);
  EXPECT_THAT(ExamineOne("sender"), Shows(Health::kWarning, "server failure"));
  Set("address_verify_sender", "probe@gw");
  EXPECT_THAT(ExamineOne("sender"), Shows(Health::kBad, "gw is not a fully qualified name"));
  Set("address_verify_sender", "<>");
  EXPECT_THAT(ExamineOne("sender"), Shows(Health::kOk, "null sender"));
}

TEST_F(DoctorTest, AListingIsToldWithItsReason) {
  resolver_.SetAddresses("1.0.0.11.bl.example", {"127.0.0.4"});
  resolver_.SetTexts("1.0.0.11.bl.example", {"bad\nneighbourhood"});
  EXPECT_THAT(ExamineOne("dnsbl"), Shows(Health::kBad, "listed in bl.example (127.0.0.4): bad"));
  EXPECT_THAT(ExaminationsText(found_), HasSubstr("bad?neighbourhood"));
}

TEST_F(DoctorTest, ABlocklistThatDoesNotAnswerListsNobody) {
  question_.blocklists = {"bl.example", "other.example"};
  resolver_.SetAddresses("1.0.0.11.bl.example", {"127.255.255.254"});
  EXPECT_THAT(ExamineOne("dnsbl"), Shows(Health::kNotExamined, "does not answer these name servers"));
  EXPECT_THAT(found_, testing::Contains(Shows(Health::kOk, "not listed in other.example")));
  resolver_.SetAddresses("1.0.0.11.bl.example", {"11.22.33.44"});
  EXPECT_THAT(ExamineOne("dnsbl"), Shows(Health::kWarning, "which no blocklist does"));
  resolver_.Fail("1.0.0.11.bl.example", DnsType::kA, DnsStatus::kRefused);
  EXPECT_THAT(ExamineOne("dnsbl"), Shows(Health::kWarning, "could not be asked"));
}

TEST_F(DoctorTest, WhoCanReachNobodyIsBlocked) {
  dialer_.PlayOnly("11.0.0.2", "{timeout}");
  dialer_.PlayOnly("11.0.0.3", "{timeout}");
  EXPECT_THAT(ExamineOne("port25"), Shows(Health::kBad, "port 25 is blocked here"));
  dialer_.PlayOnly("11.0.0.3", "{unreachable}");
  EXPECT_THAT(ExamineOne("port25"), Shows(Health::kBad, "nobody could be reached"));
  dialer_.PlayOnly("11.0.0.2", "");
  EXPECT_THAT(ExamineOne("port25"), Shows(Health::kWarning, "not reached"));
  dialer_.PlayOnly("11.0.0.3", "banner=554 5.7.1 blocked");
  EXPECT_THAT(ExamineOne("port25"), Shows(Health::kWarning, "turned away: host mx.big.example[11.0.0.3]"));
  question_.reach_own_domain = false;
  EXPECT_THAT(ExamineOne("port25"), Shows(Health::kWarning, "turned away"));
  question_.reach = {"absent.example"};
  EXPECT_THAT(ExamineOne("port25"), Shows(Health::kNotExamined, "absent.example"));
}

// Answers every question about an address.
class InventingResolver : public Resolver {
 public:
  Answer Query(std::string name, DnsType type, MonoTime /*deadline*/, DnsNeed /*need*/) override {
    auto answer = std::make_shared<DnsAnswer>();
    answer->canonical_name = std::move(name);
    answer->status = type == DnsType::kA ? DnsStatus::kOk : DnsStatus::kNoData;
    if (type == DnsType::kA) answer->addresses = {"11.9.9.9"};
    co_return answer;
  }
};

TEST_F(DoctorTest, AResolverMustNotInventAnswers) {
  InventingResolver inventing;
  Examine(&inventing);
  EXPECT_THAT(Of("resolver"), Shows(Health::kBad, "a name that does not exist leads to 11.9.9.9"));
  EXPECT_THAT(Of("dnsbl"), Shows(Health::kWarning, "11.9.9.9"));
}

TEST_F(DoctorTest, AResolverMustAnswerAndQuickly) {
  resolver_.Fail("big.example", DnsType::kMx, DnsStatus::kServfail);
  EXPECT_THAT(ExamineOne("resolver"), Shows(Health::kBad, "MX of big.example: server failure"));
  resolver_.SetMx("big.example", {{10, "mx.big.example"}});
  resolver_.SetDelay("big.example", DnsType::kMx, absl::Milliseconds(1500));
  EXPECT_THAT(ExamineOne("resolver"), Shows(Health::kWarning, "an answer took 1.5s"));
}

TEST_F(DoctorTest, AResolverThatIsTrustedMustValidate) {
  Set("dns_trust_ad", "yes");
  resolver_.SetMx("ietf.org", {{10, "mail.ietf.org"}});
  EXPECT_THAT(ExamineOne("resolver"), Shows(Health::kWarning, "not said to be validated"));
  DnsAnswer answer;
  answer.status = DnsStatus::kOk;
  answer.authenticated = true;
  resolver_.Set("ietf.org", DnsType::kMx, answer);
  EXPECT_EQ(ExamineOne("resolver").health, Health::kOk);
}

TEST_F(DoctorTest, WhereNobodyAnswersItEndsAllTheSame) {
  resolver_.set_delay(absl::Hours(1));
  Examine();
  EXPECT_LE(took_, absl::Seconds(30));
  resolver_.set_delay(absl::ZeroDuration());
  dialer_.PlayOnly("11.0.0.2", "banner={timeout}");
  dialer_.PlayOnly("11.0.0.3", "{timeout}");
  Examine();
  EXPECT_LE(took_, absl::Seconds(30));
}

TEST_F(DoctorTest, AnAddressThatIsNotKnownOutsideIsNotExamined) {
  question_.addresses.clear();
  question_.inner_addresses = {"10.0.0.5"};
  Examine();
  for (const char* name : {"helo", "ptr", "spf", "dnsbl"}) {
    EXPECT_THAT(Of(name), Shows(Health::kNotExamined, "10.0.0.5 inside"));
    EXPECT_THAT(Of(name).remedy, HasSubstr("--address"));
  }
}

TEST_F(DoctorTest, FindsTheAddressesThatProbesAreSentFrom) {
  ProbeSettings settings;
  settings.bind_addresses = {"11.0.0.7", "10.0.0.7"};
  settings.bind_addresses6 = {"2001:4860::7"};
  DoctorQuestion question;
  FindAddresses(settings, question);
  EXPECT_THAT(question.addresses, testing::ElementsAre("11.0.0.7", "2001:4860::7"));
  EXPECT_THAT(question.inner_addresses, testing::ElementsAre("10.0.0.7"));
}

TEST_F(DoctorTest, AClockMustBeRight) {
  question_.clock_synchronised = false;
  EXPECT_THAT(ExamineOne("clock"), Shows(Health::kWarning, "nobody keeps it right"));
  question_.clock_synchronised = std::nullopt;
  EXPECT_THAT(ExamineOne("clock"), Shows(Health::kOk, "does not say"));
  test_.clock().SetWall(absl::FromUnixSeconds(86400));
  EXPECT_THAT(ExamineOne("clock"), Shows(Health::kBad, "1970"));
}

TEST_F(DoctorTest, VerifyDomainsMustNotBeEmpty) {
  Set("verify_domains", "");
  EXPECT_THAT(ExamineOne("verify_domains"), Shows(Health::kBad, "nothing is verified"));
  Set("verify_listen", "unix:/run/verifyd/verify");
  EXPECT_THAT(ExamineOne("verify_domains"), Shows(Health::kOk, "verify_listen"));
  Set("verify_service_any_domain", "no");
  EXPECT_THAT(ExamineOne("verify_domains"), Shows(Health::kBad, "verify_service_any_domain"));
}

TEST_F(DoctorTest, SaysWhenItIsTimeToReject) {
  Set("unverified_recipient_reject_code", "450");
  EXPECT_THAT(ExamineOne("reject_code"), Shows(Health::kNotExamined, "no daemon"));
  question_.refusals = RefusalHistory{.covers_a_week = false, .refused = 7, .contradictions = 0};
  EXPECT_THAT(ExamineOne("reject_code"), Shows(Health::kOk, "no record of a whole week"));
  question_.refusals->covers_a_week = true;
  EXPECT_THAT(ExamineOne("reject_code"),
              Shows(Health::kWarning, "nothing speaks against what was refused within the last week (7)"));
  EXPECT_EQ(Of("reject_code").remedy, "Set unverified_recipient_reject_code = 550.");
  question_.refusals->contradictions = 2;
  EXPECT_THAT(ExamineOne("reject_code"), Shows(Health::kWarning, "2 notices"));
  question_.refusals = RefusalHistory{.covers_a_week = true, .refused = 0, .contradictions = 0};
  EXPECT_THAT(ExamineOne("reject_code"), Shows(Health::kOk, "nobody was refused"));
}

TEST_F(DoctorTest, EachDomainOfOursIsAskedForItsPostmaster) {
  AddServer("good.example", "11.0.0.5", "");
  AddServer("deaf.example", "11.0.0.6", "rcpt=550 5.1.1 User unknown");
  AddServer("angry.example", "11.0.0.7", "banner=554 5.7.1 go away, you are listed");
  resolver_.Fail("gone.example", DnsType::kMx, DnsStatus::kNxDomain);
  Set("verify_domains", "good.example deaf.example angry.example gone.example");
  Examine();
  const auto about = [&](const std::string& domain) {
    for (const Examination& examination : found_) {
      if (examination.about == domain) return examination;
    }
    ADD_FAILURE() << "no examination of " << domain;
    return Examination();
  };
  EXPECT_THAT(about("good.example"), Shows(Health::kOk, "postmaster is accepted at mx.good.example[11.0.0.5]"));
  EXPECT_THAT(about("deaf.example"), Shows(Health::kWarning, "postmaster is refused at mx.deaf.example[11.0.0.6]"));
  EXPECT_THAT(about("gone.example"), Shows(Health::kBad, "no_such_domain"));
  EXPECT_NE(about("angry.example").health, Health::kOk);
  for (const auto& connection : dialer_.connections()) {
    for (const std::string& command : connection->commands) EXPECT_THAT(command, Not(HasSubstr("DATA")));
  }
}

TEST_F(DoctorTest, ADomainWhoseMailExchangerIsUsWasSaidToBeWell) {
  Set("inet_interfaces", kOurs);
  AddServer("loop.example", kOurs, "");
  Set("verify_domains", "loop.example");
  EXPECT_THAT(ExamineOne("domain"), Shows(Health::kBad, "leads back to this machine"));
  EXPECT_THAT(Of("domain").remedy, HasSubstr("transport_maps"));
}

TEST_F(DoctorTest, OfManyDomainsSomeAreAskedAndToldTogether) {
  std::string domains;
  for (int i = 0; i < 300; ++i) {
    const std::string domain = "d" + std::to_string(i) + ".example";
    resolver_.SetMx(domain, {{10, "mx.example.com"}});
    domains += domain + " ";
  }
  Set("verify_domains", domains);
  EXPECT_THAT(ExamineOne("domains"), Shows(Health::kOk, "postmaster is accepted in 200 of 200 domains, out of 300"));
}

TEST_F(DoctorTest, WhatWasFoundAtHomeIsToldWithIt) {
  question_.house = {{.name = "daemon", .health = Health::kBad, .found = "nothing is verified"}};
  EXPECT_THAT(ExamineOne("daemon"), Shows(Health::kBad, "nothing is verified"));
}

TEST_F(DoctorTest, TheShortFormSaysWhatIsNotWell) {
  const auto examined = [&] {
    return ExamineSettings(*Configuration::Create(*Settings::Load(file_, {})), test_.clock().Now(), true);
  };
  EXPECT_THAT(examined(), IsEmpty());
  Set("myhostname", "localhost.localdomain");
  Set("myorigin", "localhost");
  EXPECT_THAT(examined(), SizeIs(2));
}

TEST(ExaminationTest, IsShownAlignedWithItsRemedyBelow) {
  const Examinations examinations = {
      {.name = "helo", .health = Health::kOk, .found = "fine"},
      {.name = "ptr", .about = "11.0.0.1", .health = Health::kBad, .found = "none\x1b", .remedy = "do\n  this"}};
  EXPECT_EQ(ExaminationsText(examinations),
            "ok            helo          fine\n"
            "bad           ptr 11.0.0.1  none?\n"
            "                do\n"
            "                  this\n");
  EXPECT_EQ(boost::json::serialize(ToJson(examinations[0])), R"({"name":"helo","state":"ok","found":"fine"})");
  EXPECT_EQ(boost::json::serialize(ToJson(examinations[1])),
            R"({"name":"ptr","about":"11.0.0.1","state":"bad","found":"none?","remedy":"do\n  this"})");
}

}  // namespace
}  // namespace verifyd
