#include "verifyctl/import_verb.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <lmdb.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/verifyctl/kept_cache.h"
#include "verifyctl/exit_code.h"
#include "verifyctl/postfix_cache.h"

namespace verifyd {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ImportVerbTest : public KeptCacheTest {
 protected:
  ImportVerbTest() { Keep({}); }

  std::string Ago(absl::Duration ago) const { return absl::StrCat(absl::ToUnixSeconds(now_ - ago)); }

  // Returns it as postmap -s prints it.
  std::string Postfix() const {
    return absl::StrCat("_LAST_CACHE_CLEANUP_COMPLETED_\t1795408287\n",                        //
                        "asked@good.test\t3:1795408287:0:Address verification in progress\n",  //
                        "ann@Good.test\t0:0:", Ago(absl::Hours(1)), ":250 2.1.5 Ok\n",         //
                        "bob@good.test\t2:0:", Ago(absl::Hours(2)),
                        ":host mx.good.test[192.0.2.1] said: 550 5.1.1 <bob@good.test>: User unknown (in reply to "
                        "RCPT TO command)\n",
                        "cid@good.test\t2:0:", Ago(absl::Hours(2)),
                        ":host mx.good.test[192.0.2.1] said: 554 5.7.1 Service unavailable; Client host [192.0.2.9] "
                        "blocked using zen.spamhaus.org (in reply to RCPT TO command)\n",
                        "old@good.test\t2:0:", Ago(absl::Hours(24 * 30)), ":550 5.1.1 User unknown\n");
  }

