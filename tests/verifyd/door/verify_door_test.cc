#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tests/cache/samples.h"
#include "tests/verifyd/caller.h"
#include "tests/verifyd/rooms_test.h"
#include "verifyd/door/exchange.h"
#include "verifyd/door/verify.h"
#include "verifyd/door/verify_request.h"

namespace verifyd {
namespace {

using Lines = std::vector<std::pair<std::string, std::string>>;

// Servers: example.com knows joe, slow.example takes 4 s, blocks.example blocks us. None of them is in verify_domains.
class VerifyDoorTest : public RoomsTest {
 protected:
  VerifyDoorTest() {
    AddServer("example.com", "rcpt(joe@example.com)=250 2.1.5 Ok ;; rcpt=550 5.1.1 User unknown");
    AddServer("slow.example", "rcpt={wait 4s}250 Ok");
    AddServer("blocks.example", "rcpt=554 5.7.1 Client host blocked using zen.spamhaus.org");
    Configure({});
    exchange_->Serve(*Listener::Open(test_.loop(), *ListenAddress::Parse("unix:" + path_)));
    test_.RunUntilIdle();
  }

  void Configure(const Lines& settings) {
    configuration_ = ConfigureRooms(settings);
    exchange_->protocol().Configure(configuration_.door_settings);
    exchange_->Configure({});
  }

  // Returns what `caller` hears now, with NULs as '|'.
  std::string Heard(Caller& caller) {
    test_.RunUntilIdle();
    return absl::StrReplaceAll(caller.Receive(), {{std::string(1, '\0'), "|"}});
  }
  // '|' stands for a NUL.
  std::string Send(Caller& caller, absl::string_view request) {
    caller.Send(absl::StrReplaceAll(request, {{"|", std::string(1, '\0')}}));
    return Heard(caller);
  }
  // As Send, to a caller that has heard the greeting; the answer may take `time`.
  std::string Ask(absl::string_view address, absl::Duration time = absl::ZeroDuration()) {
    Caller caller(path_);
    Heard(caller);
    const std::string at_once = Send(caller, Query(address));
    test_.Advance(time);
    return at_once + Heard(caller);
  }
  static std::string Query(absl::string_view address) { return absl::StrCat("request|query|address|", address, "||"); }
  static std::string Update(absl::string_view address, int status, absl::string_view reason) {
    return absl::StrCat("request|update|address|", address, "|recipient_status|", status, "|reason|", reason, "||");
  }
  static std::string Answer(int status, absl::string_view reason) {
    return absl::StrCat("status|0|recipient_status|", status, "|reason|", reason, "||");
  }

