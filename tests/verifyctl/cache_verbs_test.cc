// The verbs about the whole cache, with a cache of a daemon that does not run. The system tests have them beside a
// running one.
#include "verifyctl/cache_verbs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/verifyctl/kept_cache.h"
#include "verifyctl/exit_code.h"

namespace verifyd {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

using CacheVerbsTest = KeptCacheTest;

TEST_F(CacheVerbsTest, AListIsAligned) {
  KeepSome();
  EXPECT_EQ(Run({"list", "--domain", "example.com"}), 0);
  EXPECT_EQ(
      out_,
      "ADDRESS                                  STATUS        REASON                   AGE         MX\n"
      "ann@example.com                          deliverable   accepted                 1 hour      mx.example.com\n"
      "bob@example.com                          undeliverable no_such_user             2 days      mx.example.com\n");
  EXPECT_THAT(err_, HasSubstr("looking into its cache"));
}

TEST_F(CacheVerbsTest, AListOfNothingIsEmpty) {
  KeepSome();
  EXPECT_EQ(Run({"list", "--status", "risky"}), 0);
  EXPECT_EQ(out_, "");
}

TEST_F(CacheVerbsTest, AListIsJsonWhereThatIsWanted) {
  KeepSome();
  EXPECT_EQ(Run({"--json", "list"}), 0);
  EXPECT_THAT(out_, StartsWith("{\"address\":\"ann@example.com\",\"record\":{"));
}

TEST_F(CacheVerbsTest, AWrongFilterIsSaid) {
  KeepSome();
  EXPECT_EQ(Run({"list", "--reason", "bad_luck"}), kExitUsage);
  EXPECT_THAT(err_, HasSubstr("--reason: found \"bad_luck\""));
}

TEST_F(CacheVerbsTest, APurgeSaysWhatItHasDeleted) {
  KeepSome();
  EXPECT_EQ(Run({"purge", "--older", "2d", "--dry-run"}), 0);
  EXPECT_EQ(out_, "would delete 1 of 3 records\n");
  EXPECT_EQ(Run({"--json", "purge", "--older", "2d"}), 0);
  EXPECT_EQ(out_, "{\"examined\":3,\"matched\":1,\"deleted\":1}\n");
  EXPECT_EQ(Run({"purge", "--domain", "example.com"}), 0);
  EXPECT_EQ(out_, "deleted 1 of 2 records\n");
  EXPECT_EQ(Run({"purge"}), kExitUsage);
  EXPECT_THAT(err_, HasSubstr("say which"));
}

TEST_F(CacheVerbsTest, NothingIsChangedWhileAnotherProcessHasTheCacheOpen) {
  KeepSome();
  const pid_t other = ::fork();
  if (other == 0) {
    ::pause();
    ::_exit(0);
  }
  std::ofstream(absl::StrCat(file(), "-open.", other)).flush();
  EXPECT_EQ(Run({"purge", "--older", "0s"}), kExitUnavailable);
  EXPECT_THAT(err_, HasSubstr(absl::StrCat("is not changed: process ", other, " has it open")));
  EXPECT_EQ(Run({"delete", "ann@example.com"}), kExitUnavailable);
  EXPECT_EQ(Run({"list", "--domain", "example.org"}), 0);
  EXPECT_THAT(out_, HasSubstr("cid"));
  ::kill(other, SIGKILL);
  ::waitpid(other, nullptr, 0);
  EXPECT_EQ(Run({"purge", "--older", "0s"}), 0);
}

TEST_F(CacheVerbsTest, CleaningRemovesWhatHasExpired) {
  Keep({{"old@example.com", {.finding = NegativeFinding(now_ - absl::Hours(24 * 30))}},
        {"new@example.com", PositiveRecord(now_)}});
  EXPECT_EQ(Run({"clean"}), 0) << err_;
  EXPECT_EQ(out_, "2 records and 0 domains before, 1 and 0 now\n");
  EXPECT_EQ(Run({"list"}), 0);
  EXPECT_THAT(out_, Not(HasSubstr("old@example.com")));
}

TEST_F(CacheVerbsTest, AnExportIsJsonLines) {
  KeepSome();
  EXPECT_EQ(Run({"export", "--domain", "example.org"}), 0);
  EXPECT_THAT(out_, StartsWith("{\"address\":\"cid \\\"c\\\", d@example.org\",\"record\":{"));
}

TEST_F(CacheVerbsTest, AnExportAsCsvHasAHeadAndQuotesWhatMustBe) {
  KeepSome();
  EXPECT_EQ(Run({"export", "--format", "csv"}), 0);
  const std::vector<std::string> lines = absl::StrSplit(out_, '\n', absl::SkipEmpty());
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[0],
            "address,status,reason,scope,stage,rule,code,enhanced,text,mx,mx_address,updated,first_seen,last_positive,"
            "negative_since");
  EXPECT_THAT(lines[1], StartsWith("ann@example.com,deliverable,accepted,address,rcpt,accepted,250,2.1.5,250 2.1.5 Ok,"
                                   "mx.example.com,192.0.2.1,20"));
  EXPECT_THAT(lines[3], StartsWith("\"cid \"\"c\"\", d@example.org\",deliverable,"));
}

TEST_F(CacheVerbsTest, AnExportForPostfixIsWhatPostmapReads) {
  KeepSome();
  EXPECT_EQ(Run({"export", "--format", "postfix"}), 0);
  EXPECT_EQ(out_, absl::StrCat("ann@example.com\t0:0:", absl::ToUnixSeconds(now_ - absl::Hours(1)),
                               ":250 2.1.5 Ok\nbob@example.com\t2:0:", absl::ToUnixSeconds(now_ - absl::Hours(49)),
                               ":host mx.example.com[2001:db8::1] said: 550 5.1.1 Nutzer unbekannt: münchen (in reply "
                               "to RCPT TO command)\n"));
  EXPECT_THAT(err_, HasSubstr("1 records do not fit this format"));
}

TEST_F(CacheVerbsTest, AFormatThatThereIsNotIsSaid) {
  EXPECT_EQ(Run({"export", "--format", "xml"}), kExitUsage);
  EXPECT_EQ(err_, "verifyctl: --format: found \"xml\", expected jsonl, csv or postfix; see `verifyctl help export`\n");
}

}  // namespace
}  // namespace verifyd
