#include "verifyd/door/milter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "tests/verifyd/rooms_test.h"

namespace verifyd {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Listens to the door's words for one client.
class Listening final : public DoorClient {
 public:
  void Say(absl::string_view bytes) override { said_.append(bytes.data(), bytes.size()); }
  void SayNow(absl::string_view bytes) override { Say(bytes); }
  void HangUp() override { said_ += "#"; }
  void HangUpFor(absl::string_view why) override { absl::StrAppend(&said_, "#", why); }
  bool memory_only() const override { return false; }
  absl::Duration waited() const override { return absl::ZeroDuration(); }

  // Returns what was said since the last time; '#' where it hung up, and why.
  std::string Heard() { return std::exchange(said_, ""); }

 private:
  std::string said_;
};

// Bytes written with C's escapes, octal ones of three digits.
std::string Unescaped(absl::string_view escaped) {
  std::string bytes;
  EXPECT_TRUE(absl::CUnescape(escaped, &bytes)) << escaped;
  return bytes;
}

std::string Packet(absl::string_view escaped) {
  const std::string content = Unescaped(escaped);
  const auto size = static_cast<uint16_t>(content.size());
  const std::string length = {0, 0, static_cast<char>(size >> 8), static_cast<char>(size & 0xff)};
  return absl::StrCat(length, content);
}

constexpr absl::string_view kOptionsOfPostfix = R"(O\000\000\000\006\000\000\001\377\000\037\377\377)";
// The packets before the first recipient, from port 12345 ("09").
constexpr absl::string_view kMacrosOfConnect = R"(DC{daemon_name}\000gw.test\000v\000Postfix 3.7.11\000)";
constexpr absl::string_view kConnect = R"(Cmail.example.net\000409192.0.2.7\000)";
constexpr absl::string_view kHelo = R"(Hclient.test\000)";
constexpr absl::string_view kMacrosOfMail = R"(DM{auth_authen}\000anna\000)";
constexpr absl::string_view kMail = R"(M<sender@example.net>\000SIZE=10\000)";

// A server of example.com that knows joe, takes its time for slow, and puts later off.
class MilterTest : public RoomsTest {
 protected:
  MilterTest() {
    AddServer("example.com",
              "rcpt(joe@example.com)=250 Ok ;; rcpt(slow@example.com)={wait 25s}250 Ok ;; "
              "rcpt(later@example.com)=450 4.2.0 Later ;; rcpt=550 5.1.1 100% unknown");
    Configure({});
  }

  void Configure(const std::vector<std::pair<std::string, std::string>>& more) {
    std::vector<std::pair<std::string, std::string>> settings = {
        {"verify_domains", "*"}, {"address_verify_poll_delay", "15s"}, {"unverified_recipient_reject_code", "550"}};
    settings.insert(settings.end(), more.begin(), more.end());
    protocol_.Configure(ConfigureRooms(settings).door_settings);
  }

  // Takes packet for packet, as the exchange does. A late answer has `limit` to come.
  std::string Hear(std::string bytes, absl::Duration limit = absl::Seconds(1)) {
    requests_.push_back(std::move(bytes));
    for (absl::string_view rest = requests_.back(); !rest.empty();) {
      const size_t length = *protocol_.RequestLength(rest);
      EXPECT_GT(length, 0U);
      std::optional<boost::asio::awaitable<void>> later = conversation_->Answer(rest.substr(0, length));
      if (later.has_value()) {
        test_.loop().Spawn(*std::move(later));
        test_.Advance(limit);
      }
      rest.remove_prefix(length);
    }
    return client_.Heard();
  }
  std::string Tell(absl::string_view content, absl::Duration limit = absl::Seconds(1)) {
    return Hear(Packet(content), limit);
  }
  // Goes up to the sender of a message.
  void Begin(absl::string_view macros_of_connect = kMacrosOfConnect, absl::string_view connect = kConnect) {
    Tell(kOptionsOfPostfix);
    for (const absl::string_view silent : {macros_of_connect, connect, kHelo, kMacrosOfMail, kMail}) {
      EXPECT_EQ(Tell(silent), "") << silent;
    }
  }
  // Returns a letter for the recipient: 'c' where it is accepted.
  std::string Recipient(absl::string_view recipient) {
    const std::string heard = Tell(absl::StrCat("R<", recipient, R"(>\000)"));
    return heard.empty() ? "" : heard.substr(4, 1);
  }
  size_t Asked(absl::string_view recipient) const {
    size_t count = 0;
    for (const auto& connection : dialer_.connections()) {
      for (const std::string& command : connection->commands) {
        count += command == absl::StrCat("RCPT TO:<", recipient, ">") ? 1 : 0;
      }
    }
    return count;
  }
  std::string LastLine() const { return log_.lines().empty() ? "" : log_.lines().back(); }

