// Tests that each test exists that verifyd(8) names in SECURITY.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace verifyd {
namespace {

constexpr absl::string_view kSource = VERIFYD_SOURCE_DIR;

std::string TextOf(const std::filesystem::path& path) {
  std::ifstream file(path);
  return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
}

// Returns the text of all tests, one after the other.
std::string AllTests() {
  std::string all;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(absl::StrCat(kSource, "/tests"))) {
    const std::string extension = entry.path().extension();
    if (extension == ".cc" || extension == ".py") absl::StrAppend(&all, TextOf(entry.path()));
  }
  return all;
}

// Returns each ".Li Suite.Name ," after the heading as a pair.
std::vector<std::pair<std::string, std::string>> NamedTests() {
  const std::string page = TextOf(absl::StrCat(kSource, "/man/verifyd.8"));
  const size_t heading = page.find(".Ss What others can do");
  EXPECT_NE(heading, std::string::npos);
  std::vector<std::pair<std::string, std::string>> named;
  for (absl::string_view line : absl::StrSplit(absl::string_view(page).substr(heading), '\n')) {
    if (!absl::ConsumePrefix(&line, ".Li ")) continue;
    const std::vector<std::string> names = absl::StrSplit(line.substr(0, line.find(' ')), '.');
    EXPECT_EQ(names.size(), 2U) << line;
    if (names.size() == 2) named.emplace_back(names[0], names[1]);
  }
  return named;
}

TEST(SecurityPageTest, EachLineHasATestThatIsThere) {
  const std::string tests = AllTests();
  const auto named = NamedTests();
  EXPECT_GT(named.size(), 30U);
  for (const auto& [suite, name] : named) {
    const bool there = absl::StartsWith(name, "test_")
                           ? absl::StrContains(tests, absl::StrCat("class ", suite, "(")) &&
                                 absl::StrContains(tests, absl::StrCat("    def ", name, "(self)"))
                           : absl::StrContains(tests, absl::StrCat("(", suite, ", ", name, ")"));
    EXPECT_TRUE(there) << suite << "." << name;
  }
}

}  // namespace
}  // namespace verifyd
