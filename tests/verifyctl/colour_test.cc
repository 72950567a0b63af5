#include "verifyctl/colour.h"

#include <gtest/gtest.h>

namespace verifyd {
namespace {

TEST(ColourTest, TheStatusOfTheFirstLineIsColouredByWhatItMeans) {
  EXPECT_EQ(Coloured("a@b.example: deliverable\n  deliverable\n", "deliverable"),
            "a@b.example: \033[32mdeliverable\033[0m\n  deliverable\n");
  EXPECT_EQ(Coloured("a@b.example  undeliverable  no_such_user\n", "undeliverable"),
            "a@b.example  \033[31mundeliverable\033[0m  no_such_user\n");
  EXPECT_EQ(Coloured("a@b.example: unknown\n", "unknown"), "a@b.example: \033[33munknown\033[0m\n");
  EXPECT_EQ(Coloured("ok  helo\n", "ok"), "\033[32mok\033[0m  helo\n");
}

TEST(ColourTest, AnAddressThatHoldsTheWordIsNotColoured) {
  EXPECT_EQ(Coloured("unknown.user@unknown.example: unknown\n", "unknown"),
            "unknown.user@unknown.example: \033[33munknown\033[0m\n");
  EXPECT_EQ(Coloured("x.unknown@unknown.example: unknown\n", "unknown"),
            "x.unknown@unknown.example: \033[33munknown\033[0m\n");
}

TEST(ColourTest, WhereTheWordIsNotThereNothingIs) {
  EXPECT_EQ(Coloured("a@b.example: not cached\nunknown\n", "unknown"), "a@b.example: not cached\nunknown\n");
  EXPECT_EQ(Coloured("a@b.example: \n", ""), "a@b.example: \n");
}

}  // namespace
}  // namespace verifyd
