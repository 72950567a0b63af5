// The doors that look an address up without a mail transaction: their answers, and the requests that they take.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/netstring.h"
#include "tests/cache/samples.h"
#include "tests/verifyd/caller.h"
#include "tests/verifyd/rooms_test.h"
#include "verifyd/door/door_table.h"
#include "verifyd/door/exchange.h"
#include "verifyd/door/tcp_table.h"

namespace verifyd {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kRefusal[] =
    "undeliverable address: host mx.example.com[11.0.0.1] said: 550 5.1.1 User unknown (in reply to RCPT TO command)";

std::string Get(absl::string_view map, absl::string_view key) { return Netstring(absl::StrCat(map, " ", key)); }

// A client for a question on which something fails.
class FailingClient final : public DoorClient {
 public:
  void Say(absl::string_view bytes) override { absl::StrAppend(&said, bytes); }
  void SayNow(absl::string_view bytes) override { Say(bytes); }
  void HangUp() override { said.push_back('#'); }
  void HangUpFor(absl::string_view why) override { absl::StrAppend(&said, why, "#"); }
  bool memory_only() const override { return false; }
  absl::Duration waited() const override { return absl::ZeroDuration(); }

  std::string said;
};

// A door before one server that knows joe, and one that answers slowly (slow.example.com).
class LookupDoorTest : public RoomsTest {
 protected:
  LookupDoorTest() {
    AddServer("example.com",
              "rcpt(joe@example.com)=250 Ok ;; rcpt(\"joe doe\"@example.com)=250 Ok ;; "
              "rcpt(busy@example.com)=451 4.3.0 Try later ;; rcpt=550 5.1.1 User unknown");
    AddServer("slow.example.com", "rcpt={wait 10s}250 Ok");
  }

  // Opens the door `name` of the table.
  void Open(absl::string_view name, const std::vector<std::pair<std::string, std::string>>& more = {}) {
    std::vector<std::pair<std::string, std::string>> settings = {{"verify_domains", "example.com, .example.com"},
                                                                 {"unverified_recipient_reject_code", "550"}};
    settings.insert(settings.end(), more.begin(), more.end());
    const Configuration configuration = ConfigureRooms(settings);
    const std::vector<DoorRow>& table = DoorTable();
    const auto row = std::find_if(table.begin(), table.end(), [&](const DoorRow& door) { return door.name == name; });
    exchange_ = std::make_unique<Exchange>(
        test_.loop(), metrics_,
        row->make({restrictions_, verifier_, resolver_, record_, metrics_, test_.loop().timers()}));
    exchange_->protocol().Configure(configuration.door_settings);
    exchange_->Configure({});
    exchange_->Serve(*Listener::Open(test_.loop(), *ListenAddress::Parse("unix:" + path_)));
    test_.RunUntilIdle();
    caller_.emplace(path_);
  }
  std::string Ask(absl::string_view request) {
    caller_->Send(request);
    test_.RunUntilIdle();
    return caller_->Receive();
  }
  // Returns the answer where the daemon fails at `request`.
  std::string AskAtAFault(absl::string_view request) {
    FailingClient client;
    const std::unique_ptr<Conversation> conversation = exchange_->protocol().Begin(client);
    // Memory knows it, so it is answered at once.
    EXPECT_FALSE(conversation->Answer(request).has_value());
    client.said.clear();
    conversation->AnswerFailure();
    return client.said;
  }

