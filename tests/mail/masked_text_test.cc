#include "mail/masked_text.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace verifyd {
namespace {

std::string Masked(absl::string_view text) { return MaskedText(text, WithoutLocalPart); }

TEST(MaskedTextTest, EachAddressIsWithoutItsLocalPart) {
  EXPECT_EQ(Masked("550 5.1.1 <bob@b.example>: User unknown"), "550 5.1.1 <*@b.example>: User unknown");
  EXPECT_EQ(Masked("sender=<ann@a.example> recipient=<bob@b.example>"), "sender=<*@a.example> recipient=<*@b.example>");
  EXPECT_EQ(Masked("ask postmaster@b.example."), "ask *@b.example.");
  EXPECT_EQ(Masked("bob@[192.0.2.1]: no"), "*@[192.0.2.1]: no");
  EXPECT_EQ(Masked("bob@b.example"), "*@b.example");
}

TEST(MaskedTextTest, ALocalPartWithBlanksIsMaskedAsAWhole) {
  EXPECT_EQ(Masked("recipient=<joe doe@b.example>"), "recipient=<*@b.example>");
  EXPECT_EQ(Masked("550 \"joe doe\"@b.example unknown"), "550 *@b.example unknown");
  EXPECT_EQ(Masked("<a@b@b.example>"), "<*@b.example>");
}

TEST(MaskedTextTest, AnAddressWithoutADomainIsMaskedWhereTheLogNamesOne) {
  EXPECT_EQ(Masked("sender=<ann> recipient=<bob> helo_name=<mx>"), "sender=<*> recipient=<*> helo_name=<mx>");
  EXPECT_EQ(Masked("probe: to=<a<b secret@b.example>, x"), "probe: to=<*@b.example>, x");
  EXPECT_EQ(Masked("recipient=<a> secret@b.example>"), "recipient=<*> *@b.example>");
}

TEST(MaskedTextTest, WhatIsNoAddressStays) {
  EXPECT_EQ(Masked(""), "");
  EXPECT_EQ(Masked("no address"), "no address");
  EXPECT_EQ(Masked("@b.example is on hold"), "@b.example is on hold");
  EXPECT_EQ(Masked("a @ b"), "a @ b");
  EXPECT_EQ(Masked("sender=<>"), "sender=<>");
  EXPECT_EQ(Masked("@"), "@");
  EXPECT_EQ(Masked("a@["), "a@[");
}

TEST(MaskedTextTest, HostileTextTakesTimeByItsLength) {
  const std::string hostile(1 << 20, '@');
  EXPECT_EQ(Masked(hostile), hostile);
  std::string many;
  for (int i = 0; i < 100000; ++i) absl::StrAppend(&many, "a@b>");
  EXPECT_EQ(Masked(many).size(), many.size());
  many.clear();
  for (int i = 0; i < 200000; ++i) absl::StrAppend(&many, " @b>");
  EXPECT_EQ(Masked(many), many);
}

TEST(MaskedTextTest, TheLocalPartAloneIsMaskedInAReply) {
  EXPECT_EQ(MaskedReply("550 5.1.1 Bob: no such user here (bob@b.example)", "bob@b.example"),
            "550 5.1.1 *: no such user here (*@b.example)");
  EXPECT_EQ(MaskedReply("550 bobby is not bob", "bob@b.example"), "550 bobby is not *");
  EXPECT_EQ(MaskedReply("550 a user", "a@b.example"), "550 a user");
}

TEST(MaskedTextTest, AQuotedLocalPartIsMaskedInEveryForm) {
  const std::string key = "ann \"secret\" doe@b.example";
  EXPECT_EQ(MaskedReply("550 <ann \\\"secret\\\" doe>: no such user", key), "550 <*>: no such user");
  EXPECT_EQ(MaskedReply("550 \"ann \\\"secret\\\" doe\" is unknown", key), "550 * is unknown");
  EXPECT_EQ(MaskedReply("550 <ann \"secret\" doe@b.example>: no", key), "550 <*@b.example>: no");
  EXPECT_EQ(MaskedReply("550 see http://b.example/?to=ann%20%22secret%22%20doe%40b.example", key),
            "550 see http:*@b.example");
  EXPECT_EQ(MaskedReply("550 ANN \"SECRET\" D...", key), "550 *...");
}

}  // namespace
}  // namespace verifyd
