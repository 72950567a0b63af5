#include "verifyctl/mail_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace verifyd {
namespace {

using ::testing::Eq;
using ::testing::Optional;

constexpr char kHead[] = "Nov 25 13:00:00 gw postfix/";

TEST(MailLogTest, ARefusalNamesSenderRecipientAndClient) {
  MailLog log;
  EXPECT_THAT(log.Take(absl::StrCat(kHead,
                                    "smtpd[12]: NOQUEUE: reject: RCPT from mx.a.example[192.0.2.1]: 550 5.1.1 "
                                    "<x@b.example>: Recipient address rejected: User unknown; from=<ann@a.example> "
                                    "to=<x@b.example> proto=ESMTP helo=<mx.a.example>")),
              Optional(Eq("ann@a.example\tx@b.example\t192.0.2.1\t")));
}

TEST(MailLogTest, ABounceHasTheNullSender) {
  MailLog log;
  EXPECT_THAT(log.Take(absl::StrCat(kHead,
                                    "submission/smtpd[12]: 4bX: reject_warning: RCPT from unknown[2001:db8::1]: 450 x; "
                                    "from=<> to=<x@b.example> proto=ESMTP helo=<h>")),
              Optional(Eq("<>\tx@b.example\t2001:db8::1\t")));
}

TEST(MailLogTest, ADeliveryIsOfTheMessageThatItsQueueIdNames) {
  MailLog log;
  EXPECT_EQ(log.Take(absl::StrCat(kHead,
                                  "smtpd[1]: 4bXz: client=mx.a.example[192.0.2.1], sasl_method=PLAIN, "
                                  "sasl_username=ann")),
            std::nullopt);
  EXPECT_EQ(log.Take(absl::StrCat(kHead, "qmgr[1]: 4bXz: from=<ann@a.example>, size=900, nrcpt=1 (queue active)")),
            std::nullopt);
  EXPECT_THAT(log.Take(absl::StrCat(kHead,
                                    "smtp[1]: 4bXz: to=<bob@b.example>, orig_to=<info@b.example>, "
                                    "relay=mx.b.example[192.0.2.2]:25, delay=1, status=sent (250 Ok)")),
              Optional(Eq("ann@a.example\tinfo@b.example\t192.0.2.1\tann")));
  EXPECT_THAT(log.Take(absl::StrCat(kHead, "lmtp[1]: 9other: to=<bob@b.example>, relay=x, status=deferred (no)")),
              Optional(Eq("<>\tbob@b.example\t\t")));
}

TEST(MailLogTest, AQuotedLocalPartLosesItsQuotes) {
  MailLog log;
  EXPECT_THAT(log.Take(absl::StrCat(kHead, "smtp[1]: 4b: to=<\"joe doe\"@b.example>, relay=x, status=sent (ok)")),
              Optional(Eq("<>\tjoe doe@b.example\t\t")));
}

TEST(MailLogTest, ProbesOfPostfixAreNoDeliveries) {
  MailLog log;
  EXPECT_EQ(log.Take(absl::StrCat(kHead, "smtp[1]: 4b: to=<x@b.example>, relay=x, status=undeliverable (550 no)")),
            std::nullopt);
}

TEST(MailLogTest, OtherLinesArePassedOver) {
  MailLog log;
  for (const absl::string_view line :
       {"", "]: ", "kernel: postfix", "x postfix/smtpd[1]: ", "x postfix/smtpd[1]: NOQUEUE: reject: RCPT from ",
        "x postfix/smtp[1]: 4b: to=<not an address>, status=sent",
        "x postfix/smtp[1]: 4b: to=<a\tb@c.example>, status=sent", "x postfix/smtp[1]: 4b: to=<a@b.example",
        "x postfix/smtpd[1]: NOQUEUE: reject: RCPT from u[1]: x; from=<> to=<"}) {
    EXPECT_EQ(log.Take(line), std::nullopt) << line;
  }
}

TEST(MailLogTest, TheOldestMessagesAreForgotten) {
  MailLog log;
  const auto message = [&](size_t number) {
    log.Take(absl::StrCat(kHead, "qmgr[1]: ", number, ": from=<ann@a.example>, size=1, nrcpt=1 (queue active)"));
  };
  for (size_t number = 0; number <= MailLog::kMostMessages; ++number) message(number);
  EXPECT_THAT(log.Take(absl::StrCat(kHead, "smtp[1]: 0: to=<b@b.example>, relay=x, status=sent (ok)")),
              Optional(Eq("<>\tb@b.example\t\t")));
  EXPECT_THAT(log.Take(absl::StrCat(kHead, "smtp[1]: 1: to=<b@b.example>, relay=x, status=sent (ok)")),
              Optional(Eq("ann@a.example\tb@b.example\t\t")));
}

}  // namespace
}  // namespace verifyd
