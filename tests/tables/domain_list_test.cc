#include "tables/domain_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

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

TEST(DomainListTest, AFileStandsForItsItemsWhateverTheyAre) {
  const std::string path = testing::TempDir() + "/relay";
  std::ofstream(path) << "# ours\nexample.com, Example.NET\n  .below.test inline:{table.test=x}\n!no.test\n";
  const auto list = DomainList::Create({path});
  ASSERT_THAT(list, IsOk());
  EXPECT_TRUE(list->Contains(A("a@mail.example.com")));
  EXPECT_TRUE(list->Contains(A("a@example.net")));
  EXPECT_TRUE(list->Contains(A("a@x.below.test")));
  EXPECT_TRUE(list->Contains(A("a@table.test")));
  EXPECT_FALSE(list->Contains(A("a@no.test")));
  std::ofstream(path) << "ok.test\nnot_a..domain\n";
  EXPECT_THAT(DomainList::Create({path}), FailsWith(path + ":2: \"not_a..domain\""));
  std::ofstream(path) << path << "\n";
  EXPECT_THAT(DomainList::Create({path}), FailsWith("files name files"));
  EXPECT_THAT(DomainList::Create({"/nonexistent/relay"}), FailsWith("/nonexistent/relay: can not be opened"));
}

TEST(DomainListTest, TheFirstItemThatFitsDecides) {
  const DomainList list = *DomainList::Create({"!spam.example.com", "example.com", "!example.net", "sub.example.net"});
  EXPECT_FALSE(list.Contains(A("a@spam.example.com")));
  EXPECT_FALSE(list.Contains(A("a@x.spam.example.com")));
  EXPECT_TRUE(list.Contains(A("a@www.example.com")));
  EXPECT_FALSE(list.Contains(A("a@sub.example.net")));
  EXPECT_FALSE(list.ContainsExactly("spam.example.com"));
  EXPECT_TRUE(list.ContainsExactly("example.com"));
  DomainList all = *DomainList::Create({"!no.test", "*"});
  EXPECT_FALSE(all.Contains(A("a@no.test")));
  EXPECT_TRUE(all.Contains(A("a@any.test")));
  all.AddRoutes({*TransportTable::Parse("t", "no.test smtp:[127.0.0.1]:25\n")});
  EXPECT_FALSE(all.Contains(A("a@no.test")));
  EXPECT_TRUE(DomainList::Create({"!no.test"})->empty());
}

TEST(DomainListTest, AFileBehindAnExclamationMarkIsWhatIsNotMeant) {
  const std::string path = testing::TempDir() + "/not";
  std::ofstream(path) << "no.test\n!yes.test\n";
  const DomainList list = *DomainList::Create({"!" + path, "*"});
  EXPECT_FALSE(list.Contains(A("a@no.test")));
  EXPECT_TRUE(list.Contains(A("a@yes.test")));
}

TEST(DomainListTest, WithoutParentsOnlyADotStandsForWhatIsBelow) {
  const auto load = [](absl::string_view spec) { return Table::Load(spec); };
  const DomainList list =
      *DomainList::Create({"example.com", ".below.test", "inline:{ {table.test = x} {.dot.test = x} }"}, load,
                          {.below = DomainList::Below::kDotted});
  EXPECT_TRUE(list.Contains(A("a@example.com")));
  EXPECT_FALSE(list.Contains(A("a@www.example.com")));
  EXPECT_TRUE(list.Contains(A("a@x.below.test")));
  EXPECT_TRUE(list.Contains(A("a@table.test")));
  EXPECT_FALSE(list.Contains(A("a@www.table.test")));
  EXPECT_TRUE(list.Contains(A("a@www.dot.test")));
}

TEST(DomainListTest, KeysOfATableThatAreNoDomainsDoNoHarm) {
  const DomainList list = *DomainList::Create({"inline:{ {joe@example.com = x} {@example.net = y} {alias.test = z} }"});
  EXPECT_TRUE(list.ContainsExactly("alias.test"));
  EXPECT_FALSE(list.ContainsExactly("example.com"));
  EXPECT_FALSE(list.ContainsExactly("example.net"));
}

