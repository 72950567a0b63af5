#include "probe/dane.h"

#include <gtest/gtest.h>

#include "tests/scripted_resolver.h"
#include "tests/test_loop.h"

namespace verifyd {
namespace {

class DaneTest : public testing::Test {
 protected:
  DaneTest() {
    address_.status = DnsStatus::kOk;
    address_.addresses = {"192.0.2.1"};
    address_.authenticated = true;
    records_.status = DnsStatus::kOk;
    records_.tlsa = {{3, 1, 1, "digest"}};
    records_.authenticated = true;
  }
  TlsPolicy At(absl::string_view level) {
    resolver_.Set("mx.example.com", DnsType::kA, address_);
    resolver_.Set("_25._tcp.mx.example.com", DnsType::kTlsa, records_);
    return test_.Run(DanePolicyAt(resolver_, endpoint_, TlsPolicy::Parse(level).value(), MonoTime::InfiniteFuture()));
  }

  TestLoop test_;
  ScriptedResolver resolver_{test_.loop()};
  Endpoint endpoint_ = {"mx.example.com", "192.0.2.1"};
  DnsAnswer address_;
  DnsAnswer records_;
};

TEST_F(DaneTest, SignedRecordsAreWhatTheCertificateMustMatch) {
  const TlsPolicy policy = At("dane");
  EXPECT_EQ(policy.level, TlsLevel::kDane);
  EXPECT_EQ(policy.tlsa, records_.tlsa);
  EXPECT_TRUE(policy.authenticated());
}

TEST_F(DaneTest, RecordsThatAreNotSignedAreWorthNothing) {
  records_.authenticated = false;
  EXPECT_EQ(At("dane").level, TlsLevel::kMay);
  const TlsPolicy only = At("dane-only");
  EXPECT_EQ(only.level, TlsLevel::kDaneOnly);
  EXPECT_TRUE(only.tlsa.empty());
}

TEST_F(DaneTest, AHostWhoseAddressIsNotSignedIsNotAskedForRecords) {
  address_.authenticated = false;
  EXPECT_EQ(At("dane").level, TlsLevel::kMay);
}

TEST_F(DaneTest, WhereThereAreNoRecordsTlsIsTakenWhereItIsOffered) {
  for (const DnsStatus status : {DnsStatus::kNoData, DnsStatus::kNxDomain}) {
    records_.status = status;
    records_.tlsa.clear();
    EXPECT_EQ(At("dane").level, TlsLevel::kMay);
  }
}

TEST_F(DaneTest, WhereDnsDoesNotAnswerNothingIsSentToTheHost) {
  for (const DnsStatus status : {DnsStatus::kServfail, DnsStatus::kTimeout, DnsStatus::kMalformed}) {
    records_.status = status;
    const TlsPolicy policy = At("dane");
    EXPECT_EQ(policy.level, TlsLevel::kDaneOnly);
    EXPECT_TRUE(policy.tlsa.empty());
  }
}

TEST_F(DaneTest, RecordsThatCanNotBeUsedStillDemandTls) {
  records_.tlsa = {{1, 1, 1, "pkix"}, {3, 9, 1, "selector"}, {3, 1, 1, ""}};
  const TlsPolicy policy = At("dane");
  EXPECT_EQ(policy.level, TlsLevel::kEncrypt);
  EXPECT_TRUE(At("dane-only").tlsa.empty());
}

TEST_F(DaneTest, ALiteralHasNoRecords) {
  endpoint_.host = "192.0.2.1";
  EXPECT_EQ(At("dane").level, TlsLevel::kMay);
}

}  // namespace
}  // namespace verifyd
