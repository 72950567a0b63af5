#include "mail/reply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "tests/status_matchers.h"

namespace verifyd {
namespace {

using ::testing::ElementsAre;
using std::string_literals::operator""s;

// Parses the one reply that `bytes` hold.
Reply Whole(absl::string_view bytes) {
  ReplyParser parser;
  absl::StatusOr<std::optional<Reply>> reply = parser.Feed(bytes);
  EXPECT_THAT(reply, IsOk());
  EXPECT_TRUE(reply.ok() && reply->has_value() && bytes.empty() && parser.at_boundary());
  return reply.ok() && reply->has_value() ? **reply : Reply{};
}

absl::Status FailureOf(absl::string_view bytes) {
  ReplyParser parser;
  return parser.Feed(bytes).status();
}

TEST(ReplyParserTest, TakesAReplyOfOneLine) {
  const Reply reply = Whole("250 2.1.5 Ok\r\n");
  EXPECT_EQ(reply.code, 250);
  EXPECT_TRUE(reply.ok());
  EXPECT_EQ(reply.enhanced, (EnhancedCode{2, 1, 5}));
  EXPECT_THAT(reply.lines, ElementsAre("2.1.5 Ok"));
}

TEST(ReplyParserTest, TakesAReplyOfManyLines) {
  const Reply reply = Whole("250-mx.example.com\r\n250-PIPELINING\r\n250 8BITMIME\r\n");
  EXPECT_EQ(reply.code, 250);
  EXPECT_THAT(reply.lines, ElementsAre("mx.example.com", "PIPELINING", "8BITMIME"));
  EXPECT_FALSE(reply.enhanced.given());
}

TEST(ReplyParserTest, TakesWhatRealServersSend) {
  EXPECT_THAT(Whole("250 ok\n").lines, ElementsAre("ok"));
  EXPECT_THAT(Whole("250\r\n").lines, ElementsAre(""));
  EXPECT_THAT(Whole("250 \r\n").lines, ElementsAre(""));
  EXPECT_THAT(Whole("250\tok\r\n").lines, ElementsAre("ok"));
  EXPECT_THAT(Whole("250-\r\n250 ok \r\n").lines, ElementsAre("", "ok "));
  EXPECT_THAT(Whole("220-a\r\n\r\n\n220 b\r\n").lines, ElementsAre("a", "", "", "b"));
  EXPECT_THAT(Whole("250 a\rb\r\r\n").lines, ElementsAre("a\rb\r"));
  EXPECT_THAT(Whole("250 \xFF\0\x80\r\n"s).lines, ElementsAre("\xFF\0\x80"s));
  EXPECT_EQ(Whole("599 x\r\n").code, 599);
  EXPECT_EQ(Whole("200 x\r\n").code, 200);
}

TEST(ReplyParserTest, BelievesTheLastLineWhenCodesDiffer) {
  const Reply reply = Whole("250-fine\r\n451-well\r\n550 5.1.1 no\r\n");
  EXPECT_EQ(reply.code, 550);
  EXPECT_THAT(reply.lines, ElementsAre("fine", "well", "5.1.1 no"));
}

TEST(ReplyParserTest, TakesBytesHoweverTheyAreCut) {
  const std::string bytes = "250-a\r\n250-\r\n550 5.1.1 b\r\n";
  for (size_t cut = 1; cut < bytes.size(); ++cut) {
    ReplyParser parser;
    absl::string_view first = absl::string_view(bytes).substr(0, cut);
    absl::StatusOr<std::optional<Reply>> reply = parser.Feed(first);
    ASSERT_THAT(reply, IsOk());
    EXPECT_FALSE(reply->has_value());
    EXPECT_TRUE(first.empty());
    EXPECT_FALSE(parser.at_boundary());
    absl::string_view second = absl::string_view(bytes).substr(cut);
    reply = parser.Feed(second);
    ASSERT_THAT(reply, IsOk());
    ASSERT_TRUE(reply->has_value());
    EXPECT_THAT((*reply)->lines, ElementsAre("a", "", "5.1.1 b"));
    EXPECT_TRUE(parser.at_boundary());
  }
}

TEST(ReplyParserTest, LeavesTheNextReplyWhereItIs) {
  ReplyParser parser;
  absl::string_view bytes = "250 one\r\n550 5.1.1 two\r\n25";
  EXPECT_THAT((*parser.Feed(bytes))->lines, ElementsAre("one"));
  EXPECT_EQ(bytes, "550 5.1.1 two\r\n25");
  const std::optional<Reply> second = *parser.Feed(bytes);
  EXPECT_EQ(second->code, 550);
  EXPECT_THAT(second->lines, ElementsAre("5.1.1 two"));
  EXPECT_TRUE(parser.at_boundary());
  EXPECT_FALSE(parser.Feed(bytes)->has_value());
  EXPECT_TRUE(bytes.empty());
  EXPECT_FALSE(parser.at_boundary());
}

TEST(ReplyParserTest, RefusesWhatIsNoReply) {
  EXPECT_EQ(FailureOf("SSH-2.0-OpenSSH_9.6\r\n"),
            absl::InvalidArgumentError("not an SMTP reply: \"SSH-2.0-OpenSSH_9.6\""));
  for (const absl::string_view bytes : {"\r\n", "25\r\n", "2x0 a\r\n", "150 a\r\n", "600 a\r\n", "2500 a\r\n",
                                        "250:a\r\n", " 250 a\r\n", "HTTP/1.1 400 Bad\r\n", "250-a\r\nb\r\n"}) {
    EXPECT_THAT(FailureOf(bytes), FailsWith("not an SMTP reply: ")) << bytes;
  }
  EXPECT_THAT(FailureOf("\x15\x03\x01\n"), FailsWith("not an SMTP reply: \"???\""));
}

TEST(ReplyParserTest, StaysInErrorBecauseTheStreamCanNotBeTrusted) {
  ReplyParser parser;
  absl::string_view bytes = "garbage\r\n250 ok\r\n";
  EXPECT_THAT(parser.Feed(bytes), FailsWith("garbage"));
  EXPECT_THAT(parser.Feed(bytes), FailsWith("garbage"));
  bytes = "250 ok\r\n";
  EXPECT_THAT(parser.Feed(bytes), FailsWith("garbage"));
}

TEST(ReplyParserTest, RejectsALineLongerThanTheLimit) {
  const std::string longest = "250 " + std::string(ReplyParser::kMaxLine - 4, 'x');
  EXPECT_EQ(Whole(longest + "\r\n").lines[0].size(), ReplyParser::kMaxLine - 4);
  EXPECT_EQ(Whole(longest + "\n").lines[0].size(), ReplyParser::kMaxLine - 4);
  const absl::Status error = absl::ResourceExhaustedError("reply line of more than 4096 bytes");
  EXPECT_EQ(FailureOf(longest + "x\r\n"), error);
  EXPECT_EQ(FailureOf(longest + "x\n"), error);
  EXPECT_EQ(FailureOf(longest + "xx"), error);  // does not wait for the line's end
}

TEST(ReplyParserTest, RejectsALongLineThatComesInSmallPieces) {
  ReplyParser parser;
  absl::Status status;
  size_t fed = 0;
  for (; status.ok() && fed < 10000; fed += 7) {
    absl::string_view piece = "2222222";
    status = parser.Feed(piece).status();
  }
  EXPECT_THAT(status, FailsWith("reply line of more than 4096 bytes"));
  EXPECT_LT(fed, ReplyParser::kMaxLine + 16);
}

TEST(ReplyParserTest, RejectsAReplyOfTooManyLines) {
  std::string bytes;
  for (size_t i = 1; i < ReplyParser::kMaxLines; ++i) bytes += "250-\n";
  EXPECT_EQ(Whole(bytes + "250 \n").lines.size(), ReplyParser::kMaxLines);
  EXPECT_EQ(FailureOf(bytes + "250-\n250 \n"), absl::ResourceExhaustedError("reply of more than 128 lines"));
  EXPECT_THAT(FailureOf("250-\n" + std::string(1000, '\n')), FailsWith("reply of more than 128 lines"));
}

TEST(ReplyParserTest, RejectsAReplyOfTooManyBytes) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += "250-" + std::string(ReplyParser::kMaxLine - 4, 'x') + "\r\n";
  EXPECT_EQ(FailureOf(bytes + "250 \r\n"), absl::ResourceExhaustedError("reply of more than 32768 bytes"));
}

TEST(ReplyParserTest, CountsEachReplyForItself) {
  ReplyParser parser;
  std::string bytes;
  for (int i = 0; i < 1000; ++i) bytes += "250 " + std::string(100, 'x') + "\r\n";
  absl::string_view rest = bytes;
  int replies = 0;
  for (; !rest.empty(); ++replies) ASSERT_THAT(parser.Feed(rest), IsOk());
  EXPECT_EQ(replies, 1000);
}

TEST(EnhancedCodeTest, IsFoundAtTheStartOfALineOrInParenthesesAtTheEnd) {
  const struct {
    absl::string_view text, code;
  } cases[] = {
      {"550 5.1.1 User unknown", "5.1.1"},
      {"550 #5.1.0 Address rejected.", "5.1.0"},
      {"550 5.1.1", "5.1.1"},
      {"550 5.1.1: unknown", "5.1.1"},
      {"550 5.1.1<joe@example.com> unknown", "5.1.1"},
      {"550 5.1.1. unknown", "5.1.1"},
      {"550  5.1.1 two spaces", "5.1.1"},
      {"421-4.7.28 [192.0.2.1] Our system", "4.7.28"},
      {"550-see below\n550 5.7.1 here", "5.7.1"},
      {"550-5.7.1 first\n550 5.1.1 second", "5.7.1"},
      {"550 sorry, no mailbox here by that name. (#5.1.1)", "5.1.1"},
      {"421 unable to read controls (#4.3.0).\r", "4.3.0"},
      {"550 no such user (5.1.1)", "5.1.1"},
      {"550 4.2.1 of another class", "4.2.1"},
      {"550 5.999.999 x", "5.999.999"},
      // No code at all:
      {"550 User unknown", ""},
      {"550 user 5.1.1 unknown", ""},
      {"550 5.1.1.7 is an address", ""},
      {"550 5.1.1a", ""},
      {"550 5.1.1000 x", ""},
      {"550 5.1", ""},
      {"550 5..1", ""},
      {"550 3.1.1 x", ""},
      {"550 55.1.1 x", ""},
      {"550 x (5.1.1 joe)", ""},
      {"550 x 5.1.1)", ""},
      {"550 ()", ""},
      {"550 #", ""},
  };
  for (const auto& c : cases) {
    const absl::StatusOr<Reply> reply = Reply::Parse(c.text);
    ASSERT_THAT(reply, IsOk()) << c.text;
    EXPECT_EQ(reply->enhanced.ToString(), std::string(c.code)) << c.text;
  }
}

TEST(EnhancedCodeTest, GivesBackWhatFollowsIt) {
  absl::string_view rest;
  EXPECT_TRUE(EnhancedCode::TakeFrom("5.1.1  User unknown", &rest).given());
  EXPECT_EQ(rest, "User unknown");
  EXPECT_TRUE(EnhancedCode::TakeFrom("#5.1.0", &rest).given());
  EXPECT_EQ(rest, "");
  EXPECT_FALSE(EnhancedCode::TakeFrom(" #5.1 x", &rest).given());
  EXPECT_EQ(rest, " #5.1 x");
}

TEST(ReplyTest, IsShownOnOneLine) {
  EXPECT_EQ(Reply::Parse("550-5.1.1 a\n550 b")->ToLine(), "550 5.1.1 a b");
  EXPECT_EQ(Reply::Parse("550- a \n550-\n550 b\t")->ToLine(), "550 a b");
  EXPECT_EQ(Reply::Parse("250")->ToLine(), "250");
  EXPECT_EQ(Reply::Parse("550 \x1B[31m\xFF ü")->ToLine(), "550 ?[31m? ü");
  EXPECT_EQ(Reply::Parse("550 üü")->ToLine(7), "550 ü");
  EXPECT_EQ(Reply::Parse("550 " + std::string(1000, 'x'))->ToLine().size(), 250U);
}

TEST(ReplyTest, ShowsItsTextRawToTheClassifier) {
  EXPECT_EQ(Reply::Parse("550-5.1.1 a\xFF\n550-\n550 b ")->Text(), "5.1.1 a\xFF\n\nb ");
}

TEST(ReplyTest, IsParsedFromWholeTextOnly) {
  EXPECT_THAT(Reply::Parse("550 a\n"), IsOk());
  EXPECT_THAT(Reply::Parse("550 a\r\n"), IsOk());
  EXPECT_THAT(Reply::Parse("550-only the beginning")->lines, ElementsAre("only the beginning"));
  EXPECT_THAT(Reply::Parse("550 a\n550 b"), FailsWith("not an SMTP reply"));
  EXPECT_THAT(Reply::Parse(""), FailsWith("not an SMTP reply"));
  EXPECT_THAT(Reply::Parse("550-a\nb"), FailsWith("not an SMTP reply: \"b\""));
}

}  // namespace
}  // namespace verifyd
