#include "dns/blocklist.h"

#include <gtest/gtest.h>

#include "tests/status_matchers.h"

namespace verifyd {
namespace {

TEST(BlocklistTest, ClientsAreAskedForInReverse) {
  const Blocklist list = *Blocklist::Parse("bl.example");
  EXPECT_EQ(list.NameOf("192.0.2.7"), "7.2.0.192.bl.example");
  EXPECT_EQ(list.NameOf("2001:db8::1"), "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.example");
  for (const char* none : {"", "unknown", "192.0.2", "/run/socket"}) EXPECT_EQ(list.NameOf(none), "") << none;
}

TEST(BlocklistTest, AFilterSaysWhichRepliesList) {
  EXPECT_TRUE(Blocklist::Parse("bl.example")->Lists("127.0.0.9"));
  EXPECT_FALSE(Blocklist::Parse("bl.example")->Lists("::1"));
  const Blocklist some = *Blocklist::Parse("bl.example=127.0.[0;1].[2;4..8]");
  for (const char* listed : {"127.0.0.2", "127.0.1.4", "127.0.0.8"}) EXPECT_TRUE(some.Lists(listed)) << listed;
  for (const char* other : {"127.0.0.3", "127.0.2.2", "127.0.0.9", "128.0.0.2"})
    EXPECT_FALSE(some.Lists(other)) << other;
}

TEST(BlocklistTest, ErrorsSayWhatWasExpected) {
  for (const char* bad : {"bl.example=", "bl.example=127.0.0", "bl.example=127.0.0.256", "bl.example=127.0.0.[8..4]",
                          "bl.example=127.0.0.[2", "bl.example=127.0.0.2.3"}) {
    EXPECT_THAT(Blocklist::Parse(bad), FailsWith("expected four octets")) << bad;
  }
}

}  // namespace
}  // namespace verifyd
