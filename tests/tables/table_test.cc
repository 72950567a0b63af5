#include "tables/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utime.h>

#include <cstdio>
#include <fstream>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "tests/status_matchers.h"

namespace verifyd {
namespace {

class TableTest : public testing::Test {
 protected:
  void SetUp() override {
    std::ofstream(path_) << "# comment\nKey@Example.COM  value one\nother\tvalue\n  continued\n";
  }
  void TearDown() override {
    for (const char* ending : {"", ".db", ".lmdb"}) std::remove((path_ + ending).c_str());
  }
  // Makes a compiled file that is so many seconds newer than its source.
  void Compile(const std::string& ending, int newer) {
    std::ofstream(path_ + ending) << "compiled";
    struct stat source {};
    ASSERT_EQ(stat(path_.c_str(), &source), 0);
    const utimbuf times = {source.st_mtime + newer, source.st_mtime + newer};
    ASSERT_EQ(utime((path_ + ending).c_str(), &times), 0);
  }

  const std::string path_ = absl::StrCat(testing::TempDir(), "/table-", getpid());
};

TEST_F(TableTest, EveryTypeThatHasASourceIsReadFromIt) {
  for (const char* type : {"texthash:", "hash:", "btree:", "lmdb:", "cdb:", "proxy:hash:"}) {
    const auto table = Table::Load(type + path_);
    ASSERT_THAT(table, IsOk()) << type;
    EXPECT_EQ((*table)->Find("KEY@example.com"), "value one") << type;
    EXPECT_EQ((*table)->Find("other"), "value continued") << type;
    EXPECT_EQ((*table)->Find("third"), std::nullopt) << type;
    EXPECT_EQ((*table)->size(), 2U) << type;
  }
}

TEST_F(TableTest, AValueIsCheckedOnceAndNumberedHoweverManyEntriesHaveIt) {
  std::vector<std::string> checked;
  const auto table = Table::Parse("t", "a reject\nb  ok\nC reject\nb other\n", [&](absl::string_view value) {
    checked.emplace_back(value);
    return absl::OkStatus();
  });
  ASSERT_THAT(table, IsOk());
  EXPECT_THAT(checked, testing::ElementsAre("reject", "ok", "other"));
  EXPECT_EQ((*table)->FindNumber("a"), 0U);
  EXPECT_EQ((*table)->FindNumber("b"), 1U);
  EXPECT_EQ((*table)->FindNumber("c"), 0U);
  EXPECT_EQ((*table)->FindNumber("d"), std::nullopt);
  EXPECT_THAT((*table)->Keys(), testing::ElementsAre("a", "b", "c"));
}

TEST_F(TableTest, AValueThatIsRefusedIsNamedWithItsLine) {
  const auto refuse = [](absl::string_view value) {
    return value == "bad" ? absl::InvalidArgumentError("found bad") : absl::OkStatus();
  };
  EXPECT_THAT(Table::Parse("t", "# comment\na good\n\nb\n  bad\nc good\n", refuse), FailsWith("t:4: found bad"));
  EXPECT_THAT(Table::Parse("t", "\n  a good\n", refuse), FailsWith("t:2: \"a good\": expected a pattern at the start"));
}

TEST_F(TableTest, ACompiledFileThatIsOlderIsAWarning) {
  const CapturedLog log;
  Compile(".db", -10);
  Compile(".lmdb", -10);
  EXPECT_THAT(Table::Load("texthash:" + path_), IsOk());
  EXPECT_FALSE(log.Contains("is older than"));
  EXPECT_THAT(Table::Load("hash:" + path_), IsOk());
  EXPECT_TRUE(log.Contains(path_ + ".db is older than " + path_));
  EXPECT_THAT(Table::Load("lmdb:" + path_), IsOk());
  EXPECT_TRUE(log.Contains(path_ + ".lmdb is older than " + path_));
}

TEST_F(TableTest, ACompiledFileOfTheSameTimeOrLaterIsFine) {
  const CapturedLog log;
  Compile(".db", 0);
  Compile(".lmdb", 10);
  EXPECT_THAT(Table::Load("lmdb:" + path_), IsOk());
  EXPECT_THAT(Table::Load("hash:" + path_), IsOk());
  EXPECT_FALSE(log.Contains("is older than"));
}

TEST_F(TableTest, AnInlineTableStandsInTheSetting) {
  const auto braced = Table::Load("inline:{ {a@b.example = smtp:[mx]:25}, { c = d e } }");
  ASSERT_THAT(braced, IsOk());
  EXPECT_EQ((*braced)->Find("a@b.example"), "smtp:[mx]:25");
  EXPECT_EQ((*braced)->Find("c"), "d e");
  const auto plain = Table::Load("inline:{ a = b, c=d }");
  ASSERT_THAT(plain, IsOk());
  EXPECT_EQ((*plain)->Find("a"), "b");
  EXPECT_EQ((*plain)->Find("c"), "d");
}

TEST_F(TableTest, ASocketmapIsAPlaceAndAName) {
  const auto unix_socket = Table::Load("socketmap:unix:/run/map.sock:transport");
  ASSERT_THAT(unix_socket, IsOk());
  EXPECT_EQ(std::get<SocketmapPlace>(*(*unix_socket)->remote()).path, "/run/map.sock");
  EXPECT_EQ(std::get<SocketmapPlace>(*(*unix_socket)->remote()).map, "transport");
  const auto inet = Table::Load("socketmap:inet:[::1]:10099:transport");
  ASSERT_THAT(inet, IsOk());
  EXPECT_EQ(std::get<SocketmapPlace>(*(*inet)->remote()).host, "::1");
  EXPECT_EQ(std::get<SocketmapPlace>(*(*inet)->remote()).port, 10099);
}

TEST_F(TableTest, WhatIsNoTableIsNamedWithWhatWasExpected) {
  for (const char* bad :
       {"", "x", "texthash:", "mysql:/etc/x", "socketmap:unix:relative:name", "socketmap:inet:host:name",
        "socketmap:inet:host:99999:name", "inline:a=b", "regexp:/etc/x"}) {
    EXPECT_THAT(Table::Load(bad), FailsWith("expected texthash:/PATH")) << bad;
  }
  EXPECT_THAT(Table::Load("inline:{ novalue }"), FailsWith("expected KEY = VALUE"));
  EXPECT_THAT(Table::Load("texthash:/nonexistent"), FailsWith("can not be opened"));
}

TEST_F(TableTest, ATypeThatOnlyPostfixReadsIsAskedOfProxymapWhereThatIsSaid) {
  const auto table = Table::Load("proxy:mysql:/etc/postfix/aliases.cf");
  ASSERT_THAT(table, IsOk());
  ASSERT_TRUE((*table)->remote().has_value());
  EXPECT_EQ(std::get<ProxiedTable>(*(*table)->remote()).name, "mysql:/etc/postfix/aliases.cf");
  EXPECT_THAT(Table::Load("mysql:/etc/postfix/aliases.cf"), FailsWith("proxy:TYPE:NAME"));
  EXPECT_THAT(Table::Load("proxy:mysql:"), FailsWith("table \"proxy:mysql:\""));
}

TEST_F(TableTest, ATableWhoseSourceIsNotThereIsAskedOfProxymapWhereThatIsSaid) {
  const auto table = Table::Load("proxy:hash:/nonexistent/aliases");
  ASSERT_THAT(table, IsOk());
  EXPECT_EQ(std::get<ProxiedTable>(*(*table)->remote()).name, "hash:/nonexistent/aliases");
  EXPECT_THAT(Table::Load("hash:/nonexistent/aliases"), FailsWith("/nonexistent/aliases"));
}

}  // namespace
}  // namespace verifyd