  TemporaryFolder folder_;
  const std::string path_ = folder_.path() + "/verify";
  std::unique_ptr<Exchange> exchange_ = std::make_unique<Exchange>(
      test_.loop(), metrics_, std::make_unique<VerifyProtocol>(verifier_, resolver_, record_, metrics_));
  Configuration configuration_;
};

constexpr char kGreeting[] = "protocol|address_verification_prrotocol||";
constexpr char kUnknownUser[] =
    "host mx.example.com[11.0.0.1] said: 550 5.1.1 User unknown (in reply to RCPT TO command)";
constexpr char kInProgress[] = "Address verification in progress";

TEST_F(VerifyDoorTest, GreetsAndAnswersAtTheMomentTheServerHasAnswered) {
  Caller caller(path_);
  EXPECT_EQ(Heard(caller), kGreeting);
  EXPECT_EQ(Send(caller, Query("joe@example.com")), Answer(0, "250 2.1.5 Ok"));
  EXPECT_EQ(Send(caller, Query("nobody@example.com")), Answer(2, kUnknownUser));
  EXPECT_EQ(Send(caller, Query("joe@example.com")), Answer(0, "250 2.1.5 Ok"));
}

TEST_F(VerifyDoorTest, BeforePostfix36ItDoesNotGreet) {
  Configure({{"verify_service_greeting", "no"}});
  Caller caller(path_);
  EXPECT_EQ(Heard(caller), "");
  EXPECT_EQ(Send(caller, Query("joe@example.com")), Answer(0, "250 2.1.5 Ok"));
}

TEST_F(VerifyDoorTest, RequestsThatComeAtOnceAreAnsweredInOrder) {
  Caller caller(path_);
  Heard(caller);
  EXPECT_EQ(Send(caller,
                 Query("joe@slow.example") + Query("nobody@example.com") + "request|zap||" + Query("joe@example.com")),
            "");
  test_.Advance(absl::Seconds(5));
  EXPECT_EQ(Heard(caller), absl::StrCat(Answer(0, "250 Ok"), Answer(2, kUnknownUser),
                                        "status|4294967294|recipient_status|1|reason|the request was not understood||",
                                        Answer(0, "250 2.1.5 Ok")));
}

TEST_F(VerifyDoorTest, AQuestionIsHeldForThePatienceOfThisDoorAndNoLonger) {
  Configure({{"verify_service_patience", "3s"}, {"address_verify_poll_count", "100"}});
  EXPECT_EQ(Ask("joe@slow.example", absl::Milliseconds(2900)), "");
  EXPECT_EQ(Ask("joe@slow.example", absl::Milliseconds(1000)), "");
  EXPECT_EQ(Ask("jim@slow.example", absl::Milliseconds(3100)), Answer(3, kInProgress));
  test_.Advance(absl::Seconds(4));
  EXPECT_EQ(Ask("jim@slow.example"), Answer(0, "250 Ok"));
}

TEST_F(VerifyDoorTest, ARefusalAboutUsIsDeferredNeverRefused) {
  EXPECT_EQ(Ask("joe@blocks.example"), Answer(1,
                                              "host mx.blocks.example[11.0.0.3] said: 554 5.7.1 Client host blocked "
                                              "using zen.spamhaus.org (in reply to RCPT TO command)"));
}

TEST_F(VerifyDoorTest, WithThePolicyOfPostfixTheClassDigitDecides) {
  Configure({{"address_verify_verdict_policy", "postfix"}});
  EXPECT_EQ(Ask("joe@blocks.example").substr(0, 27), "status|0|recipient_status|2");
}

TEST_F(VerifyDoorTest, OurOwnCodesAndWordsMeanNothingHere) {
  Configure({{"unverified_recipient_reject_code", "250"},
             {"unverified_recipient_reject_reason", "go away"},
             {"recipient_restrictions", ""}});
  EXPECT_EQ(Ask("nobody@example.com"), Answer(2, kUnknownUser));
  EXPECT_TRUE(log_.Contains("action=reject result=undeliverable reason=no_such_user"));
}

TEST_F(VerifyDoorTest, TheDecisionTableDoes) {
  Configure({{"decision_table", "inline:{ no_such_user = defer }"}});
  EXPECT_EQ(Ask("nobody@example.com"), Answer(1, kUnknownUser));
}

TEST_F(VerifyDoorTest, InADryRunNobodyIsRefused) {
  Configure({{"dry_run", "yes"}});
  EXPECT_EQ(Ask("nobody@example.com"), Answer(0, kUnknownUser));
  EXPECT_TRUE(log_.Contains("action=warn"));
}

TEST_F(VerifyDoorTest, WhatIsNotToBeVerifiedIsAccepted) {
  for (const absl::string_view address : {"postmaster@example.com", "", "nonsense", "double-bounce@gw.example.org"}) {
    EXPECT_EQ(Ask(address), Answer(0, "not verified")) << address;
  }
  EXPECT_TRUE(dialer_.connections().empty());
}

TEST_F(VerifyDoorTest, TheDomainsAreThoseOfVerifyDomainsWhereThatIsWanted) {
  Configure({{"verify_service_any_domain", "no"}});
  EXPECT_EQ(Ask("nobody@example.com"), Answer(0, "domain example.com is not in verify_domains"));
}

TEST_F(VerifyDoorTest, ARefreshIsMadeInDomainsThatPostfixHasChosen) {
  Ask("joe@example.com");
  const size_t before = dialer_.connections().size();
  test_.Advance(absl::Hours(24 * 8));
  EXPECT_EQ(Ask("joe@example.com"), Answer(0, "250 2.1.5 Ok"));
  EXPECT_EQ(dialer_.connections().size(), before + 1);
}

TEST_F(VerifyDoorTest, OverTheLimitOfConnectionsNewAddressesAreDeferredWithoutAProbe) {
  exchange_->Configure({.connections = 1});
  Caller first(path_);
  Heard(first);
  EXPECT_EQ(Ask("joe@example.com"), Answer(1, "Too many address verification requests"));
  EXPECT_TRUE(dialer_.connections().empty());
}

TEST_F(VerifyDoorTest, WhatIsMalformedIsAnsweredAndSaidOnce) {
  Caller caller(path_);
  Heard(caller);
  const std::string bad = "status|4294967294|recipient_status|1|reason|the request was not understood||";
  EXPECT_EQ(Send(caller, "|"), bad);
  EXPECT_EQ(Send(caller, "request|query||"), bad);
  EXPECT_EQ(Send(caller, "request|update|address|a@b|recipient_status|3|reason|x||"), bad);
  EXPECT_EQ(Send(caller, Query("joe@example.com")), Answer(0, "250 2.1.5 Ok"));
  size_t said = 0;
  for (const std::string& line : log_.lines()) said += line.find("verify: a request with") == line.npos ? 0 : 1;
  EXPECT_EQ(said, 1U);
}

TEST_F(VerifyDoorTest, ARequestWithoutEndIsHungUpOn) {
  Caller caller(path_);
  Heard(caller);
  for (int i = 0; i < 8; ++i) EXPECT_EQ(Send(caller, std::string(4096, 'x')), "");
  EXPECT_EQ(Send(caller, "x"), "#");
}

TEST_F(VerifyDoorTest, UpdatesAreAnsweredAndIgnored) {
  Caller caller(path_);
  Heard(caller);
  EXPECT_EQ(Send(caller, Update("joe@example.com", 2, "User unknown")), "status|0||");
  EXPECT_FALSE(cache_->FindRecord("joe@example.com").has_value());
}

TEST_F(VerifyDoorTest, UpdatesAreTakenInWhereThatIsWantedTheirTextJudgedAsOurs) {
  Configure({{"verify_accept_updates", "yes"}, {"disclose_probe_details", "yes"}});
  Caller caller(path_);
  Heard(caller);
  EXPECT_EQ(Send(caller, Update("a@example.net", 0, "250 2.1.5 Ok")), "status|0||");
  EXPECT_EQ(Send(caller, Update("b@example.net", 2, "unknown user: \"b\"")), "status|0||");
  const std::string blocked = "host mx[192.0.2.1] said: 554 5.7.1 blocked using zen.spamhaus.org";
  EXPECT_EQ(Send(caller, Update("c@example.net", 2, blocked)), "status|0||");
  EXPECT_EQ(Send(caller, Update("nonsense", 2, "x")), "status|0||");
  EXPECT_EQ(Send(caller, Query("a@example.net")), Answer(0, "250 2.1.5 Ok"));
  EXPECT_EQ(Send(caller, Query("b@example.net")), Answer(2, "unknown user: \"b\""));
  EXPECT_EQ(Send(caller, Query("c@example.net")), Answer(1, blocked));
  EXPECT_TRUE(dialer_.connections().empty());
  EXPECT_TRUE(log_.Contains("update: to=<b@example.net>, relay=verify[update]"));
  EXPECT_EQ(cache_->FindRecord("b@example.net")->finding.mx_name, "verify");
}

TEST_F(VerifyDoorTest, WordsOfTheAddressThatAnUpdateIsAboutAreNotTheServers) {
  Configure({{"verify_accept_updates", "yes"}, {"disclose_probe_details", "yes"}});
  Caller caller(path_);
  Heard(caller);
  const std::string key = "x members only@example.net";
  Send(caller, Update(key, 2, "host mx[192.0.2.1] said: 550 5.1.1 <x members only@example.net>: User unknown"));
  EXPECT_EQ(cache_->FindRecord(key)->finding.reason, Reason::kNoSuchUser);
}

TEST_F(VerifyDoorTest, OneReportedRefusalDoesNotOverturnALivePositive) {
  Configure({{"verify_accept_updates", "yes"}});
  Caller caller(path_);
  Heard(caller);
  Send(caller, Update("a@example.net", 0, "250 2.1.5 Ok"));
  test_.Advance(absl::Minutes(1));
  Send(caller, Update("a@example.net", 2, "unknown user: \"a\""));
  EXPECT_EQ(Send(caller, Query("a@example.net")), Answer(0, "250 2.1.5 Ok"));
}

// Notes a conversation's words, without a socket.
class Notebook final : public DoorClient {
 public:
  void Say(absl::string_view bytes) override { said_.append(bytes.data(), bytes.size()); }
  void SayNow(absl::string_view bytes) override { Say(bytes); }
  void HangUp() override { hung_up_ = true; }
  void HangUpFor(absl::string_view /*why*/) override { hung_up_ = true; }
  bool memory_only() const override { return false; }
  absl::Duration waited() const override { return absl::ZeroDuration(); }

  std::string TakeSaid() { return absl::StrReplaceAll(std::exchange(said_, ""), {{std::string(1, '\0'), "|"}}); }
  bool hung_up() const { return hung_up_; }

 private:
  std::string said_;
  bool hung_up_ = false;
};

TEST_F(VerifyDoorTest, TroubleInsideNeverLeavesAClientWithoutAnAnswer) {
  const std::string failed = "status|4294967295|recipient_status|1|reason|address verification problem||";
  for (const auto& [action, expected] :
       Lines{{"dunno", Answer(0, "address verification problem")}, {"defer", failed}, {"disconnect", failed}}) {
    Configure({{"internal_error_action", action}});
    Notebook client;
    const std::unique_ptr<Conversation> conversation = exchange_->protocol().Begin(client);
    client.TakeSaid();
    conversation->AnswerFailure();
    EXPECT_EQ(client.TakeSaid(), expected) << action;
    EXPECT_FALSE(client.hung_up()) << action;
  }
}

}  // namespace
}  // namespace verifyd
