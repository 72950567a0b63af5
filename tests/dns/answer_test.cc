#include "dns/answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/dns/packet.h"

namespace verifyd {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kName[] = "example.com";

DnsAnswer Parse(const Packet& packet, DnsType type) { return ParseDnsAnswer(packet.Build(), kName, type); }

Packet Ask(DnsType type) { return Packet(kName, type); }

// 12 octets of header, 13 of name, 4 of type and class.
constexpr uint16_t kFirstAnswer = 29;

TEST(DnsAnswerTest, ReadsMxRecordsWithTheLeastTtl) {
  const DnsAnswer answer = Parse(Ask(DnsType::kMx)
                                     .Answer(AskedName(), DnsType::kMx, 3600, MxData(20, "MX2.Example.NET"))
                                     .Answer(AskedName(), DnsType::kMx, 600, U16(10) + U8(2) + "mx" + AskedName()),
                                 DnsType::kMx);
  EXPECT_EQ(answer.status, DnsStatus::kOk);
  EXPECT_THAT(answer.mx, ElementsAre(MxRecord{20, "mx2.example.net"}, MxRecord{10, "mx.example.com"}));
  EXPECT_EQ(answer.ttl, absl::Seconds(600));
  EXPECT_EQ(answer.canonical_name, kName);
  EXPECT_FALSE(answer.authenticated);
}

TEST(DnsAnswerTest, ReadsTheNullMxAsAnEmptyExchange) {
  const DnsAnswer answer = Parse(Ask(DnsType::kMx).Answer(AskedName(), DnsType::kMx, 60, MxData(0, "")), DnsType::kMx);
  EXPECT_THAT(answer.mx, ElementsAre(MxRecord{0, ""}));
}

TEST(DnsAnswerTest, ReadsAddressesOfBothFamilies) {
  EXPECT_THAT(Parse(Ask(DnsType::kA).Answer(AskedName(), DnsType::kA, 1, "\xc0\x02\x02\x01"), DnsType::kA).addresses,
              ElementsAre("192.2.2.1"));
  const std::string v6 = std::string("\x20\x01\x0d\xb8", 4) + std::string(11, '\0') + "\x01";
  EXPECT_THAT(Parse(Ask(DnsType::kAaaa).Answer(AskedName(), DnsType::kAaaa, 1, v6), DnsType::kAaaa).addresses,
              ElementsAre("2001:db8::1"));
}

TEST(DnsAnswerTest, JoinsTheStringsOfATxtRecord) {
  const DnsAnswer answer =
      Parse(Ask(DnsType::kTxt).Answer(AskedName(), DnsType::kTxt, 1, "\x03v=S\x06PF1 -a"), DnsType::kTxt);
  EXPECT_THAT(answer.texts, ElementsAre("v=SPF1 -a"));
}

TEST(DnsAnswerTest, ReadsTheNamesOfPtrRecords) {
  const DnsAnswer answer = Parse(Ask(DnsType::kPtr)
                                     .Answer(AskedName(), DnsType::kPtr, 60, WireName("MX.Example.net"))
                                     .Answer(AskedName(), DnsType::kPtr, 60, U8(2) + "mx" + AskedName()),
                                 DnsType::kPtr);
  EXPECT_EQ(answer.status, DnsStatus::kOk);
  EXPECT_THAT(answer.names, ElementsAre("mx.example.net", "mx.example.com"));
}

TEST(DnsAnswerTest, APtrNameIsPrintableWhateverItHolds) {
  const DnsAnswer answer =
      Parse(Ask(DnsType::kPtr)
                .Answer(AskedName(), DnsType::kPtr, 60, U8(4) + std::string("a\n.\x1b", 4) + WireName("example")),
            DnsType::kPtr);
  EXPECT_THAT(answer.names, ElementsAre("a\\010\\046\\027.example"));
  EXPECT_FALSE(IsDomainName(answer.names.front()));
}

TEST(DnsAnswerTest, APtrRecordThatIsNoNameIsMalformed) {
  for (const std::string& data : {std::string("\x05"
                                              "mx"),
                                  WireName("mx.example") + "x", std::string(), AskedName().substr(0, 1)}) {
    const DnsAnswer answer = Parse(Ask(DnsType::kPtr).Answer(AskedName(), DnsType::kPtr, 60, data), DnsType::kPtr);
    EXPECT_EQ(answer.status, DnsStatus::kMalformed);
    EXPECT_THAT(answer.names, IsEmpty());
  }
}

TEST(DnsAnswerTest, ReadsTlsaAndTheAdBit) {
  const Packet packet =
      Ask(DnsType::kTlsa).Flags(kPlainAnswer | 0x20).Answer(AskedName(), DnsType::kTlsa, 1, "\x03\x01\x01hash");
  const DnsAnswer answer = Parse(packet, DnsType::kTlsa);
  EXPECT_THAT(answer.tlsa, ElementsAre(TlsaRecord{3, 1, 1, "hash"}));
  EXPECT_TRUE(answer.authenticated);
}

TEST(DnsAnswerTest, DoesNotCareForCase) {
  const Packet packet = Packet("eXample.COM", DnsType::kA).Answer(WireName("EXAMPLE.com"), DnsType::kA, 1, "abcd");
  EXPECT_EQ(ParseDnsAnswer(packet.Build(), "Example.com", DnsType::kA).status, DnsStatus::kOk);
}

TEST(DnsAnswerTest, FollowsCnamesInAnyOrderAndTakesTheirTtlsIntoAccount) {
  const DnsAnswer answer = Parse(Ask(DnsType::kA)
                                     .Answer(WireName("c.example.net"), DnsType::kA, 500, "abcd")
                                     .Answer(WireName("b.example.net"), DnsType::kCname, 30, WireName("C.example.net"))
                                     .Answer(AskedName(), DnsType::kCname, 500, WireName("b.example.net"))
                                     .Answer(WireName("unrelated.example"), DnsType::kA, 1, "wxyz"),
                                 DnsType::kA);
  EXPECT_EQ(answer.status, DnsStatus::kOk);
  EXPECT_THAT(answer.addresses, ElementsAre("97.98.99.100"));
  EXPECT_EQ(answer.canonical_name, "c.example.net");
  EXPECT_EQ(answer.ttl, absl::Seconds(30));
}

Packet CnameChain(int links) {
  Packet packet = Ask(DnsType::kA);
  std::string owner = kName;
  for (int i = 0; i < links; ++i) {
    const std::string target = absl::StrCat("c", i, ".example.com");
    packet.Answer(WireName(owner), DnsType::kCname, 60, WireName(target));
    owner = target;
  }
  return packet.Answer(WireName(owner), DnsType::kA, 60, "abcd");
}

TEST(DnsAnswerTest, FollowsTenCnamesAndNoMore) {
  EXPECT_EQ(Parse(CnameChain(10), DnsType::kA).status, DnsStatus::kOk);
  EXPECT_EQ(Parse(CnameChain(11), DnsType::kA).status, DnsStatus::kMalformed);
}

TEST(DnsAnswerTest, ACnameLoopIsMalformed) {
  const DnsAnswer answer = Parse(Ask(DnsType::kA)
                                     .Answer(AskedName(), DnsType::kCname, 60, WireName("b.example"))
                                     .Answer(WireName("b.example"), DnsType::kCname, 60, WireName(kName)),
                                 DnsType::kA);
  EXPECT_EQ(answer.status, DnsStatus::kMalformed);
  EXPECT_EQ(answer.canonical_name, kName);
}

TEST(DnsAnswerTest, ACnameWithoutItsEndIsNoData) {
  const Packet packet = Ask(DnsType::kA).Answer(AskedName(), DnsType::kCname, 60, WireName("b.example"));
  const DnsAnswer answer = Parse(packet, DnsType::kA);
  EXPECT_EQ(answer.status, DnsStatus::kNoData);
  EXPECT_EQ(answer.canonical_name, "b.example");
}

TEST(DnsAnswerTest, ACnameWithoutItsEndFromAServerThatDoesNotRecurseSaysNothing) {
  const Packet packet = Ask(DnsType::kA).Flags(0x8500).Answer(AskedName(), DnsType::kCname, 60, WireName("b.example"));
  EXPECT_EQ(Parse(packet, DnsType::kA).status, DnsStatus::kMalformed);
}

TEST(DnsAnswerTest, NegativeAnswersHoldForTheLesserOfTtlAndMinimumOfTheSoa) {
  const DnsAnswer no_data = Parse(Ask(DnsType::kMx).Soa(900, 300), DnsType::kMx);
  EXPECT_EQ(no_data.status, DnsStatus::kNoData);
  EXPECT_EQ(no_data.ttl, absl::Seconds(300));
  const DnsAnswer no_name = Parse(Ask(DnsType::kMx).Rcode(3).Soa(100, 300), DnsType::kMx);
  EXPECT_EQ(no_name.status, DnsStatus::kNxDomain);
  EXPECT_EQ(no_name.ttl, absl::Seconds(100));
}

TEST(DnsAnswerTest, ANegativeAnswerWithoutSoaSaysNothingAboutTime) {
  const DnsAnswer answer = Parse(Ask(DnsType::kMx).Rcode(3), DnsType::kMx);
  EXPECT_EQ(answer.status, DnsStatus::kNxDomain);
  EXPECT_EQ(answer.ttl, absl::ZeroDuration());
}

TEST(DnsAnswerTest, NxDomainAtTheEndOfACnameIsNxDomain) {
  const Packet packet =
      Ask(DnsType::kMx).Rcode(3).Answer(AskedName(), DnsType::kCname, 60, WireName("gone.example")).Soa(900, 300);
  const DnsAnswer answer = Parse(packet, DnsType::kMx);
  EXPECT_EQ(answer.status, DnsStatus::kNxDomain);
  EXPECT_EQ(answer.canonical_name, "gone.example");
  EXPECT_EQ(answer.ttl, absl::Seconds(60));
}

TEST(DnsAnswerTest, NxDomainWithTheRecordsAskedForContradictsItself) {
  EXPECT_EQ(Parse(Ask(DnsType::kA).Rcode(3).Answer(AskedName(), DnsType::kA, 60, "abcd"), DnsType::kA).status,
            DnsStatus::kMalformed);
}

TEST(DnsAnswerTest, AReferralIsNoNegativeAnswer) {
  const Packet packet = Ask(DnsType::kMx).Authority(WireName("com"), kNsType, 60, WireName("a.gtld.example"));
  EXPECT_EQ(Parse(packet, DnsType::kMx).status, DnsStatus::kMalformed);
}

TEST(DnsAnswerTest, TellsServerFailureRefusalAndOtherCodesApart) {
  EXPECT_EQ(Parse(Ask(DnsType::kMx).Rcode(2), DnsType::kMx).status, DnsStatus::kServfail);
  EXPECT_EQ(Parse(Ask(DnsType::kMx).Rcode(5), DnsType::kMx).status, DnsStatus::kRefused);
  EXPECT_EQ(Parse(Ask(DnsType::kMx).Rcode(1), DnsType::kMx).status, DnsStatus::kMalformed);
  EXPECT_EQ(Parse(Ask(DnsType::kMx).Rcode(4), DnsType::kMx).status, DnsStatus::kMalformed);
}

TEST(DnsAnswerTest, ABadVersionOfEdnsIsNotTakenForNoData) {
  EXPECT_EQ(Parse(Ask(DnsType::kMx).Additional(WireName(""), kOptType, 0x01000000, ""), DnsType::kMx).status,
            DnsStatus::kMalformed);
  EXPECT_EQ(Parse(Ask(DnsType::kMx).Additional(WireName(""), kOptType, 0x00008000, ""), DnsType::kMx).status,
            DnsStatus::kNoData);
}

TEST(DnsAnswerTest, ATruncatedAnswerIsNotBelieved) {
  const Packet packet = Ask(DnsType::kA).Flags(kPlainAnswer | 0x200).Answer(AskedName(), DnsType::kA, 60, "abcd");
  const DnsAnswer answer = Parse(packet, DnsType::kA);
  EXPECT_EQ(answer.status, DnsStatus::kMalformed);
  EXPECT_TRUE(answer.truncated);
  EXPECT_THAT(answer.addresses, IsEmpty());
}

TEST(DnsAnswerTest, AnAnswerToAnotherQuestionIsMalformed) {
  EXPECT_EQ(ParseDnsAnswer(Ask(DnsType::kA).Build(), "example.net", DnsType::kA).status, DnsStatus::kMalformed);
  EXPECT_EQ(ParseDnsAnswer(Ask(DnsType::kA).Build(), kName, DnsType::kMx).status, DnsStatus::kMalformed);
  EXPECT_EQ(Parse(Ask(DnsType::kA).Flags(0x0100), DnsType::kA).status, DnsStatus::kMalformed);
}

TEST(DnsAnswerTest, ATtlWithTheTopBitIsZero) {
  EXPECT_EQ(Parse(Ask(DnsType::kA).Answer(AskedName(), DnsType::kA, 0x80000001, "abcd"), DnsType::kA).ttl,
            absl::ZeroDuration());
}

TEST(DnsAnswerTest, EveryCutOfAGoodMessageIsMalformed) {
  const std::string whole = Ask(DnsType::kMx)
                                .Answer(AskedName(), DnsType::kMx, 60, MxData(1, "mx.example.com"))
                                .Soa(60, 60)
                                .Additional(AskedName(), 1, 60, "abcd")
                                .Build();
  ASSERT_EQ(ParseDnsAnswer(whole, kName, DnsType::kMx).status, DnsStatus::kOk);
  for (size_t size = 0; size < whole.size(); ++size) {
    const DnsAnswer answer = ParseDnsAnswer(whole.substr(0, size), kName, DnsType::kMx);
    EXPECT_EQ(answer.status, DnsStatus::kMalformed) << size;
    EXPECT_THAT(answer.mx, IsEmpty());
  }
}

TEST(DnsAnswerTest, PointersForwardsToThemselvesAndIntoTheirOwnRunAreMalformed) {
  for (const uint16_t target : {kFirstAnswer, static_cast<uint16_t>(kFirstAnswer + 2), uint16_t{0x3fff}}) {
    EXPECT_EQ(Parse(Ask(DnsType::kA).Answer(Pointer(target), DnsType::kA, 60, "abcd"), DnsType::kA).status,
              DnsStatus::kMalformed);
    EXPECT_EQ(Parse(Ask(DnsType::kA).Answer("\x01x" + Pointer(target), DnsType::kA, 60, "abcd"), DnsType::kA).status,
              DnsStatus::kMalformed);
  }
}

TEST(DnsAnswerTest, ANameOfMoreThan255OctetsIsMalformed) {
  const std::string label = U8(63) + std::string(63, 'a');
  const std::string good = label + label + label + U8(61) + std::string(61, 'b') + U8(0);
  const std::string bad = label + label + label + U8(62) + std::string(62, 'b') + U8(0);
  EXPECT_EQ(Parse(Ask(DnsType::kMx).Answer(AskedName(), DnsType::kMx, 60, U16(1) + good), DnsType::kMx).status,
            DnsStatus::kOk);
  EXPECT_EQ(Parse(Ask(DnsType::kMx).Answer(AskedName(), DnsType::kMx, 60, U16(1) + bad), DnsType::kMx).status,
            DnsStatus::kMalformed);
}

TEST(DnsAnswerTest, ReservedKindsOfLabelsAreMalformed) {
  EXPECT_EQ(
      Parse(Ask(DnsType::kMx).Answer(AskedName(), DnsType::kMx, 60, U16(1) + "\x41" + WireName("a")), DnsType::kMx)
          .status,
      DnsStatus::kMalformed);
}

TEST(DnsAnswerTest, OctetsThatHaveNoPlaceInANameAreEscaped) {
  const std::string odd = U16(1) + U8(5) + std::string("A.\0\n\xff", 5) + WireName("example");
  const DnsAnswer answer = Parse(Ask(DnsType::kMx).Answer(AskedName(), DnsType::kMx, 60, odd), DnsType::kMx);
  EXPECT_THAT(answer.mx, ElementsAre(MxRecord{1, "a\\046\\000\\010\\255.example"}));
  EXPECT_FALSE(IsDomainName(answer.mx[0].exchange));
}

TEST(DnsAnswerTest, DataThatDoesNotFillItsRecordExactlyIsMalformed) {
  const auto status = [](DnsType type, const std::string& data) {
    return Parse(Ask(type).Answer(AskedName(), type, 60, data), type).status;
  };
  EXPECT_EQ(status(DnsType::kA, "abc"), DnsStatus::kMalformed);
  EXPECT_EQ(status(DnsType::kA, "abcde"), DnsStatus::kMalformed);
  EXPECT_EQ(status(DnsType::kAaaa, "abcd"), DnsStatus::kMalformed);
  EXPECT_EQ(status(DnsType::kMx, MxData(1, "mx.example") + "x"), DnsStatus::kMalformed);
  EXPECT_EQ(status(DnsType::kMx, "\x01"), DnsStatus::kMalformed);
  EXPECT_EQ(status(DnsType::kTxt,
                   "\x05"
                   "abc"),
            DnsStatus::kMalformed);
  EXPECT_EQ(status(DnsType::kTlsa, "ab"), DnsStatus::kMalformed);
}

TEST(DnsAnswerTest, DataMayNotRunIntoTheNextRecord) {
  const Packet packet = Ask(DnsType::kTxt)
                            .Answer(AskedName(), DnsType::kTxt, 60, "\x20")
                            .Answer(AskedName(), DnsType::kTxt, 60, U8(40) + std::string(40, 'x'));
  EXPECT_EQ(Parse(packet, DnsType::kTxt).status, DnsStatus::kMalformed);
}

TEST(DnsAnswerTest, LooksAtNoMoreThan512Records) {
  Packet many = Ask(DnsType::kA);
  for (int i = 0; i < 600; ++i) many.Answer(AskedName(), DnsType::kA, 60, "abcd");
  EXPECT_EQ(Parse(many, DnsType::kA).addresses.size(), 512U);
  Packet last = Ask(DnsType::kA);
  for (int i = 0; i < 512; ++i) last.Answer(AskedName(), DnsType::kTxt, 60, "\x01x");
  last.Answer(AskedName(), DnsType::kA, 60, "abcd");
  EXPECT_EQ(Parse(last, DnsType::kA).status, DnsStatus::kMalformed);
}

TEST(DnsAnswerTest, AMessageThatPromisesMoreRecordsThanItHasIsMalformed) {
  EXPECT_EQ(Parse(Ask(DnsType::kA).Answer(AskedName(), DnsType::kA, 60, "abcd").Counts(0xffff), DnsType::kA).status,
            DnsStatus::kMalformed);
}

TEST(DomainNameTest, TakesWhatAHostCanBeCalled) {
  EXPECT_TRUE(IsDomainName("mx-1.example.com"));
  EXPECT_TRUE(IsDomainName("_25._tcp.mx.example.com"));
  EXPECT_TRUE(IsDomainName(std::string(63, 'a')));
  for (const std::string& bad :
       {std::string(), std::string("."), std::string("a..b"), std::string("a."), std::string(".a"), std::string("a b"),
        std::string("b\\046c"), std::string("[::1]"), std::string(64, 'a')}) {
    EXPECT_FALSE(IsDomainName(bad)) << bad;
  }
}

}  // namespace
}  // namespace verifyd
