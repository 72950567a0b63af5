// A folder for one test. Its destructor removes the folder with all that is in it.
#ifndef VERIFYD_TESTS_TEMPORARY_DIRECTORY_H_
#define VERIFYD_TESTS_TEMPORARY_DIRECTORY_H_

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace verifyd {

class TemporaryDirectory {
 public:
  TemporaryDirectory() : path_(testing::TempDir() + "verifyd_XXXXXX") { EXPECT_NE(mkdtemp(path_.data()), nullptr); }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace verifyd

#endif  // VERIFYD_TESTS_TEMPORARY_DIRECTORY_H_
