#include "classifier/reply_text.h"

#include <gtest/gtest.h>

#include <string>

namespace verifyd {
namespace {

JudgedReply Judged(absl::string_view reply) { return ReadingsOf(*Reply::Parse(reply), Marks{}).front(); }

std::string TextOf(absl::string_view reply) { return Judged(reply).text; }

TEST(ReplyTextTest, LinesAreJoinedAndRepeatedEnhancedCodesLeftOut) {
  EXPECT_EQ(TextOf("550-5.1.1 The account does\n550 5.1.1 not  exist\t"), "the account does not exist");
}

TEST(ReplyTextTest, AccentsAreTakenOffInUtf8AndLatin1) {
  EXPECT_EQ(TextOf("550 Bo\xC3\xAEte PLEINE"), "boite pleine");
  EXPECT_EQ(TextOf("550 Bo\xEEte pleine"), "boite pleine");
  EXPECT_EQ(TextOf("550 n\xE2\x80\x99"
                   "existe"),
            "n'existe");
}

TEST(ReplyTextTest, CyrillicIsFoldedToLowerCaseAndOtherScriptsAreKept) {
  EXPECT_EQ(TextOf("550 ПОЛЬЗОВАТЕЛЬ"), "пользователь");
  EXPECT_EQ(TextOf("550 用户不存在"), "用户不存在");
}

TEST(ReplyTextTest, AddressesBecomeASign) {
  EXPECT_EQ(TextOf("550 <a.b+c@example.com>: no"), "<@>: no");
  EXPECT_EQ(TextOf("550 no a@example.com."), "no @.");
  EXPECT_EQ(TextOf("550 (a@example.com:550 no)"), "(@:550 no)");
  EXPECT_EQ(TextOf("550 \"a b\"@example.com no"), "@ no");
  EXPECT_EQ(TextOf("550 @"), "@");
}

TEST(ReplyTextTest, TextIsBounded) {
  std::string reply;
  for (int i = 0; i < 7; ++i) reply += "550-" + std::string(4000, 'x') + "\n";
  EXPECT_LE(TextOf(reply + "550 end").size(), JudgedReply::kMaxText);
}

TEST(ReplyTextTest, FindsTheReplyWithinAReply) {
  const auto quoted = QuotedIn(Judged("450 4.1.1 host mx[192.0.2.1] said: 550 5.1.1 Gone (in reply)"));
  ASSERT_TRUE(quoted.has_value());
  EXPECT_EQ(quoted->code, 550);
  EXPECT_EQ(quoted->enhanced.ToString(), "5.1.1");
  EXPECT_EQ(quoted->text, "gone (in reply)");
}

TEST(ReplyTextTest, ANumberIsNoReply) {
  EXPECT_FALSE(QuotedIn(Judged("550 he said: 5500 times")).has_value());
  EXPECT_FALSE(QuotedIn(Judged("550 room 550 is taken")).has_value());
  EXPECT_FALSE(QuotedIn(Judged("550 host said: 250 ok")).has_value());
}

}  // namespace
}  // namespace verifyd
