#include "verifyd/restriction/client.h"

#include <gtest/gtest.h>

namespace verifyd {
namespace {

TEST(ClientTest, IsAnIpv4AddressOrAnIpv6NetworkOf64Bits) {
  EXPECT_NE(ClientNumber("192.0.2.7"), ClientNumber("192.0.2.8"));
  EXPECT_EQ(ClientNumber("::ffff:192.0.2.7"), ClientNumber("192.0.2.7"));
  EXPECT_EQ(ClientNumber("2001:db8:0:1::1"), ClientNumber("2001:db8:0:1:ffff::2"));
  EXPECT_NE(ClientNumber("2001:db8:0:1::1"), ClientNumber("2001:db8:0:2::1"));
}

TEST(ClientTest, NobodyIsHeldToAccountForWhatThisMachineAsksOrHasNoName) {
  for (const char* client : {"", "unknown", "127.0.0.1", "::1", "::ffff:127.0.0.1"}) {
    EXPECT_EQ(ClientNumber(client), 0U) << client;
  }
}

TEST(ClientTest, WhoHasLoggedInIsHimselfWhereverHeComesFrom) {
  MailRequest request{.client_address = "192.0.2.7"};
  EXPECT_EQ(AskerOf(request), ClientNumber("192.0.2.7"));
  request.sasl_username = "joe";
  const uint64_t joe = AskerOf(request);
  EXPECT_NE(joe, ClientNumber("192.0.2.7"));
  request.client_address = "192.0.2.8";
  EXPECT_EQ(AskerOf(request), joe);
}

}  // namespace
}  // namespace verifyd
