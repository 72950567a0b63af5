#include "verifyctl/store_verbs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "tests/verifyctl/kept_cache.h"
#include "verifyctl/exit_code.h"
#include "verifyctl/progress.h"

namespace verifyd {
namespace {

using ::testing::HasSubstr;

class StoreVerbsTest : public KeptCacheTest {
 protected:
  StoreVerbsTest() { KeepSome(); }
  std::string backup() const { return folder_.path() + "/backup"; }
};

TEST_F(StoreVerbsTest, ASoundCacheIsSound) {
  EXPECT_EQ(Run({"check"}), 0) << err_;
  EXPECT_EQ(out_, "3 records, 0 domains, 0 destinations, 0 pins, 3 entries of the due index: sound\n");
  EXPECT_EQ(Run({"--json", "check"}), 0);
  EXPECT_EQ(out_,
            "{\"records\":3,\"domains\":0,\"destinations\":0,\"pins\":0,\"due\":3,\"faults\":0,\"other_lifetimes\":0,"
            "\"left_over\":0}\n");
}

// Changes Bob's record, so that its checksum does not fit.
void Damage(const std::string& file) {
  std::string bytes = ReadFile(file);
  size_t found = 0;
  for (size_t at = bytes.find("Nutzer"); at != std::string::npos; at = bytes.find("Nutzer", at + 1), ++found) {
    bytes[at] = 'n';
  }
  ASSERT_GT(found, 0U);
  WriteFile(file, bytes);
}

TEST_F(StoreVerbsTest, ADamagedRecordIsNamedAndTheExitCodeSaysSo) {
  Damage(file());
  EXPECT_EQ(Run({"check"}), 1);
  EXPECT_THAT(out_, HasSubstr("record bob@example.com: it can not be read and counts as absent"));
}

TEST_F(StoreVerbsTest, ABackupWithADamagedRecordIsRestoredWithoutHidingThat) {
  EXPECT_EQ(Run({"backup", backup()}), 0) << err_;
  Damage(backup());
  EXPECT_EQ(Run({"restore", backup()}), 1);
  EXPECT_THAT(out_, HasSubstr("record bob@example.com: it can not be read and counts as absent"));
  EXPECT_THAT(out_, HasSubstr(": 1 faults\n"));
  EXPECT_EQ(Run({"list"}), 0);
  EXPECT_THAT(out_, HasSubstr("ann@example.com"));
}

TEST_F(StoreVerbsTest, ABackupIsRestored) {
  EXPECT_EQ(Run({"backup", backup()}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr(backup() + ": "));
  EXPECT_EQ(Run({"purge", "--older", "0s"}), 0);
  EXPECT_EQ(Run({"restore", backup()}), 0) << err_;
  EXPECT_EQ(out_, "3 records, 0 domains, 0 destinations, 0 pins, 3 entries of the due index: sound\n");
  EXPECT_EQ(Run({"list"}), 0);
  EXPECT_THAT(out_, HasSubstr("ann@example.com"));
  struct stat restored {};
  ASSERT_EQ(::stat(file().c_str(), &restored), 0);
  EXPECT_EQ(restored.st_mode & 0777, 0600U);
}

TEST_F(StoreVerbsTest, ABackupIsRestoredWhereNoCacheIs) {
  EXPECT_EQ(Run({"backup", backup()}), 0);
  std::filesystem::remove(file());
  EXPECT_EQ(Run({"check"}), kExitNoInput);
  EXPECT_EQ(Run({"restore", backup()}), 0) << err_;
  EXPECT_EQ(Run({"check"}), 0);
}

TEST_F(StoreVerbsTest, ABackupOverwritesNothing) {
  WriteFile(backup(), "precious");
  EXPECT_EQ(Run({"backup", backup()}), kExitBadAddress);
  EXPECT_THAT(err_, HasSubstr("is there already"));
  EXPECT_EQ(ReadFile(backup()), "precious");
}

TEST_F(StoreVerbsTest, WhatIsNoCacheIsNotRestored) {
  const std::string before = ReadFile(file());
  WriteFile(backup(), std::string(8192, 'x'));
  EXPECT_EQ(Run({"restore", backup()}), kExitBadAddress);
  EXPECT_EQ(ReadFile(file()), before);
  EXPECT_EQ(Run({"restore", backup() + "-absent"}), kExitNoInput);
  EXPECT_NE(::access((file() + ".new").c_str(), F_OK), 0);
}

TEST_F(StoreVerbsTest, CompactingKeepsWhatIsHeldAndGivesBackTheRest) {
  std::vector<std::pair<std::string, Record>> records;
  constexpr int kMany = 5000;
  records.reserve(kMany);
  for (int i = 0; i < kMany; ++i) records.emplace_back(absl::StrCat("user", i, "@example.net"), PositiveRecord(now_));
  Keep(records);
  EXPECT_EQ(Run({"purge", "--domain", "example.net"}), 0);
  const auto before = std::filesystem::file_size(file());
  EXPECT_EQ(Run({"compact"}), 0) << err_;
  EXPECT_LT(std::filesystem::file_size(file()), before / 2);
  EXPECT_THAT(out_, HasSubstr(absl::StrCat(ByteText(before), " before, ", ByteText(std::filesystem::file_size(file())),
                                           " now")));
  EXPECT_EQ(Run({"check"}), 0);
  EXPECT_THAT(out_, HasSubstr("3 records"));
}

TEST_F(StoreVerbsTest, NeitherRestoreNorCompactTouchesWhatAnotherProcessHasOpen) {
  EXPECT_EQ(Run({"backup", backup()}), 0);
  const std::string before = ReadFile(file());
  const pid_t other = ::fork();
  if (other == 0) {
    ::pause();
    ::_exit(0);
  }
  std::ofstream(absl::StrCat(file(), "-open.", other)).flush();
  for (const std::vector<std::string>& verb : {std::vector<std::string>{"restore", backup()}, {"compact"}}) {
    EXPECT_EQ(Run(verb), kExitUnavailable);
    EXPECT_THAT(err_, HasSubstr(absl::StrCat("process ", other, " has it open; stop verifyd first")));
  }
  EXPECT_EQ(ReadFile(file()), before);
  EXPECT_EQ(Run({"check"}), 0) << "looking is fine";
  ::kill(other, SIGKILL);
  ::waitpid(other, nullptr, 0);
}

}  // namespace
}  // namespace verifyd
