#include "probe/domain_list.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "tests/status_matchers.h"

namespace verifyd {
namespace {

Address A(absl::string_view text) { return *Address::Parse(text); }

TEST(DomainListTest, ADomainStandsForItselfAndWhatIsBelowIt) {
  const DomainList list = *DomainList::Create({"Example.COM", ".below.test"});
  EXPECT_TRUE(list.Contains(A("a@example.com")));
  EXPECT_TRUE(list.Contains(A("a@mail.example.com")));
  EXPECT_FALSE(list.Contains(A("a@notexample.com")));
  EXPECT_TRUE(list.Contains(A("a@x.below.test")));
  EXPECT_FALSE(list.Contains(A("a@below.test")));
}

TEST(DomainListTest, AStarIsAll) {
  EXPECT_TRUE(DomainList::Create({"*"})->Contains(A("a@anything.test")));
  EXPECT_TRUE(DomainList::Create({})->empty());
  EXPECT_FALSE(DomainList::Create({"*"})->empty());
}

TEST(DomainListTest, AStarNamesNobody) {
  const DomainList list = *DomainList::Create({"*", "example.com"});
  EXPECT_TRUE(list.Names(A("a@mail.example.com")));
  EXPECT_FALSE(list.Names(A("a@anything.test")));
}

TEST(DomainListTest, ATableGivesItsKeys) {
  const std::string path = testing::TempDir() + "/domains";
  std::ofstream(path) << "# domains\nexample.com OK\n  continued\nexample.net\trelay\n";
  const auto list = DomainList::Create({"texthash:" + path});
  ASSERT_THAT(list, IsOk());
  EXPECT_TRUE(list->Contains(A("a@example.net")));
  EXPECT_FALSE(list->Contains(A("a@example.org")));
  EXPECT_THAT(DomainList::Create({"texthash:/nonexistent"}), FailsWith("/nonexistent"));
}

TEST(DomainListTest, RoutesBelongToItButNotTheirStar) {
  DomainList list = *DomainList::Create({});
  list.AddRoutes({*TransportTable::Parse("t", "routed.test smtp:[127.0.0.1]:25\n* smtp:[127.0.0.2]\n")});
  EXPECT_TRUE(list.Contains(A("a@routed.test")));
  EXPECT_FALSE(list.Contains(A("a@other.test")));
  EXPECT_FALSE(list.empty());
}

TEST(DomainListTest, NamesTheItemThatIsNoDomain) {
  EXPECT_THAT(DomainList::Create({"ok.test", "not a domain"}), FailsWith("not a domain"));
}

}  // namespace
}  // namespace verifyd
