#include "base/netstring.h"

#include <gtest/gtest.h>

namespace verifyd {
namespace {

TEST(NetstringTest, IsTakenWhenItIsAllThereAndRefusedWhenItIsNone) {
  EXPECT_EQ(*ParseNetstring("9:NOTFOUND ,"), "NOTFOUND ");
  EXPECT_EQ(**ParseNetstring("0:,"), "");
  for (const char* part : {"", "9", "9:", "9:NOTFOUND "}) EXPECT_FALSE(ParseNetstring(part)->has_value()) << part;
  for (const char* bad : {"x", "-1:x,", "3:abcd", "999999999:", "100001:", ":,", "12345678"}) {
    EXPECT_FALSE(ParseNetstring(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace verifyd
