// Every file in tests/scenario/plays is a test; its name says what it shows.
#include "tests/scenario/scenario.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace verifyd {
namespace {

std::vector<std::string> Plays() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(VERIFYD_SOURCE_DIR "/tests/scenario/plays")) {
    names.push_back(entry.path().stem());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class ScenarioTest : public testing::TestWithParam<std::string> {};

TEST_P(ScenarioTest, PlaysAsWritten) {
  const std::string path = VERIFYD_SOURCE_DIR "/tests/scenario/plays/" + GetParam() + ".txt";
  std::ifstream in(path, std::ios::binary);
  ASSERT_TRUE(in) << path;
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  ASSERT_FALSE(text.empty());
  PlayScenario(path, text);
}

INSTANTIATE_TEST_SUITE_P(Plays, ScenarioTest, testing::ValuesIn(Plays()),
                         [](const testing::TestParamInfo<std::string>& info) { return info.param; });

}  // namespace
}  // namespace verifyd