  TemporaryFolder folder_;
  const std::string path_ = folder_.path() + "/door";
  std::unique_ptr<Exchange> exchange_;
  std::optional<Caller> caller_;
};

TEST_F(LookupDoorTest, TheMapVerifyHoldsAnActionOfAccess5ForWhomIsRefused) {
  Open("socketmap");
  EXPECT_EQ(Ask(Get("verify", "joe@example.com")), "9:NOTFOUND ,");
  EXPECT_EQ(Ask(Get("verify", "nobody@example.com")), Netstring(absl::StrCat("OK 550 5.1.1 ", kRefusal)));
  EXPECT_THAT(Ask(Get("verify", "busy@example.com")),
              HasSubstr(":OK DEFER_IF_PERMIT 4.1.1 unverified address: host mx.example.com[11.0.0.1] said: 451 "));
}

TEST_F(LookupDoorTest, WhatIsStillInProgressIsDeferredAndNeverATroubleOfTheTable) {
  Open("socketmap");
  EXPECT_EQ(Ask(Get("verify", "joe@slow.example.com")), "");
  test_.Advance(absl::Seconds(7));
  EXPECT_EQ(caller_->Receive(),
            Netstring("OK DEFER_IF_PERMIT 4.1.1 unverified address: Address verification in progress"));
  caller_->Send(Get("status", "joe@slow.example.com"));
  test_.Advance(absl::Seconds(7));
  EXPECT_EQ(caller_->Receive(), Netstring("OK deliverable"));
}

TEST_F(LookupDoorTest, TheMapStatusHoldsAPlainWordForWhomIsAskedAbout) {
  Open("socketmap");
  EXPECT_EQ(Ask(Get("status", "joe@example.com")), Netstring("OK deliverable"));
  EXPECT_EQ(Ask(Get("status", "nobody@example.com")), Netstring("OK undeliverable"));
  EXPECT_EQ(Ask(Get("status", "busy@example.com")), Netstring("OK unknown"));
  EXPECT_EQ(Ask(Get("status", "joe@elsewhere.test")), "9:NOTFOUND ,");
  EXPECT_EQ(Ask(Get("status", "postmaster@example.com")), "9:NOTFOUND ,");
}

TEST_F(LookupDoorTest, OnlyWhomEveryDoorRejectsIsNoRelayRecipient) {
  Open("socketmap");
  EXPECT_EQ(Ask(Get("relay_recipients", "joe@example.com")), "5:OK OK,");
  EXPECT_EQ(Ask(Get("relay_recipients", "nobody@example.com")), "9:NOTFOUND ,");
  for (const char* spared : {"busy@example.com", "joe@elsewhere.test", "postmaster@example.com", "@example.com", ""}) {
    EXPECT_EQ(Ask(Get("relay_recipients", spared)), "5:OK OK,") << spared;
  }
  caller_->Send(Get("relay_recipients", "joe@slow.example.com"));
  test_.Advance(absl::Seconds(7));
  EXPECT_EQ(caller_->Receive(), "5:OK OK,");
}

TEST_F(LookupDoorTest, WhileKnownBadRecipientsAreDeferredNoneIsMissingInRelayRecipients) {
  Open("socketmap", {{"unverified_recipient_reject_code", "450"}});
  EXPECT_EQ(Ask(Get("relay_recipients", "nobody@example.com")), "5:OK OK,");
  EXPECT_EQ(Ask(Get("status", "nobody@example.com")), Netstring("OK undeliverable"));
}

TEST_F(LookupDoorTest, ADryRunRefusesNothingAndSaysWhatItWouldHave) {
  Open("socketmap", {{"dry_run", "yes"}});
  EXPECT_EQ(Ask(Get("verify", "nobody@example.com")),
            Netstring(absl::StrCat("OK WARN would reject: 550 5.1.1 ", kRefusal)));
  EXPECT_EQ(Ask(Get("relay_recipients", "nobody@example.com")), "5:OK OK,");
}

TEST_F(LookupDoorTest, AKeyMayBeQuotedOrNotAndAnyBytes) {
  Open("socketmap");
  EXPECT_EQ(Ask(Get("status", "\"joe doe\"@example.com")), Netstring("OK deliverable"));
  EXPECT_EQ(Ask(Get("status", "joe doe@example.com")), Netstring("OK deliverable"));
  for (const absl::string_view key : {"joe", "@example.com", "example.com", "joe@", "", "a@b@"}) {
    EXPECT_EQ(Ask(Get("verify", key)), "9:NOTFOUND ,") << key;
  }
  EXPECT_EQ(Ask(Get("verify", absl::string_view("joe\0@example.com\n", 17))), "9:NOTFOUND ,");
  EXPECT_THAT(Ask(Get("verify", "\xff@example.com")),
              testing::HasSubstr("OK 550 5.1.3 undeliverable address: bad addr"));
  EXPECT_EQ(Ask(Get("verify", std::string(4000, 'x'))), "9:NOTFOUND ,");
}

TEST_F(LookupDoorTest, AMapThatIsNotThereIsSaidSo) {
  Open("socketmap");
  const std::string expected = ", expected verify, status or relay_recipients, and an address";
  EXPECT_EQ(Ask(Get("virtual", "joe@example.com")),
            Netstring(absl::StrCat("PERM found \"virtual joe@example.com\"", expected)));
  EXPECT_EQ(Ask(Netstring("verify")), Netstring(absl::StrCat("PERM found \"verify\"", expected)));
  EXPECT_EQ(Ask(Netstring("\n")), Netstring(absl::StrCat("PERM found \"?\"", expected)));
  EXPECT_EQ(Ask(Netstring("")), Netstring(absl::StrCat("PERM found \"\"", expected)));
}

TEST_F(LookupDoorTest, NetstringsMayComeTogetherOrInPieces) {
  Open("socketmap");
  const std::string known = Get("status", "joe@example.com");
  const std::string unknown = Get("status", "nobody@example.com");
  const std::string answers = Netstring("OK deliverable") + Netstring("OK undeliverable");
  EXPECT_EQ(Ask(known + unknown), answers);
  std::string received;
  for (const char byte : known + unknown) received += Ask(std::string(1, byte));
  EXPECT_EQ(received, answers);
}

TEST_F(LookupDoorTest, WhatIsNoNetstringIsHungUpOn) {
  for (const absl::string_view garbage : {"GET / HTTP/1.0\r\n\r\n", "-1:a,", "0x2:ab,", ":,", "100001:",
                                          "00000000000000", "99999999999999999999:", "2:abc,", " 2:ab,", "\n"}) {
    Open("socketmap");
    EXPECT_EQ(Ask(garbage), "#") << garbage;
  }
  EXPECT_TRUE(log_.Contains("socketmap: found \"GET / HT"));
}

TEST_F(LookupDoorTest, ANetstringOfTooManyBytesIsHungUpOnBeforeItIsWhole) {
  Open("socketmap");
  EXPECT_EQ(Ask(absl::StrCat("99999:verify ", std::string(4000, 'x'))), "");
  EXPECT_EQ(Ask(std::string(100, 'x')), "#");
  EXPECT_TRUE(log_.Contains("socketmap: a request of more than 4096 bytes: connection closed"));
}

TEST_F(LookupDoorTest, AFaultOfOursIsAnEntryThatIsNotThereOrATemporaryTrouble) {
  Open("socketmap");
  EXPECT_EQ(AskAtAFault(Get("verify", "joe")), "9:NOTFOUND ,");
  EXPECT_EQ(AskAtAFault(Get("relay_recipients", "joe")), "5:OK OK,");
  Open("socketmap", {{"internal_error_action", "defer"}});
  for (const absl::string_view map : {"verify", "status", "relay_recipients"}) {
    EXPECT_EQ(AskAtAFault(Get(map, "joe")), Netstring("TEMP address verification problem"));
  }
  Open("socketmap", {{"internal_error_action", "disconnect"}});
  EXPECT_EQ(AskAtAFault(Get("verify", "joe")), "#");
}

TEST_F(LookupDoorTest, ATcpTableAnswersInTheWordsOfAccess5) {
  Open("tcp_table");
  EXPECT_EQ(Ask("get joe@example.com\n"), "500 not%20found\n");
  EXPECT_EQ(
      Ask("get nobody@example.com\r\n"),
      "200 550%205.1.1%20undeliverable%20address:%20host%20mx.example.com[11.0.0.1]%20said:%20550%205.1.1%20User%20"
      "unknown%20(in%20reply%20to%20RCPT%20TO%20command)\n");
  EXPECT_EQ(Ask("get joe@elsewhere.test\n"), "500 not%20found\n");
}

TEST_F(LookupDoorTest, ATcpTableTakesCodedKeysTogetherOrInPieces) {
  Open("tcp_table", {{"recipient_restrictions", "warn_if_reject reject_unverified_recipient"}});
  const std::string request =
      "get %6aoe@example%2Ecom\nget joe%20doe@example.com\nget %00%0a%ff\nget \nget joe%41@example.com\n";
  std::string received;
  for (const char byte : request) received += Ask(std::string(1, byte));
  EXPECT_EQ(received.substr(0, 64), "500 not%20found\n500 not%20found\n500 not%20found\n500 not%20found\n");
  EXPECT_EQ(received.substr(64, 38), "200 WARN%20would%20reject:%20550%205.1");
  EXPECT_EQ(Ask(request), received);
}

TEST_F(LookupDoorTest, WhatIsNoGetOfATcpTableIsHungUpOn) {
  for (const absl::string_view garbage :
       {"put a b\n", "GET / HTTP/1.0\r\n", "get\n", "\n", "get a%\n", "get a%4\n", "get a%zz\n", "get %%41\n"}) {
    Open("tcp_table");
    EXPECT_EQ(Ask(garbage), "#") << garbage;
  }
  EXPECT_TRUE(log_.Contains("tcp_table: found \"put a b\", expected get KEY: connection closed"));
  EXPECT_TRUE(log_.Contains("tcp_table: found \"get a%zz\", expected two hexadecimal digits behind each %"));
  Open("tcp_table");
  EXPECT_EQ(Ask("get " + std::string(4093, 'x')), "#");
}

TEST_F(LookupDoorTest, AFaultOfOursIsNotFoundOrAnErrorOfATcpTable) {
  Open("tcp_table");
  EXPECT_EQ(AskAtAFault("get joe\n"), "500 not%20found\n");
  Open("tcp_table", {{"internal_error_action", "defer"}});
  EXPECT_EQ(AskAtAFault("get joe\n"), "400 address%20verification%20problem\n");
}

TEST(TcpTableTextTest, CodesWhatIsNotPrintableAndNothingElse) {
  EXPECT_EQ(EncodeTcpTableText("a b%c\t\x7f\xc3\xa4~!"), "a%20b%25c%09%7f%c3%a4~!");
}

TEST_F(LookupDoorTest, ALineIsAnsweredByALine) {
  Open("line", {{"sender_restrictions", "reject_unverified_sender"}});
  EXPECT_EQ(Ask("rcpt joe@example.com\n"), "accept\n");
  EXPECT_EQ(Ask("rcpt nobody@example.com\r\n"), absl::StrCat("deny 550 5.1.1 ", kRefusal, "\n"));
  EXPECT_THAT(Ask("rcpt busy@example.com\n"), StartsWith("defer 450 4.1.1 unverified address: host mx."));
  EXPECT_EQ(Ask("rcpt joe@elsewhere.test\n"), "unknown\n");
  EXPECT_EQ(Ask("sender joe@example.com\n"), "accept\n");
  EXPECT_THAT(Ask("sender nobody@example.com\n"), StartsWith("defer 450 4.1.7 unverified address: host mx."));
  EXPECT_EQ(Ask("sender \n"), "unknown\n");
}

TEST_F(LookupDoorTest, SendersAreAskedAboutOnlyWhereARestrictionSaysSo) {
  Open("line");
  EXPECT_EQ(Ask("sender nobody@example.com\n"), "unknown\n");
}

TEST_F(LookupDoorTest, ALineSaysWhatADryRunWouldHaveRefused) {
  Open("line", {{"dry_run", "yes"}});
  EXPECT_EQ(Ask("rcpt nobody@example.com\n"), absl::StrCat("unknown would reject: 550 5.1.1 ", kRefusal, "\n"));
}

TEST_F(LookupDoorTest, LinesMayComeTogetherOrInPiecesAndTheAnswersInOrder) {
  Open("line");
  const std::string request = "rcpt joe@example.com\nrcpt joe@slow.example.com\nrcpt \"joe doe\"@example.com\n";
  caller_->Send(request);
  test_.Advance(absl::Seconds(7));
  EXPECT_EQ(caller_->Receive(),
            "accept\ndefer 450 4.1.1 unverified address: Address verification in progress\naccept\n");
  test_.Advance(absl::Seconds(7));
  std::string received;
  for (const char byte : request) received += Ask(std::string(1, byte));
  EXPECT_EQ(received, "accept\naccept\naccept\n");
}

TEST_F(LookupDoorTest, AClientThatClosesItsHalfBehindALineIsAnsweredAndLeft) {
  Open("line");
  caller_->Send("rcpt joe@example.com\n");
  caller_->SaysNoMore();
  test_.RunUntilIdle();
  EXPECT_EQ(caller_->Receive(), "accept\n#");
}

TEST_F(LookupDoorTest, WhatIsNoQuestionInALineIsHungUpOn) {
  for (const absl::string_view garbage :
       {"rctp joe@example.com\n", "rcpt\n", "\n", "request=smtpd_access_policy\n\n"}) {
    Open("line");
    EXPECT_EQ(Ask(garbage), "#") << garbage;
  }
  EXPECT_TRUE(log_.Contains("line: found \"rctp joe@example.com\", expected rcpt ADDRESS or sender ADDRESS"));
  Open("line");
  EXPECT_EQ(Ask("rcpt " + std::string(4092, 'x')), "#");
}

TEST_F(LookupDoorTest, AFaultOfOursIsUnknownOrADeferralInALine) {
  Open("line");
  EXPECT_EQ(AskAtAFault("rcpt joe\n"), "unknown\n");
  Open("line", {{"internal_error_action", "defer"}});
  EXPECT_EQ(AskAtAFault("rcpt joe\n"), "defer 450 4.3.0 address verification problem\n");
}

TEST_F(LookupDoorTest, AQuestionWithoutAClientHasNoBudgetOfNewProbesToUseUp) {
  Open("line", {{"client_new_probe_rate_limit", "1"}, {"message_new_probe_limit", "1"}});
  for (const char* name : {"a", "b", "c"}) {
    EXPECT_EQ(Ask(absl::StrCat("rcpt ", name, "@example.com\n")), absl::StrCat("deny 550 5.1.1 ", kRefusal, "\n"));
  }
}

}  // namespace
}  // namespace verifyd