TEST(DomainListTest, TablesThatAreNotInMemoryAreAskedInTheirTurn) {
  const auto load = [](absl::string_view spec) { return Table::Load(spec); };
  EXPECT_THAT(DomainList::Create({"proxy:mysql:/relay.cf"}), FailsWith("expected a table that can be read whole"));
  const DomainList list =
      *DomainList::Create({"!no.test", "proxy:mysql:/relay.cf", "text.test"}, load, {.askable = true});
  std::vector<std::string> asked;
  const auto ask = [&](const Table& table, absl::string_view key) -> absl::StatusOr<bool> {
    EXPECT_EQ(table.spec(), "proxy:mysql:/relay.cf");
    asked.emplace_back(key);
    if (key == "broken.test") return absl::UnavailableError("no server");
    return key == "customer.test";
  };
  EXPECT_TRUE(*list.Contains(A("a@mail.customer.test"), ask));
  EXPECT_THAT(asked, testing::ElementsAre("mail.customer.test", ".customer.test", "customer.test"));
  asked.clear();
  EXPECT_FALSE(*list.Contains(A("a@no.test"), ask));
  EXPECT_THAT(asked, testing::IsEmpty());
  EXPECT_TRUE(*list.ContainsExactly("text.test", ask));
  EXPECT_THAT(list.Contains(A("a@broken.test"), ask), FailsWith("no server"));
  EXPECT_FALSE(list.Contains(A("a@customer.test")));
  EXPECT_FALSE(list.empty());
}

TEST(DomainListTest, RoutesBelongToItButNotTheirStar) {
  DomainList list = *DomainList::Create({});
  list.AddRoutes({*TransportTable::Parse("t", "routed.test smtp:[127.0.0.1]:25\n* smtp:[127.0.0.2]\n")});
  EXPECT_TRUE(list.Contains(A("a@routed.test")));
  EXPECT_FALSE(list.Contains(A("a@other.test")));
  EXPECT_FALSE(list.empty());
}

TEST(DomainListTest, AListThatIsAppendedStaysOfItsKind) {
  const auto load = [](absl::string_view spec) { return Table::Load(spec); };
  DomainList list = *DomainList::Create({"example.com"});
  list.Append(*DomainList::Create({"here.test", ".dot.test"}, load, {.below = DomainList::Below::kNone}));
  EXPECT_TRUE(list.Contains(A("a@www.example.com")));
  EXPECT_TRUE(list.Contains(A("a@here.test")));
  EXPECT_FALSE(list.Contains(A("a@www.here.test")));
  EXPECT_FALSE(list.Contains(A("a@www.dot.test")));
}

TEST(DomainListTest, ARouteThatLeadsNowhereElseMadeStrangersOurs) {
  const auto table = *TransportTable::Parse("t", "slow.test relay:\nrouted.test smtp:[127.0.0.1]\n* relay:\n");
  DomainList list = *DomainList::Create({});
  list.AddRoutes({table}, /*only_elsewhere=*/true);
  EXPECT_FALSE(list.Contains(A("a@slow.test")));
  EXPECT_TRUE(list.Contains(A("a@routed.test")));
  EXPECT_EQ(list.size(), 1U);
  EXPECT_THAT(list.Domains(), testing::ElementsAre("routed.test"));
  list.AddRoutes({table});
  EXPECT_TRUE(list.Contains(A("a@slow.test")));
}

TEST(DomainListTest, ADomainThatIsNamedAndRoutedWasCountedTwice) {
  DomainList list = *DomainList::Create({"both.test", "named.test"});
  list.AddRoutes(
      {*TransportTable::Parse("t", "both.test smtp:[127.0.0.1]\n.both.test smtp:[127.0.0.1]\nrouted.test :\n")});
  EXPECT_EQ(list.size(), 3U);
}

TEST(DomainListTest, NamesTheItemThatIsNoDomain) {
  EXPECT_THAT(DomainList::Create({"ok.test", "not a domain"}), FailsWith("not a domain"));
}

}  // namespace
}  // namespace verifyd
