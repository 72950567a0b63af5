#include "verifyctl/delivery_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace verifyd {
namespace {

constexpr char kSentTail[] = ", delay=0.1, delays=0/0/0.1/0, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 123)";
constexpr char kRelay[] = ", relay=mx.b.example[192.0.2.1]:25";

class DeliveryLogTest : public testing::Test {
 protected:
  std::optional<Delivery> Read(absl::string_view line) const { return LoggedDelivery(line, zone_, now_); }
  // `text` is what follows the queue id.
  std::optional<Delivery> Of(absl::string_view text, absl::string_view program = "smtp") const {
    return Read(absl::StrCat("Nov 25 20:00:01 gw postfix/", program, "[12]: 4bX: ", text));
  }

  const absl::TimeZone zone_ = absl::FixedTimeZone(3600);
  const absl::Time now_ = absl::FromCivil(absl::CivilSecond(2026, 11, 25, 21, 0, 0), zone_);
};

TEST_F(DeliveryLogTest, AMessageThatWasTakenNamesItsRecipientAndItsRelay) {
  const auto delivery = Of(absl::StrCat("to=<Bob@B.example>", kRelay, kSentTail));
  ASSERT_TRUE(delivery.has_value());
  EXPECT_EQ(delivery->address.Key(), "Bob@b.example");
  EXPECT_EQ(delivery->when, absl::FromCivil(absl::CivilSecond(2026, 11, 25, 20, 0, 1), zone_));
  EXPECT_EQ(delivery->relay, "mx.b.example");
  EXPECT_EQ(delivery->relay_address, "192.0.2.1");
  EXPECT_EQ(delivery->relay_port, 25);
  EXPECT_FALSE(delivery->lmtp);
  EXPECT_EQ(delivery->reply.ToLine(), "250 2.0.0 Ok: queued as 123");
}

TEST_F(DeliveryLogTest, ARefusalAtRcptHasTheWordsOfTheServer) {
  const auto delivery = Of(absl::StrCat(
      "to=<bob@b.example>, relay=mx.b.example[2001:db8::1]:25, conn_use=3, delay=1, delays=0/0/1/0, dsn=5.1.1, "
      "status=bounced (host mx.b.example[2001:db8::1] said: 550-5.1.1 <bob@b.example>: User 550 5.1.1 unknown (in "
      "reply to RCPT TO command))"));
  ASSERT_TRUE(delivery.has_value());
  EXPECT_EQ(delivery->relay_address, "2001:db8::1");
  EXPECT_EQ(delivery->reply.code, 550);
  EXPECT_EQ(delivery->reply.enhanced.ToString(), "5.1.1");
  EXPECT_EQ(delivery->reply.ToLine(), "550 5.1.1 <bob@b.example>: User 550 5.1.1 unknown");
}

TEST_F(DeliveryLogTest, ProbesOfPostfixAreReadLikeDeliveries) {
  const auto there = Of(absl::StrCat("to=<bob@b.example>", kRelay,
                                     ", delay=0.1, delays=0/0/0.1/0, dsn=2.1.5, status=deliverable (250 2.1.5 Ok)"));
  ASSERT_TRUE(there.has_value());
  EXPECT_EQ(there->reply.code, 250);
  const auto gone = Of(absl::StrCat("to=<bob@b.example>", kRelay,
                                    ", delay=0.1, delays=0/0/0.1/0, dsn=5.1.1, status=undeliverable (host "
                                    "mx.b.example[192.0.2.1] said: 550 5.1.1 No (in reply to RCPT TO command))"));
  ASSERT_TRUE(gone.has_value());
  EXPECT_EQ(gone->reply.code, 550);
}

TEST_F(DeliveryLogTest, LmtpAndOtherNamesInTheLogAreTheSameAgents) {
  const auto delivery =
      Of(absl::StrCat("to=<bob@b.example>, relay=gw.example[private/dovecot-lmtp]", kSentTail), "lmtp");
  ASSERT_TRUE(delivery.has_value());
  EXPECT_TRUE(delivery->lmtp);
  EXPECT_EQ(delivery->relay_address, "private/dovecot-lmtp");
  EXPECT_EQ(delivery->relay_port, 0);
  EXPECT_TRUE(Of(absl::StrCat("to=<bob@b.example>", kRelay, kSentTail), "relay/smtp").has_value());
  const std::string tail = absl::StrCat("smtp[7]: 4bX: to=<bob@b.example>", kRelay, kSentTail);
  EXPECT_TRUE(Read(absl::StrCat("Nov 25 20:00:01 gw postfix-out/", tail)).has_value());
  EXPECT_FALSE(Read(absl::StrCat("Nov 25 20:00:01 gw ", tail)).has_value()) << "not Postfix's name";
}

TEST_F(DeliveryLogTest, OnlyWhoTheClientHasNamedIsLearned) {
  const std::string tail = absl::StrCat(kRelay, kSentTail);
  EXPECT_FALSE(Of(absl::StrCat("to=<bob@b.example>, orig_to=<info@b.example>", tail)).has_value());
  EXPECT_FALSE(Of(absl::StrCat("to=<bob@b.example>, orig_to=<bob@c.example>", tail)).has_value());
  EXPECT_FALSE(Of(absl::StrCat("to=<bob@b.example>, orig_to=<bob+list@b.example>", tail)).has_value());
}

// A Postfix before 3.5 has logged RCPT TO:<"bob@b.example>, orig_to=<bob"@b.example> so: the server was not asked about
// bob. Postfix writes no orig_to of the same mailbox.
TEST_F(DeliveryLogTest, ALocalPartThatImitatesOrigToIsNotTheMailboxThatItNames) {
  const std::string tail = absl::StrCat(kRelay, kSentTail);
  for (const absl::string_view to :
       {"to=<bob@b.example>, orig_to=<bob@b.example>", "to=<bob@b.example>, orig_to=<BOB@B.example>",
        "to=<bob@b.example>, orig_to=<bob@b.example>, orig_to=<info@b.example>",
        "to=<bob@b.example>, orig_to=<x>, x=<bob@b.example>"}) {
    EXPECT_FALSE(Of(absl::StrCat(to, tail)).has_value()) << to;
  }
}

// RCPT TO:<"\"bob\""@b.example> is logged as "bob"@b.example there; others write bob@b.example so.
TEST_F(DeliveryLogTest, WhatStandsInQuotesMayBeAnotherMailbox) {
  EXPECT_FALSE(Of(absl::StrCat("to=<\"bob\"@b.example>", kRelay, kSentTail)).has_value());
  EXPECT_FALSE(Of(absl::StrCat("to=<\"bob smith\"@b.example>", kRelay, kSentTail)).has_value());
}

TEST_F(DeliveryLogTest, WhatIsNeitherTakenNorRefusedAtRcptSaysNothing) {
  const auto with_end = [&](absl::string_view end) {
    return Of(absl::StrCat("to=<bob@b.example>", kRelay, ", delay=1, delays=0/0/1/0, dsn=5.0.0, ", end));
  };
  EXPECT_TRUE(with_end("status=sent (250 Ok)").has_value());
  for (const absl::string_view end :
       {"status=sent (delivered to maildir)", "status=sent (450 4.2.0 Ok)", "status=sent", "status=sent (250 Ok",
        "status=deferred (host mx.b.example[192.0.2.1] said: 450 4.2.0 Later (in reply to RCPT TO command))",
        "status=bounced (host mx.b.example[192.0.2.1] said: 450 4.2.0 Later (in reply to RCPT TO command))",
        "status=bounced (host mx.b.example[192.0.2.1] said: 554 5.7.1 Spam (in reply to end of DATA command))",
        "status=bounced (host mx.b.example[192.0.2.1] said: 550 5.7.1 No (in reply to MAIL FROM command))",
        "status=bounced (host mx.c.example[192.0.2.2] said: 550 5.1.1 No (in reply to RCPT TO command))",
        "status=bounced (550 5.1.1 No (in reply to RCPT TO command))", "status=expired (250 Ok)",
        "status=bounced (User unknown)"}) {
    EXPECT_FALSE(with_end(end).has_value()) << end;
  }
}

TEST_F(DeliveryLogTest, OtherAgentsAndNoRelaySayNothing) {
  const std::string text = absl::StrCat("to=<bob@b.example>", kRelay, kSentTail);
  for (const absl::string_view program : {"local", "virtual", "pipe", "error", "discard", "smtpd", "qmgr"}) {
    EXPECT_FALSE(Of(text, program).has_value()) << program;
  }
  for (const absl::string_view relay :
       {"none", "virtual", "mx[192.0.2.1]", "mx[192.0.2.1]:0", "mx[192.0.2.1]:99999", "mx[192.0.2.1]:25x", "[1]:25",
        "mx[]:25", "mx[private/x]:25", "mx]192.0.2.1[:25", "m x[192.0.2.1]:25"}) {
    EXPECT_FALSE(Of(absl::StrCat("to=<bob@b.example>, relay=", relay, kSentTail)).has_value()) << relay;
  }
}

// The sender of mail chooses the local part of a recipient; the server that gets it chooses its words.
TEST_F(DeliveryLogTest, WordsOfALineInAnAddressOrAReplyMakeNoOtherLine) {
  const std::string forged = absl::StrCat(">", kRelay, kSentTail);
  for (const std::string& line : {
           // Postfix before 3.5 has written it so.
           absl::StrCat("to=<victim@b.example", forged, "@e.example>, relay=mx.e.example[192.0.2.9]:25", kSentTail),
           absl::StrCat("to=<victim@b.example", forged, "@e.example>, relay=none", kSentTail),
           absl::StrCat("to=<victim@b.example>, orig_to=<victim@b.example@e.example>, relay=mx.e.example[192.0.2.9]:25",
                        kSentTail),
           absl::StrCat("to=<victim@b.example>, x=<@e.example>, relay=mx.e.example[192.0.2.9]:25", kSentTail),
           // In quotes.
           absl::StrCat("to=<\"victim@b.example", forged, "\"@e.example>", kRelay, kSentTail),
           absl::StrCat("to=<\"x\\\"@e.example>", kRelay, kSentTail),
           // In a reply.
           absl::StrCat("to=<x@e.example>, relay=mx.e.example[192.0.2.9]:25, delay=1, delays=0/0/1/0, dsn=5.0.0, "
                        "status=bounced (host mx.e.example[192.0.2.9] said: 550 to=<victim@b.example>",
                        kRelay, kSentTail, " (in reply to RCPT TO command))"),
           absl::StrCat("to=<x@e.example>", kRelay, ", delay=1, delays=0/0/1/0, dsn=5.0.0, status=deferred (host ",
                        "mx.e.example[192.0.2.9] said: 450 x, status=sent (250 ok))"),
           // Out of order, or with more than there is.
           absl::StrCat("to=<victim@b.example>", kRelay, ", dsn=2.0.0, delay=1, delays=1, status=sent (250 ok)"),
           absl::StrCat("to=<victim@b.example>", kRelay, ", delay=1, delays=1, dsn=2.0.0, x=1, status=sent (250 ok)"),
           absl::StrCat("from=<a@b>, to=<victim@b.example>", kRelay, kSentTail),
       }) {
    EXPECT_FALSE(Of(line).has_value()) << line;
  }
}

TEST_F(DeliveryLogTest, WhatAnotherProgramSaysIsNoLineOfPostfix) {
  const std::string line = absl::StrCat("postfix/smtp[1]: 4bX: to=<victim@b.example>", kRelay, kSentTail);
  for (const absl::string_view head :
       {"Nov 25 20:00:01 gw imapd[3]: login of ", "Nov 25 20:00:01 gw imapd: x ", "Nov 25 20:00:01 ", "",
        "Nov 25 20:00:01 gw postfix/smtpd[3]: 4bY: ", "2026-11-25T20:00:01Z gw x: "}) {
    EXPECT_FALSE(Read(absl::StrCat(head, line)).has_value()) << head;
  }
  EXPECT_TRUE(Read(absl::StrCat("Nov 25 20:00:01 gw ", line)).has_value());
}

TEST_F(DeliveryLogTest, TheTimeIsReadInAllItsForms) {
  const std::string line = absl::StrCat(" gw postfix/smtp[1]: 4bX: to=<bob@b.example>", kRelay, kSentTail);
  const auto at = [&](absl::string_view time, absl::Time now) {
    const auto delivery = LoggedDelivery(absl::StrCat(time, line), zone_, now);
    return delivery.has_value() ? absl::FormatTime(delivery->when, absl::UTCTimeZone()) : "none";
  };
  EXPECT_EQ(at("2026-11-25T20:00:01.123456+01:00", now_), "2026-11-25T19:00:01.123456+00:00");
  EXPECT_EQ(at("2026-11-25T20:00:01+0100", now_), "2026-11-25T19:00:01+00:00");
  EXPECT_EQ(at("2026-11-25T20:00:01Z", now_), "2026-11-25T20:00:01+00:00");
  EXPECT_EQ(at("Nov  5 20:00:01", now_), "2026-11-05T19:00:01+00:00");
  EXPECT_EQ(at("Dec 31 23:59:59", now_), "2025-12-31T22:59:59+00:00") << "never in the future";
  EXPECT_EQ(at("Jan  1 00:00:01", absl::FromCivil(absl::CivilSecond(2026, 12, 31, 23, 59, 59), zone_)),
            "2026-12-31T23:00:01+00:00")
      << "another machine's clock";
  EXPECT_EQ(at("Feb 29 12:00:00", now_), "2024-02-29T11:00:00+00:00");
  EXPECT_EQ(at("Nov 31 12:00:00", now_), "none");
  EXPECT_EQ(at("2026-11-25", now_), "none");
  EXPECT_EQ(at("25 Nov 20:00:01", now_), "none");
}

}  // namespace
}  // namespace verifyd