  MilterProtocol protocol_{restrictions_, record_, metrics_, test_.loop().timers()};
  Listening client_;
  std::list<std::string> requests_;
  std::unique_ptr<Conversation> conversation_ = protocol_.Begin(client_);
};

// The bytes that Postfix 3.7.11 sent in a whole session, and the answers.
TEST_F(MilterTest, ASessionOfPostfixIsAnsweredByteForByte) {
  EXPECT_EQ(Hear(Unescaped(R"(\000\000\000\015O\000\000\000\006\000\000\001\377\000\037\377\377)")),
            Unescaped(R"(\000\000\000\015O\000\000\000\006\000\000\000\000\000\000sp)"));
  EXPECT_EQ(
      Hear(Unescaped(R"(\000\000\000bDCj\000gw.test\000{daemon_name}\000gw.test\000{daemon_addr}\000127.77.7.3\000)"
                     R"(v\000Postfix 3.7.11\000_\000unknown [127.0.0.1]\000)"
                     R"(\000\000\000\032C[127.0.0.1]\0004\211\324127.0.0.1\000)"
                     R"(\000\000\000\002DH\000\000\000\015Hclient.test\000)"
                     R"(\000\000\000LDM{mail_addr}\000sender@example.net\000{mail_host}\000example.net\000)"
                     R"({mail_mailer}\000smtp\000\000\000\000\036M<sender@example.net>\000SIZE=10\000)")),
      "");
  EXPECT_EQ(Hear(Unescaped(R"(\000\000\000LDR{rcpt_addr}\000joe@example.com\000{rcpt_host}\000example.com\000)"
                           R"({rcpt_mailer}\000discard\000\000\000\000\023R<joe@example.com>\000)")),
            Unescaped(R"(\000\000\000\001c)"));
  EXPECT_EQ(Hear(Unescaped(R"(\000\000\000ZDRi\0005A836A7449B\000{rcpt_addr}\000bad@example.com\000{rcpt_host}\000)"
                           R"(example.com\000{rcpt_mailer}\000discard\000\000\000\000\023R<bad@example.com>\000)")),
            Unescaped(R"(\000\000\000|y550 5.1.1 undeliverable address: host mx.example.com[11.0.0.1] said: )"
                      R"(550 5.1.1 100%% unknown (in reply to RCPT TO command)\000)"));
  EXPECT_THAT(LastLine(), HasSubstr("client_address=127.0.0.1 sender=<sender@example.net> recipient=<bad@example.com> "
                                    "instance=milter.1.1 queue_id=5A836A7449B "));
  EXPECT_EQ(Hear(Unescaped(R"(\000\000\000\020DTi\0005A836A7449B\000)")), "");
  EXPECT_EQ(Hear(Unescaped(R"(\000\000\000\020DEi\0005A836A7449B\000\000\000\000\001E)")),
            Unescaped(R"(\000\000\000\001c)"));
  EXPECT_EQ(Hear(Unescaped(R"(\000\000\000\001A\000\000\000\001A\000\000\000\001Q)")), "#");
}

TEST_F(MilterTest, AnMtaOfVersion2HearsAReplyToEachCommand) {
  EXPECT_EQ(Tell(R"(O\000\000\000\002\000\000\000\077\000\000\000\177)"),
            Packet(R"(O\000\000\000\002\000\000\000\000\000\000\000\160)"));
  for (const absl::string_view command : {kConnect, kHelo, kMail}) {
    EXPECT_EQ(Tell(kMacrosOfMail), "");
    EXPECT_EQ(Tell(command), Packet("c")) << command;
  }
  EXPECT_EQ(Recipient("joe@example.com"), "c");
  EXPECT_EQ(Recipient("bad@example.com"), "y");
  for (const absl::string_view unwanted : {R"(T)", R"(LSubject\000hi\000)", "N", "Bbody", "E", R"(UFOO\000)"}) {
    EXPECT_EQ(Tell(unwanted), Packet("c")) << unwanted;
  }
}

TEST_F(MilterTest, TheLogNamesHeloAndLogin) {
  Begin();
  EXPECT_EQ(Recipient("joe@example.com"), "c");
  EXPECT_THAT(LastLine(), HasSubstr("client_address=192.0.2.7 sender=<sender@example.net> recipient=<joe@example.com> "
                                    "instance=milter.1.1 queue_id= "));
  EXPECT_THAT(LastLine(), HasSubstr(" helo_name=<client.test> sasl_username=<anna>"));
}

TEST_F(MilterTest, AbortForgetsTheMessageAndNotTheClient) {
  Begin();
  Recipient("joe@example.com");
  EXPECT_EQ(Tell("A"), "");
  EXPECT_EQ(Tell(R"(M<other@example.net>\000)"), "");
  EXPECT_EQ(Recipient("joe@example.com"), "c");
  EXPECT_THAT(LastLine(), HasSubstr("client_address=192.0.2.7 sender=<other@example.net> recipient=<joe@example.com> "
                                    "instance=milter.1.2 queue_id= "));
  EXPECT_THAT(LastLine(), HasSubstr("helo_name=<client.test>"));
  EXPECT_THAT(LastLine(), Not(HasSubstr("sasl_username")));
}

TEST_F(MilterTest, TheNextClientOnAConnectionIsAnother) {
  Begin();
  Recipient("joe@example.com");
  EXPECT_EQ(Tell("K"), "");
  EXPECT_EQ(Tell(R"(Cother.example.net\000409192.0.2.8\000)"), "");
  EXPECT_EQ(Tell(R"(M<>\000)"), "");
  EXPECT_EQ(Recipient("bad@example.com"), "y");
  EXPECT_THAT(LastLine(), HasSubstr("client_address=192.0.2.8 sender=<> recipient=<bad@example.com> "
                                    "instance=milter.1.2 queue_id= "));
  EXPECT_THAT(LastLine(), Not(HasSubstr("helo_name")));
}

TEST_F(MilterTest, TheBudgetOfAMessageIsItsOwn) {
  Configure({{"message_new_probe_limit", "1"}});
  Begin();
  EXPECT_EQ(Recipient("a@example.com"), "y");
  EXPECT_EQ(Recipient("b@example.com"), "y");
  EXPECT_EQ(Asked("a@example.com"), 1U);
  EXPECT_EQ(Asked("b@example.com"), 0U);
  Tell("A");
  Tell(kMail);
  EXPECT_EQ(Recipient("b@example.com"), "y");
  EXPECT_EQ(Asked("b@example.com"), 1U);
}

TEST_F(MilterTest, PostfixHearsOfProgressWhileAProbeRuns) {
  Begin();
  EXPECT_EQ(Tell(R"(R<slow@example.com>\000)", absl::Seconds(9)), "");
  test_.Advance(absl::Seconds(2));
  EXPECT_EQ(client_.Heard(), Packet("p"));
  test_.Advance(absl::Seconds(10));
  EXPECT_EQ(client_.Heard(), Packet("p"));
  test_.Advance(absl::Seconds(10));
  EXPECT_EQ(client_.Heard(), Packet("c"));
  test_.Advance(absl::Minutes(1));
  EXPECT_EQ(client_.Heard(), "");
}

TEST_F(MilterTest, SendmailDoesNotHearOfProgressForItTakesItForNoReply) {
  Begin(R"(DCv\0008.17.1.9\000)");
  EXPECT_EQ(Tell(R"(R<slow@example.com>\000)", absl::Seconds(60)), Packet("c"));
}

TEST_F(MilterTest, LocalSubmissionIsNeverRefused) {
  // Postfix's cleanup(8) says the first; other MTAs say the others.
  for (const absl::string_view local :
       {R"(Clocalhost\0004\000\000127.0.0.1\000)", R"(Clocalhost\000U)", R"(Clocalhost\000L\000\000/run/x\000)"}) {
    Begin(kMacrosOfConnect, local);
    EXPECT_EQ(Recipient("bad@example.com"), "c") << local;
  }
  EXPECT_EQ(Asked("bad@example.com"), 0U);
  Begin(kMacrosOfConnect, R"(Clocalhost\000409127.0.0.1\000)");
  EXPECT_EQ(Recipient("bad@example.com"), "y");
}

TEST_F(MilterTest, WhatTheMtaDeliversOrRefusesItselfIsNotAskedAbout) {
  Begin();
  for (const absl::string_view mailer : {"local", "error"}) {
    Tell(absl::StrCat(R"(DR{rcpt_mailer}\000)", mailer, R"(\000)"));
    EXPECT_EQ(Recipient("bad@example.com"), "c");
  }
  EXPECT_EQ(Asked("bad@example.com"), 0U);
  Tell("DR");
  EXPECT_EQ(Recipient("bad@example.com"), "y");
}

TEST_F(MilterTest, TheNameOfTheDaemonIsTheContext) {
  Begin(R"(DC{daemon_name}\000dry_run\000)");
  EXPECT_EQ(Recipient("bad@example.com"), "c");
  EXPECT_THAT(LastLine(), HasSubstr("action=warn code=550"));
  Begin(R"(DC{daemon_name}\000ORIGINATING\000v\000Postfix 3.7.11\000)");
  EXPECT_EQ(Recipient("later@example.com"), "c");
  Begin();
  EXPECT_EQ(Recipient("later@example.com"), "y");
}

TEST_F(MilterTest, ADeferralIsPlain) {
  Configure({{"unverified_recipient_tempfail_action", "defer_if_permit"}});
  Begin();
  EXPECT_THAT(Tell(R"(R<later@example.com>\000)"), HasSubstr("y450 4.1.1 unverified address: host mx.example.com"));
}

TEST_F(MilterTest, QuotedAddressesAreAskedAboutAsThoseOfTheOtherDoors) {
  Begin();
  EXPECT_EQ(Recipient(R"(\"joe\"@example.com)"), "c");
  EXPECT_EQ(Asked("joe@example.com"), 1U);
  EXPECT_EQ(Recipient("@relay.example:joe@example.com"), "c");
  EXPECT_EQ(Asked("joe@example.com"), 1U);
}

TEST_F(MilterTest, WhatCanNotBeReadEndsTheConnection) {
  EXPECT_EQ(Tell(kHelo), "#found command H, expected options first");
  EXPECT_EQ(Tell("Z"), "#found command \"Z\", expected one of milter protocol version 6");
  EXPECT_EQ(Tell("O"), "#found options of 0 bytes, expected 12");
  EXPECT_EQ(Tell(R"(O\000\000\000\001\000\000\000\000\000\000\000\000)"),
            "#found protocol version 1, expected at least 2");
  Tell(kOptionsOfPostfix);
  EXPECT_EQ(Tell("Chost"), "#found CONNECT without the end of a host name");
  EXPECT_EQ(Tell("Hhost"), "#found an argument without an end");
  EXPECT_EQ(Tell("M"), "#found an argument without an end");
  EXPECT_EQ(Tell("R<joe@example.com>"), "#found an argument without an end");
  EXPECT_EQ(Tell(R"(DMi\000)"), "#found a macro without the end of its value");
}

TEST_F(MilterTest, LongTextsAreNotKept) {
  Begin();
  EXPECT_EQ(Tell(absl::StrCat("DR{rcpt_mailer}\\000", std::string(60000, 'x'), "\\000")), "");
  EXPECT_EQ(Tell(absl::StrCat("R<", std::string(60000, 'x'), "@example.com>\\000")), Packet("c"));
}

TEST_F(MilterTest, TroubleInsideIsAnsweredAsTheSettingSays) {
  Begin();
  conversation_->AnswerFailure();
  EXPECT_EQ(client_.Heard(), Packet("c"));
  Configure({{"internal_error_action", "defer"}});
  conversation_->AnswerFailure();
  EXPECT_EQ(client_.Heard(), Packet(R"(y450 4.3.0 address verification problem\000)"));
  Configure({{"internal_error_action", "disconnect"}});
  conversation_->AnswerFailure();
  EXPECT_EQ(client_.Heard(), "#");
}

}  // namespace
}  // namespace verifyd
