#include "verifyctl/log_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/cache/samples.h"
#include "tests/status_matchers.h"

namespace verifyd {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class LogFileTest : public testing::Test {
 protected:
  void Write(absl::string_view text) const { std::ofstream(path_, std::ios::app) << text; }
  std::vector<std::string> Lines() const {
    std::vector<std::string> lines;
    while (const std::optional<absl::string_view> line = log_->Next()) lines.emplace_back(*line);
    return lines;
  }
  void Open() {
    auto log = LogFile::Open(path_, none_, "learn");
    ASSERT_THAT(log, IsOk());
    log_ = *std::move(log);
  }

  TemporaryFolder folder_;
  const std::string path_ = folder_.path() + "/maillog";
  std::istringstream none_;
  std::unique_ptr<LogFile> log_;
};

TEST_F(LogFileTest, WhatComesLaterIsReadWhenItsLineIsWhole) {
  Write("one\ntw");
  Open();
  EXPECT_THAT(Lines(), ElementsAre("one"));
  EXPECT_EQ(log_->unfinished(), "tw");
  Write("o\n\nthree\n");
  EXPECT_THAT(Lines(), ElementsAre("two", "", "three"));
  EXPECT_EQ(log_->unfinished(), "");
}

TEST_F(LogFileTest, ARotatedLogIsReadToItsEndAndThenTheNewOne) {
  Write("one\n");
  Open();
  EXPECT_THAT(Lines(), ElementsAre("one"));
  std::filesystem::rename(path_, path_ + ".1");
  log_->FollowRotation();
  log_->FollowRotation();
  EXPECT_THAT(Lines(), IsEmpty()) << "no new one yet";
  Write("three\n");
  log_->FollowRotation();
  std::ofstream(path_ + ".1", std::ios::app) << "two\n";
  EXPECT_THAT(Lines(), ElementsAre("two"));
  log_->FollowRotation();
  EXPECT_THAT(Lines(), ElementsAre("three"));
  log_->FollowRotation();
  log_->FollowRotation();
  EXPECT_THAT(Lines(), IsEmpty());
}

TEST_F(LogFileTest, ALogThatWasCutIsReadFromItsBeginning) {
  Write("one\ntwo\n");
  Open();
  EXPECT_THAT(Lines(), ElementsAre("one", "two"));
  std::filesystem::resize_file(path_, 0);
  Write("three\n");
  log_->FollowRotation();
  log_->FollowRotation();
  EXPECT_THAT(Lines(), ElementsAre("three"));
}

TEST_F(LogFileTest, OfALineThatIsTooLongTheRestIsPassedOver) {
  Write(std::string(100000, 'x') + "\nnext\n");
  Open();
  const std::vector<std::string> lines = Lines();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0].size(), LogFile::kLongestLine);
  EXPECT_EQ(lines[1], "next");
}

TEST_F(LogFileTest, AMissingFileIsNamed) {
  EXPECT_THAT(LogFile::Open(path_, none_, "learn"), FailsWith("maillog: No such file or directory"));
}

}  // namespace
}  // namespace verifyd