  // Makes a cache as verify(8) writes it.
  std::string PostfixFile(const std::vector<std::pair<std::string, std::string>>& entries) const {
    std::string path = folder_.path() + "/postfix_cache.lmdb";
    MDB_env* env = nullptr;
    EXPECT_EQ(mdb_env_create(&env), 0);
    mdb_env_set_mapsize(env, size_t{16} << 20);
    EXPECT_EQ(mdb_env_open(env, path.c_str(), MDB_NOSUBDIR | MDB_NOLOCK, 0644), 0);
    MDB_txn* txn = nullptr;
    EXPECT_EQ(mdb_txn_begin(env, nullptr, 0, &txn), 0);
    MDB_dbi dbi = 0;
    EXPECT_EQ(mdb_dbi_open(txn, nullptr, 0, &dbi), 0);
    for (const auto& [key_text, value_text] : entries) {
      MDB_val key{key_text.size() + 1, const_cast<char*>(key_text.c_str())};
      MDB_val value{value_text.size() + 1, const_cast<char*>(value_text.c_str())};
      EXPECT_EQ(mdb_put(txn, dbi, &key, &value, 0), 0);
    }
    EXPECT_EQ(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
    return path;
  }

  std::string StatusOf(const std::string& address) {
    Run({"list"});
    for (const absl::string_view row : absl::StrSplit(out_, '\n')) {
      const std::vector<absl::string_view> fields = absl::StrSplit(row, ' ', absl::SkipEmpty());
      if (fields.size() > 2 && fields[0] == address) return absl::StrCat(fields[1], " ", fields[2]);
    }
    return "none";
  }
};

TEST_F(ImportVerbTest, WhatPostfixHasFoundOutIsTakenInAndJudgedByItsText) {
  EXPECT_EQ(Run({"import", "-"}, Postfix()), 0);
  EXPECT_EQ(out_,
            "imported 3 of 6 entries\n"
            "    1 expired\n"
            "    2 without information\n");
  EXPECT_EQ(StatusOf("ann@good.test"), "deliverable accepted");
  EXPECT_EQ(StatusOf("bob@good.test"), "undeliverable no_such_user");
  EXPECT_EQ(StatusOf("cid@good.test"), "unknown blocked_ip") << "a refusal of us is not about the recipient";
  EXPECT_EQ(Run({"show", "bob@good.test"}), 0);
  EXPECT_THAT(out_, HasSubstr("learned from          an import\n"));
}

TEST_F(ImportVerbTest, WordsOfTheAddressAreNotTakenForThoseOfTheServer) {
  EXPECT_EQ(
      Run({"import", "-"},
          absl::StrCat("x-members-only@good.test\t2:0:", Ago(absl::Hours(1)),
                       ":host mx.good.test[192.0.2.1] said: 550 5.1.1 Mailbox <x-members-only> does not exist\n")),
      0)
      << err_;
  EXPECT_EQ(StatusOf("x-members-only@good.test"), "undeliverable no_such_user");
}

TEST_F(ImportVerbTest, ItsTimesAndServersAreKept) {
  EXPECT_EQ(Run({"import", "-"}, Postfix()), 0);
  EXPECT_EQ(Run({"export", "--format", "postfix"}), 0);
  EXPECT_THAT(out_, HasSubstr(absl::StrCat("ann@good.test\t0:0:", Ago(absl::Hours(1)), ":250 2.1.5 Ok\n")));
  EXPECT_EQ(Run({"list", "--mx", "mx.good.test", "--older", "2h"}), 0);
  EXPECT_THAT(out_, HasSubstr("bob@good.test"));
}

TEST_F(ImportVerbTest, AnImportMayBeDoneAgain) {
  EXPECT_EQ(Run({"import", "-"}, Postfix()), 0);
  EXPECT_EQ(Run({"--json", "import", "-"}, Postfix()), 0);
  EXPECT_EQ(out_,
            "{\"entries\":6,\"imported\":0,\"not_stored\":0,\"older\":3,\"expired\":1,\"future\":0,\"uninformative\":2,"
            "\"unreadable\":0}\n");
}

TEST_F(ImportVerbTest, TheColonsOfALiteralAreRestored) {
  EXPECT_EQ(Run({"import", "-"}, absl::StrCat("ann@[IPv6_2001_db8__1]\t0:0:", Ago(absl::Hours(1)), ":250 Ok\n")), 0)
      << err_;
  EXPECT_EQ(StatusOf("ann@[IPv6:2001:db8::1]"), "deliverable accepted");
}

TEST_F(ImportVerbTest, WhatIsHeldAndNewerStays) {
  Keep({{"bob@good.test", PositiveRecord(now_ - absl::Minutes(1))}});
  EXPECT_EQ(Run({"import", "-"}, Postfix()), 0);
  EXPECT_THAT(out_, HasSubstr("1 not newer than what is held"));
  EXPECT_EQ(StatusOf("bob@good.test"), "deliverable accepted");
}

TEST_F(ImportVerbTest, OneImportedRefusalDoesNotOverturnALivePositive) {
  Keep({{"bob@good.test", PositiveRecord(now_ - absl::Hours(3))}});
  EXPECT_EQ(Run({"import", "-"}, Postfix()), 0);
  EXPECT_EQ(StatusOf("bob@good.test"), "deliverable accepted");
  EXPECT_EQ(Run({"show", "bob@good.test"}), 0);
  EXPECT_THAT(out_, HasSubstr("against it, until a second probe says the same"));
}

TEST_F(ImportVerbTest, AnLmdbFileOfPostfixIsReadAsItIs) {
  std::vector<std::pair<std::string, std::string>> entries = {
      {"_LAST_CACHE_CLEANUP_COMPLETED_", "1795408287"},
      {"a:b@good.test", absl::StrCat("0:0:", Ago(absl::Hours(1)), ":250 2.1.5 Ok: it is: there")}};
  for (int i = 0; i < 1200; ++i) {
    entries.emplace_back(absl::StrCat("user", i, "@good.test"), absl::StrCat("0:0:", Ago(absl::Hours(1)), ":250 Ok"));
  }
  const std::string path = PostfixFile(entries);
  const std::string before = ReadFile(path);
  EXPECT_EQ(Run({"import", path}), 0);
  EXPECT_EQ(out_, "imported 1201 of 1202 entries\n    1 without information\n");
  EXPECT_EQ(StatusOf("user1199@good.test"), "deliverable accepted");
  EXPECT_EQ(ReadFile(path), before);
  EXPECT_NE(::access((path + "-lock").c_str(), F_OK), 0) << "nothing is left beside it";
}

TEST_F(ImportVerbTest, WhoKeepsThatFileLockedIsNamed) {
  const std::string path = PostfixFile({});
  int locked[2];
  int looked[2];
  ASSERT_EQ(::pipe(locked), 0);
  ASSERT_EQ(::pipe(looked), 0);
  char byte = 0;
  const pid_t writer = ::fork();
  if (writer == 0) {
    const int fd = ::open(path.c_str(), O_RDWR);
    struct flock lock {};
    lock.l_type = F_WRLCK;
    ::fcntl(fd, F_SETLKW, &lock);
    (void)!::write(locked[1], "x", 1);
    (void)!::read(looked[0], &byte, 1);
    ::_exit(0);
  }
  ASSERT_EQ(::read(locked[0], &byte, 1), 1);
  const auto file = PostfixCacheFile::Open(path, absl::ZeroDuration());
  EXPECT_EQ(file.status(), absl::UnavailableError(absl::StrCat(path, ": locked for 0 by process ", writer)));
  ASSERT_EQ(::write(looked[1], "x", 1), 1);
  ::waitpid(writer, nullptr, 0);
  EXPECT_TRUE(PostfixCacheFile::Open(path, absl::ZeroDuration()).ok());
}

// verify(8) takes an exclusive lock of fcntl(2) to write.
TEST_F(ImportVerbTest, AWriterOfThatFileIsWaitedFor) {
  const std::string path = PostfixFile({{"ann@good.test", absl::StrCat("0:0:", Ago(absl::Hours(1)), ":250 Ok")}});
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t writer = ::fork();
  if (writer == 0) {
    const int fd = ::open(path.c_str(), O_RDWR);
    struct flock lock {};
    lock.l_type = F_WRLCK;
    ::fcntl(fd, F_SETLKW, &lock);
    (void)!::write(ready[1], "x", 1);
    ::usleep(200000);
    // Its last act under the lock.
    std::ofstream(path + ".written").flush();
    ::_exit(0);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_EQ(Run({"import", path}), 0);
  EXPECT_EQ(::access((path + ".written").c_str(), F_OK), 0);
  EXPECT_EQ(out_, "imported 1 of 1 entries\n");
  ::waitpid(writer, nullptr, 0);
}

TEST_F(ImportVerbTest, ABtreeFileIsNotReadButHowToPrintItIsSaid) {
  const std::string path = folder_.path() + "/verify_cache.db";
  WriteFile(path, absl::string_view("\0\0\0\0\0\0\0\0\0\0\0\0\x62\x31\x05\x00\x09\0\0\0", 20));
  EXPECT_EQ(Run({"import", path}), kExitBadAddress);
  EXPECT_THAT(err_, HasSubstr(absl::StrCat("postmap -s btree:", folder_.path(), "/verify_cache | verifyctl import -")));
}

TEST_F(ImportVerbTest, WhatDbDumpPrintsIsReadInBothOfItsForms) {
  const std::string time = Ago(absl::Hours(1));
  const std::string value = absl::StrCat("0:0:", time, ":250 \\ok", absl::string_view("\0", 1));
  EXPECT_EQ(Run({"import", "-"}, absl::StrCat("VERSION=3\nformat=bytevalue\ntype=btree\nHEADER=END\n ",
                                              absl::BytesToHexString(absl::string_view("ann@good.test\0", 14)), "\n ",
                                              absl::BytesToHexString(value), "\nDATA=END\n")),
            0);
  EXPECT_EQ(out_, "imported 1 of 1 entries\n") << err_;
  EXPECT_EQ(Run({"import", "-"},
                absl::StrCat("VERSION=3\nformat=print\ntype=btree\nHEADER=END\n bob@good.test\\00\n 0:0:", time,
                             ":250 \\\\ok\\00\nDATA=END\n")),
            0);
  EXPECT_EQ(out_, "imported 1 of 1 entries\n") << err_;
  EXPECT_EQ(Run({"export", "--format", "postfix"}), 0);
  EXPECT_EQ(out_, absl::StrCat("ann@good.test\t0:0:", time, ":250 \\ok\nbob@good.test\t0:0:", time, ":250 \\ok\n"));
}

TEST_F(ImportVerbTest, WhatIsExportedIsImportedTheSameInEveryFormat) {
  EXPECT_EQ(Run({"import", "-"}, Postfix()), 0);
  for (const std::string format : {"jsonl", "csv", "postfix"}) {
    EXPECT_EQ(Run({"export", "--format", format}), 0);
    const std::string exported = out_;
    EXPECT_EQ(Run({"purge", "--older", "0s"}), 0);
    EXPECT_EQ(Run({"import", "-"}, exported), 0);
    EXPECT_EQ(out_, "imported 3 of 3 entries\n") << err_;
    EXPECT_EQ(Run({"export", "--format", format}), 0);
    EXPECT_EQ(out_ == exported, true) << format << "\n" << exported << "\n" << out_;
  }
}

TEST_F(ImportVerbTest, WhatCanNotBeReadIsSaidAndTheRestIsTakenIn) {
  EXPECT_EQ(Run({"import", "-"}, absl::StrCat("nonsense\nann@good.test\t0:0:", Ago(absl::Hours(1)),
                                              ":250 Ok\nnobody\t0:0:", Ago(absl::Hours(1)), ":250 Ok\n")),
            kExitBadAddress);
  EXPECT_THAT(err_, HasSubstr("standard input: line 1: found \"\", expected STATUS:PROBED:UPDATED:TEXT"));
  EXPECT_THAT(err_, HasSubstr("\"nobody\": byte 6"));
  EXPECT_EQ(out_, "imported 1 of 3 entries\n    2 that can not be read\n");
}

TEST_F(ImportVerbTest, OnlySoManyErrorsAreShown) {
  std::string text;
  for (int i = 0; i < 1000; ++i) absl::StrAppend(&text, "nonsense\n");
  EXPECT_EQ(Run({"import", "-"}, text), kExitBadAddress);
  EXPECT_EQ(std::count(err_.begin(), err_.end(), '\n'), 10);
  EXPECT_THAT(out_, HasSubstr("1000 that can not be read"));
}

TEST_F(ImportVerbTest, HostileLinesAreBounded) {
  EXPECT_EQ(Run({"import", "-"}, absl::StrCat("a@good.test\t0:0:", Ago(absl::Hours(1)), ":", std::string(1000000, 'x'),
                                              "\n{\"b\":\x1b[31m\n")),
            kExitBadAddress);
  EXPECT_THAT(out_, HasSubstr("imported 1 of 2 entries"));
  EXPECT_THAT(err_, Not(HasSubstr("\x1b")));
}

TEST_F(ImportVerbTest, ARecordFromTheFutureIsNotTakenIn) {
  EXPECT_EQ(Run({"import", "-"}, absl::StrCat("ann@good.test\t0:0:", Ago(-absl::Hours(24)), ":250 Ok\n")), 0);
  EXPECT_THAT(out_, HasSubstr("1 from the future"));
  EXPECT_EQ(StatusOf("ann@good.test"), "none");
}

TEST_F(ImportVerbTest, OurOwnFileIsNotTakenForOneOfPostfix) {
  EXPECT_EQ(Run({"import", file()}), kExitBadAddress);
  EXPECT_THAT(err_, HasSubstr("a cache of verifyd, expected one of Postfix"));
}

TEST_F(ImportVerbTest, AFileThatIsNotThereIsSaid) {
  EXPECT_EQ(Run({"import", folder_.path() + "/absent"}), kExitNoInput);
  EXPECT_THAT(err_, HasSubstr("/absent: No such file"));
}

TEST_F(ImportVerbTest, AnotherHeadOfCsvIsRefusedAsAWhole) {
  EXPECT_EQ(Run({"import", "-"}, "address,state\nann@good.test,fine\n"), kExitBadAddress);
  EXPECT_THAT(err_, HasSubstr("line 1: found columns address,state"));
}

}  // namespace
}  // namespace verifyd
