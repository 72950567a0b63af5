#include "base/input_file.h"

#include <gtest/gtest.h>
#include <stdlib.h>
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

}  // namespace
}  // namespace verifyd
