#include "mail/address_forms.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace verifyd {
namespace {

std::string MarkedFor(absl::string_view local, absl::string_view text) { return AddressForms(local).Marked(text); }
std::string SureFor(absl::string_view local, absl::string_view text) {
  std::vector<AddressForms::Place> sure;
  for (const AddressForms::Place& place : AddressForms(local).In(text)) {
    if (place.sure) sure.push_back(place);
  }
  return Replaced(text, sure, "@", "@");
}

TEST(AddressFormsTest, AnAddressIsFoundAsItWasSent) {
  EXPECT_EQ(MarkedFor("joe", "<joe@b.example>: no"), "<@b.example>: no");
  EXPECT_EQ(MarkedFor("joe doe", "<\"joe doe\"@b.example>: no"), "<@b.example>: no");
  EXPECT_EQ(MarkedFor("joe \"x\" doe", "<\"joe \\\"x\\\" doe\"@b.example>: no"), "<@b.example>: no");
}

TEST(AddressFormsTest, AnAddressIsFoundWithoutItsQuotesAndBackslashes) {
  EXPECT_EQ(MarkedFor("joe doe", "<joe doe@b.example>: no"), "<@b.example>: no");
  EXPECT_EQ(MarkedFor("joe \"x\\y\" doe", "<joe \"x\\y\" doe@b.example>: no"), "<@b.example>: no");
  EXPECT_EQ(MarkedFor("joe \"x\\y\" doe", "<joe xy doe@b.example>: no"), "<@b.example>: no");
}

TEST(AddressFormsTest, AnAddressIsFoundWithMoreBackslashes) {
  EXPECT_EQ(MarkedFor("joe \"x\" doe", "to=\\\"joe \\\\\\\"x\\\\\\\" doe\\\"@b.example no"), "to=@b.example no");
  EXPECT_EQ(MarkedFor("joe doe", "<joe\\ doe@b.example>"), "<@b.example>");
}

TEST(AddressFormsTest, AnAddressIsFoundEncoded) {
  EXPECT_EQ(MarkedFor("joe doe", "http://b.example/?q=%22joe%20doe%22%40b.example"), "http://b.example/?q=@b.example");
  EXPECT_EQ(MarkedFor("joe doe", "?q=joe%20doe@b.example"), "?q=@b.example");
  EXPECT_EQ(MarkedFor("joe doe", "rfc822;joe+20doe@b.example"), "rfc822;@b.example");
  EXPECT_EQ(MarkedFor("joe doe", "=22joe=20doe=22=40b.example"), "@b.example");
  EXPECT_EQ(MarkedFor("j\xC3\xB6 doe", "?q=j%C3%B6%20doe%40b.example"), "?q=@b.example");
  EXPECT_EQ(MarkedFor("joe+20", "joe+20@b.example"), "@b.example");
}

TEST(AddressFormsTest, CaseAccentsAndBlanksDoNotHideIt) {
  EXPECT_EQ(MarkedFor("Joe Doe", "<JOE  DOE@b.example>"), "<@b.example>");
  EXPECT_EQ(MarkedFor("joe doe", "joe\tdoe@b.example, joedoe@b.example"), "@b.example, @b.example");
  EXPECT_EQ(MarkedFor("joe  doe", "<joe doe>"), "<@>");
  EXPECT_EQ(MarkedFor("J\xC3\xB6rg", "jorg@b.example, J\xC3\x96RG@b.example"), "@b.example, @b.example");
  EXPECT_EQ(MarkedFor("ПОЧТА", "почта@b.example"), "@b.example");
}

TEST(AddressFormsTest, AnAddressIsFoundWrappedOverLines) {
  EXPECT_EQ(MarkedFor("joe doe", "<joe\ndoe@b.example>"), "<@b.example>");
  EXPECT_EQ(MarkedFor("joe doe", "<joe d\noe@b.example>"), "<@b.example>");
  EXPECT_EQ(MarkedFor("joe doe", "<joe\n5.1.1 doe@b.example>"), "<@b.example>");
  EXPECT_EQ(MarkedFor("joe doe", "550-5.1.1 <joe 550-5.1.1 doe@b.example>"), "550-5.1.1 <@b.example>");
}

TEST(AddressFormsTest, AnAddressIsFoundCutOff) {
  EXPECT_EQ(MarkedFor("x blocked using zen", "550 <x blocked us>: no"), "550 <@>: no");
  EXPECT_EQ(MarkedFor("x blocked using zen", "550 x blocked us"), "550 @");
  EXPECT_EQ(MarkedFor("x blocked using zen", "550 x blocked us...: no"), "550 @...: no");
  EXPECT_EQ(MarkedFor("x blocked using zen", "550 x blocked us@b.example: no"), "550 @b.example: no");
  EXPECT_EQ(MarkedFor("blocked", "550 blo: no"), "550 blo: no");
  EXPECT_EQ(MarkedFor("administrator", "550 administrative prohibition"), "550 administrative prohibition");
}

TEST(AddressFormsTest, TheLocalPartAloneIsFoundAsAWord) {
  EXPECT_EQ(MarkedFor("ptr", "Mailbox <ptr> does not exist"), "Mailbox <@> does not exist");
  EXPECT_EQ(MarkedFor("rate-limit", "User doesn't exist: rate-limit"), "User doesn't exist: @");
  EXPECT_EQ(MarkedFor("joe", "\"joe\" (joe) 'joe' joe."), "@ (@) '@' @.");
  EXPECT_EQ(MarkedFor("bob", "bobby is not bob"), "bobby is not @");
  EXPECT_EQ(MarkedFor("a", "a user"), "a user");
}

TEST(AddressFormsTest, AWordThatMayBeTheTextsOwnIsNotSure) {
  EXPECT_EQ(SureFor("user", "<user@b.example>: user unknown, <user>"), "<@b.example>: user unknown, <@>");
  EXPECT_EQ(MarkedFor("user", "<user@b.example>: user unknown"), "<@b.example>: @ unknown");
  EXPECT_EQ(SureFor("x blocked us", "x blocked"), "x blocked");
}

TEST(AddressFormsTest, OneLetterIsAWordOnlyWhereItIsQuoted) {
  EXPECT_EQ(MarkedFor("x", "550 \"x\" is unknown"), "550 @ is unknown");
  EXPECT_EQ(MarkedFor("x", "550 x is unknown, \"xy\" too"), "550 x is unknown, \"xy\" too");
}

TEST(AddressFormsTest, OtherAddressesStay) {
  EXPECT_EQ(MarkedFor("ann", "<joann@b.example> <joe@ann.example> <ann.b@c.example>"),
            "<joann@b.example> <joe@ann.example> <ann.b@c.example>");
}

TEST(AddressFormsTest, WhatIsAllQuotesHasNoForms) {
  EXPECT_EQ(MarkedFor("\" \\", "\" \\ text"), "\" \\ text");
  EXPECT_EQ(MarkedFor("", "text"), "text");
}

TEST(AddressFormsTest, WordsOfTheLocalPartAreLeftOut) {
  EXPECT_EQ(AddressForms("x blocked using zen.spamhaus.org").WithoutItsWords("user unknown, blocked, zen.spam"),
            "user unknown, , .");
  EXPECT_TRUE(AddressForms("x blocked").odd());
  EXPECT_FALSE(AddressForms("o'brien+list_a-b.c=d").odd());
}

TEST(AddressFormsTest, HostileTextTakesTimeByItsLength) {
  constexpr size_t kLength = 1 << 17;
  for (const absl::string_view piece : {"a", "a ", "\"", "%22", "\"%20", "a\\", "a 550 ", "%20", "a@", "<a", "\xC3"}) {
    std::string text;
    while (text.size() < kLength) absl::StrAppend(&text, piece);
    EXPECT_LE(MarkedFor(std::string(63, 'a') + "b", text).size(), text.size()) << piece;
    EXPECT_LE(AddressForms("a a a a \xC3\xA1 \"").WithoutItsWords(text).size(), text.size()) << piece;
  }
}

}  // namespace
}  // namespace verifyd
