#include "base/input_file.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/status_matchers.h"

namespace verifyd {
namespace {

class InputFileTest : public testing::Test {
 protected:
  InputFileTest() {
    char name[] = "/tmp/input-file-test-XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  ~InputFileTest() override { std::filesystem::remove_all(folder_); }

  std::string folder_;
};

TEST_F(InputFileTest, AFolderIsNoFile) {
  const auto opened = OpenInputFile(folder_);
  EXPECT_TRUE(absl::IsNotFound(opened.status()));
  EXPECT_THAT(opened, FailsWith("found a folder, expected a file"));
}

TEST_F(InputFileTest, WhatIsMissingIsNotFoundAndNamed) {
  const auto opened = OpenInputFile(folder_ + "/absent");
  EXPECT_TRUE(absl::IsNotFound(opened.status()));
  EXPECT_THAT(opened, FailsWith("/absent: No such file or directory"));
}

TEST_F(InputFileTest, WhatIsThereIsReadFromItsBeginning) {
  std::ofstream(folder_ + "/file") << "first\nsecond\n";
  const auto opened = OpenInputFile(folder_ + "/file");
  ASSERT_THAT(opened, IsOk());
  std::string line;
  std::getline(**opened, line);
  EXPECT_EQ(line, "first");
}

TEST_F(InputFileTest, AWholeFileIsReadUpToItsBound) {
  std::ofstream(folder_ + "/file") << std::string(100000, 'x');
  const auto whole = ReadInputFile(folder_ + "/file", 100000);
  ASSERT_THAT(whole, IsOk());
  EXPECT_EQ(*whole, std::string(100000, 'x'));
  EXPECT_TRUE(absl::IsInvalidArgument(ReadInputFile(folder_ + "/file", 99999).status()));
  EXPECT_TRUE(absl::IsNotFound(ReadInputFile(folder_ + "/absent", 1).status()));
}

TEST_F(InputFileTest, ADeviceWithoutEndAndAPipeThatNobodyWritesIntoAreNotRead) {
  ASSERT_EQ(::mkfifo((folder_ + "/pipe").c_str(), 0600), 0);
  for (const std::string& path : {std::string("/dev/zero"), folder_ + "/pipe"}) {
    const auto read = ReadInputFile(path, 1000);
    EXPECT_TRUE(absl::IsNotFound(read.status()));
    EXPECT_THAT(read, FailsWith(path + ": found a pipe or a device, expected a file"));
  }
}

TEST_F(InputFileTest, AFileWhoseReadingFailsIsNotAnEmptyOne) {
  EXPECT_TRUE(absl::IsUnavailable(ReadInputFile("/proc/self/mem", 1000).status()));
}

}  // namespace
}  // namespace verifyd
