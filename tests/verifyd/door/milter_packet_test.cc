#include "verifyd/door/milter_packet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "tests/status_matchers.h"

namespace verifyd {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

constexpr size_t kLongestReply = 980;

absl::string_view Bytes(const char* bytes, size_t size) { return absl::string_view(bytes, size); }
// A literal with the NULs in it.
template <size_t kSize>
absl::string_view Bytes(const char (&literal)[kSize]) {
  return Bytes(literal, kSize - 1);
}

MilterOptions Options(uint32_t version, uint32_t actions, uint32_t steps) {
  return {.version = version, .actions = actions, .steps = steps};
}

TEST(MilterPacketTest, FindsTheEndOfTheFirstWholePacket) {
  EXPECT_EQ(*MilterPacketLength(""), 0U);
  EXPECT_EQ(*MilterPacketLength(Bytes("\0\0\0")), 0U);
  EXPECT_EQ(*MilterPacketLength(Bytes("\0\0\0\2D")), 0U);
  EXPECT_EQ(*MilterPacketLength(Bytes("\0\0\0\2DH\0\0\0\1Q")), 6U);
  EXPECT_EQ(*MilterPacketLength(absl::StrCat(Bytes("\0\1\0\0"), std::string(65536, 'B'))), 65540U);
}

TEST(MilterPacketTest, APacketOfNothingOrOfTooMuchIsAnError) {
  EXPECT_THAT(MilterPacketLength(Bytes("\0\0\0\0")), FailsWith("found a packet of 0 bytes, expected 1 to 65536"));
  EXPECT_THAT(MilterPacketLength(Bytes("\0\1\0\1B")), FailsWith("found a packet of 65537 bytes"));
  EXPECT_THAT(MilterPacketLength("GET / HTTP/1.0"), FailsWith("found a packet of 1195725856 bytes"));
}

TEST(MilterPacketTest, ALetterThatIsNoCommandIsAnError) {
  EXPECT_EQ(ParseMilterPacket(Bytes("\0\0\0\2HX"))->data, "X");
  EXPECT_THAT(ParseMilterPacket(Bytes("\0\0\0\1\x01")),
              FailsWith("found command \"?\", expected one of milter protocol version 6"));
}

TEST(MilterPacketTest, ChoosesOfWhatIsOffered) {
  const auto postfix = ParseMilterOptions(Bytes("\0\0\0\6\0\0\1\xff\0\x1f\xff\xff"));
  ASSERT_THAT(postfix, IsOk());
  const auto chosen = ChooseMilterOptions(*postfix);
  ASSERT_THAT(chosen, IsOk());
  EXPECT_EQ(MilterOptionsReply(*chosen), Bytes("\0\0\0\x0dO\0\0\0\6\0\0\0\0\0\0\x73\x70"));
}

TEST(MilterPacketTest, AnOldMtaIsAnsweredInItsVersionWithItsSteps) {
  const auto chosen = ChooseMilterOptions(Options(2, 0x3f, 0x7f));
  ASSERT_THAT(chosen, IsOk());
  EXPECT_EQ(chosen->version, 2U);
  EXPECT_EQ(chosen->steps, 0x70U);
  EXPECT_TRUE(MilterExpectsReply(MilterCommand::kMail, *chosen));
  EXPECT_EQ(ChooseMilterOptions(Options(7, 0, 0))->version, 6U);
}

TEST(MilterPacketTest, NobodyWaitsForAReplyToWhatNeedsNone) {
  const MilterOptions chosen = *ChooseMilterOptions(Options(6, 0x1ff, 0x1fffff));
  for (const char command : {'C', 'H', 'M', 'D', 'A', 'Q', 'K'}) {
    EXPECT_FALSE(MilterExpectsReply(static_cast<MilterCommand>(command), chosen)) << command;
  }
  for (const char command : {'R', 'T', 'L', 'N', 'B', 'E', 'U'}) {
    EXPECT_TRUE(MilterExpectsReply(static_cast<MilterCommand>(command), chosen)) << command;
  }
}

TEST(MilterPacketTest, OptionsOfNoVersionOrNoLengthAreErrors) {
  EXPECT_THAT(ChooseMilterOptions(Options(1, 0, 0)), FailsWith("found protocol version 1, expected at least 2"));
  EXPECT_THAT(ParseMilterOptions(Bytes("\0\0\0\6\0\0\1\xff\0\x1f\xff")), FailsWith("options of 11 bytes, expected 12"));
}

TEST(MilterPacketTest, TakesClientsOfEveryFamily) {
  const auto four = ParseMilterConnect(Bytes("[127.0.0.1]\0\x34\xbc\x9e\x31\x32\x37.0.0.1\0"));
  ASSERT_THAT(four, IsOk());
  EXPECT_EQ(four->family, '4');
  EXPECT_EQ(four->port, 48286);
  EXPECT_EQ(four->address, "127.0.0.1");
  EXPECT_EQ(ParseMilterConnect(Bytes("h\0006\0\1IPv6:2001:db8::1\0"))->address, "2001:db8::1");
  EXPECT_EQ(ParseMilterConnect(Bytes("h\0006\0\1::1\0"))->address, "::1");
  EXPECT_EQ(ParseMilterConnect(Bytes("h\0L\0\0/run/x\0"))->address, "/run/x");
  EXPECT_EQ(ParseMilterConnect(Bytes("unknown\0U"))->address, "");
}

TEST(MilterPacketTest, AClientThatCanNotBeReadIsAnError) {
  EXPECT_THAT(ParseMilterConnect("host"), FailsWith("without the end of a host name"));
  EXPECT_THAT(ParseMilterConnect(Bytes("host\0")), FailsWith("without an address family"));
  EXPECT_THAT(ParseMilterConnect(Bytes("host\0X\0\1a\0")), FailsWith("found address family \"X\""));
  EXPECT_THAT(ParseMilterConnect(Bytes("host\0"
                                       "4\1")),
              FailsWith("without a port"));
  EXPECT_THAT(ParseMilterConnect(Bytes("host\0"
                                       "4\1\1"
                                       "127.0.0.1")),
              FailsWith("without the end of an address"));
}

TEST(MilterPacketTest, MailWithoutAClientOfTheNetworkIsLocalSubmission) {
  const auto is_local = [](char family, uint16_t port, absl::string_view address) {
    return IsLocalSubmission({.family = family, .port = port, .address = address});
  };
  EXPECT_TRUE(is_local('4', 0, "127.0.0.1"));
  EXPECT_TRUE(is_local('6', 0, "::1"));
  EXPECT_TRUE(is_local('L', 0, "/run/x"));
  EXPECT_TRUE(is_local('U', 0, ""));
  EXPECT_FALSE(is_local('4', 25000, "127.0.0.1"));
  EXPECT_FALSE(is_local('4', 0, "192.0.2.1"));
}

TEST(MilterPacketTest, TakesMacrosAndFirstArguments) {
  const auto macros = ParseMilterMacros(Bytes("Ri\0QUEUEID\0{rcpt_mailer}\0\0"));
  ASSERT_THAT(macros, IsOk());
  EXPECT_EQ(macros->command, MilterCommand::kRecipient);
  EXPECT_THAT(macros->values, ElementsAre(Pair("i", "QUEUEID"), Pair("{rcpt_mailer}", "")));
  EXPECT_TRUE(ParseMilterMacros("H")->values.empty());
  EXPECT_EQ(*ParseMilterArgument(Bytes("<a@b>\0SIZE=10\0")), "<a@b>");
}

TEST(MilterPacketTest, TextsWithoutAnEndAreErrors) {
  EXPECT_THAT(ParseMilterMacros(""), FailsWith("found macros of no command"));
  EXPECT_THAT(ParseMilterMacros(Bytes("Ri\0")), FailsWith("without the end of its value"));
  EXPECT_THAT(ParseMilterMacros(Bytes("Ri\0QUEUEID")), FailsWith("without the end of its value"));
  EXPECT_THAT(ParseMilterArgument("<a@b>"), FailsWith("an argument without an end"));
  EXPECT_THAT(ParseMilterArgument(""), FailsWith("an argument without an end"));
}

TEST(MilterPacketTest, AddressesLoseWhatBelongsToTheirWayOnTheWire) {
  EXPECT_EQ(UnquotedMilterAddress("<joe@example.com>"), "joe@example.com");
  EXPECT_EQ(UnquotedMilterAddress("joe@example.com"), "joe@example.com");
  EXPECT_EQ(UnquotedMilterAddress("<>"), "");
  EXPECT_EQ(UnquotedMilterAddress("<\"joe doe\"@example.com>"), "joe doe@example.com");
  EXPECT_EQ(UnquotedMilterAddress(R"(<"a\"@\\b"@example.com>)"), R"(a"@\b@example.com)");
  EXPECT_EQ(UnquotedMilterAddress("<@a.example,@b.example:joe@example.com>"), "joe@example.com");
  EXPECT_EQ(UnquotedMilterAddress("<postmaster>"), "postmaster");
  EXPECT_EQ(UnquotedMilterAddress("<joe@[IPv6:2001:db8::1]>"), "joe@[IPv6:2001:db8::1]");
  EXPECT_EQ(UnquotedMilterAddress("<\"joe\\"), "joe\\");
}

Decision Refusal(absl::string_view text) {
  Decision decision;
  decision.kind = DecisionKind::kReject;
  decision.code = 550;
  decision.dsn = "5.1.1";
  decision.text = std::string(text);
  return decision;
}

TEST(MilterPacketTest, RefusesWithTheReplyThatTheClientSees) {
  EXPECT_EQ(MilterRefusal(Refusal("100% sure"), false), Bytes("\0\0\0\x16y550 5.1.1 100%% sure\0"));
  EXPECT_EQ(MilterRefusal(Refusal("a\r\nb"), false), Bytes("\0\0\0\x10y550 5.1.1 a??b\0"));
}

TEST(MilterPacketTest, OnlyWhoAskedForSmtputf8IsToldWhatIsNoAscii) {
  EXPECT_TRUE(MilterAsksForSmtputf8(Bytes("<a@b>\0SIZE=10\0smtputf8\0")));
  EXPECT_FALSE(MilterAsksForSmtputf8(Bytes("<a@b>\0SIZE=10\0")));
  EXPECT_FALSE(MilterAsksForSmtputf8(Bytes("SMTPUTF8\0")));
  EXPECT_FALSE(MilterAsksForSmtputf8(Bytes("<a@b>\0SMTPUTF8")));
  EXPECT_FALSE(MilterAsksForSmtputf8(""));
  EXPECT_EQ(MilterRefusal(Refusal("f\u00FCr"), false), Bytes("\0\0\0\x0fy550 5.1.1 f?r\0"));
  EXPECT_EQ(MilterRefusal(Refusal("f\u00FCr"), true), Bytes("\0\0\0\x10y550 5.1.1 f\xC3\xBCr\0"));
}

TEST(MilterPacketTest, ARefusalIsNotLongerThanLibmilterTakesAndCutBetweenCharacters) {
  const auto said = [](absl::string_view text) {
    const std::string packet = MilterRefusal(Refusal(text), true);
    EXPECT_EQ(*MilterPacketLength(packet), packet.size());
    return packet.substr(5, packet.size() - 6);
  };
  EXPECT_EQ(said(std::string(2000, 'x')).size(), kLongestReply);
  EXPECT_EQ(said(std::string(2000, '%')), absl::StrCat("550 5.1.1 ", std::string(970, '%')));
  EXPECT_EQ(said(absl::StrCat("x", std::string(2000, '%'))), absl::StrCat("550 5.1.1 x", std::string(968, '%')));
  std::string umlauts = "x";
  for (int i = 0; i < 1000; ++i) umlauts += "ü";
  EXPECT_EQ(said(umlauts).size(), kLongestReply - 1);
}

}  // namespace
}  // namespace verifyd
