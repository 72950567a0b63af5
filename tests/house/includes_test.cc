// Includes only point down the floors of the house, and headers keep what headers must: their guard, and no more of
// Asio than coroutines need (the rest costs seconds a translation unit).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace verifyd {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Names = std::set<std::string>;
using Faults = std::vector<std::string>;

// What each folder may include besides itself.
const std::map<std::string, Names>& MayInclude() {
  static const auto* const kFloors = new std::map<std::string, Names>{
      {"base", {}},
      {"mail", {"base"}},
      {"verdict", {"base", "mail"}},
      {"dns", {"base", "mail"}},
      {"cache", {"base", "mail", "verdict"}},
      {"probe", {"base", "mail", "verdict", "dns"}},
      {"verifyd", {"base", "mail", "verdict", "dns", "cache", "probe"}},
      {"verifyctl", {"base", "mail", "verdict", "dns", "cache", "probe", "verifyd"}},
      {"opensmtpd", {"base"}},
      {"bench", {"base", "mail", "verdict", "dns", "cache", "probe", "verifyd", "verifyctl", "tests"}},
      {"tests", {"base", "mail", "verdict", "dns", "cache", "probe", "verifyd", "verifyctl", "opensmtpd"}},
  };
  return *kFloors;
}

// Libraries whose headers are written in quotes.
const Names& Libraries() {
  static const auto* const kLibraries =
      new Names{"CLI", "absl", "benchmark", "boost", "gmock", "gtest", "prometheus", "re2", "spdlog"};
  return *kLibraries;
}

struct Include {
  std::string path;
  bool quoted = false;
};

// What the line includes; an empty path if it includes nothing.
Include IncludeOf(absl::string_view line) {
  line = absl::StripLeadingAsciiWhitespace(line);
  if (!absl::ConsumePrefix(&line, "#")) return {};
  line = absl::StripLeadingAsciiWhitespace(line);
  if (!absl::ConsumePrefix(&line, "include")) return {};
  line = absl::StripLeadingAsciiWhitespace(line);
  const bool quoted = absl::StartsWith(line, "\"");
  if (!quoted && !absl::StartsWith(line, "<")) return {};
  line.remove_prefix(1);
  return {std::string(line.substr(0, line.find(quoted ? '"' : '>'))), quoted};
}

std::string FolderOf(absl::string_view path) {
  const size_t slash = path.find('/');
  return slash == absl::string_view::npos ? "" : std::string(path.substr(0, slash));
}

// What is wrong with one include of a file in `from`; empty: nothing.
std::string FaultOf(const std::string& from, bool header, const Include& include) {
  const bool house = from != "tests" && from != "bench";
  if (header && house && absl::StartsWith(include.path, "boost/asio") && include.path != "boost/asio/awaitable.hpp") {
    return "a header includes no more of Asio than boost/asio/awaitable.hpp";
  }
  const std::string to = FolderOf(include.path);
  if (MayInclude().count(to) == 0) {
    if (!include.quoted || Libraries().count(to) == 1) return "";
    return "neither a folder of the project nor a known library";
  }
  if (to == from || MayInclude().at(from).count(to) == 1) return "";
  return absl::StrCat(from, " must not know ", to);
}

// `path` is relative to the project's root.
Faults IncludeFaults(const std::string& path, absl::string_view text) {
  const std::string from = FolderOf(path);
  if (MayInclude().count(from) == 0) return {absl::StrCat(path, ": a folder that stands on no floor")};
  Faults faults;
  int number = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    const Include include = IncludeOf(line);
    if (include.path.empty()) continue;
    const std::string fault = FaultOf(from, absl::EndsWith(path, ".h"), include);
    if (!fault.empty()) faults.push_back(absl::StrCat(path, ":", number, ": ", include.path, ": ", fault));
  }
  return faults;
}

std::string GuardOf(absl::string_view path) {
  const std::string name = absl::StrReplaceAll(path, {{"/", "_"}, {".", "_"}, {"-", "_"}});
  return absl::StrCat("VERIFYD_", absl::AsciiStrToUpper(name), "_");
}

Faults GuardFaults(const std::string& path, absl::string_view text) {
  const std::string guard = GuardOf(path);
  std::vector<absl::string_view> directives;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    if (absl::StartsWith(line, "#")) directives.push_back(line);
  }
  if (directives.size() >= 3 && directives[0] == absl::StrCat("#ifndef ", guard) &&
      directives[1] == absl::StrCat("#define ", guard) && directives.back() == absl::StrCat("#endif  // ", guard)) {
    return {};
  }
  return {absl::StrCat(path, ": not guarded by ", guard)};
}

// Path relative to the root and text of every header and source of the project.
std::map<std::string, std::string> Sources() {
  namespace fs = std::filesystem;
  std::map<std::string, std::string> sources;
  const fs::path root(VERIFYD_SOURCE_DIR);
  for (const fs::directory_entry& top : fs::directory_iterator(root)) {
    const std::string name = top.path().filename().string();
    if (!top.is_directory() || name == "build" || name[0] == '.') continue;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(top)) {
      const std::string extension = entry.path().extension().string();
      if (!entry.is_regular_file() || (extension != ".h" && extension != ".cc")) continue;
      std::ifstream in(entry.path(), std::ios::binary);
      sources[fs::relative(entry.path(), root).string()] = std::string(std::istreambuf_iterator<char>(in), {});
    }
  }
  return sources;
}

TEST(HouseTest, IncludesOnlyPointDown) {
  const std::map<std::string, std::string> sources = Sources();
  Names seen;
  for (const auto& [path, text] : sources) {
    seen.insert(FolderOf(path));
    EXPECT_THAT(IncludeFaults(path, text), IsEmpty());
  }
  // Nothing was overlooked: every folder has files.
  for (const auto& [folder, unused] : MayInclude()) EXPECT_EQ(seen.count(folder), 1U) << folder;
}

TEST(HouseTest, EveryHeaderIsGuardedByItsPath) {
  for (const auto& [path, text] : Sources()) {
    if (absl::EndsWith(path, ".h")) EXPECT_THAT(GuardFaults(path, text), IsEmpty());
  }
}

TEST(HouseCheckTest, FindsAnArrowUp) {
  EXPECT_THAT(IncludeFaults("mail/reply.cc", "#include <string>\n#include \"dns/answer.h\"\n"),
              ElementsAre("mail/reply.cc:2: dns/answer.h: mail must not know dns"));
  EXPECT_THAT(IncludeFaults("mail/reply.cc", " # include<dns/answer.h> // why\n"), ElementsAre(HasSubstr("must not")));
  EXPECT_THAT(IncludeFaults("probe/door/x.cc", "#include \"verifyd/flights.h\"\n"), ElementsAre(HasSubstr("must not")));
}

TEST(HouseCheckTest, KnowsWhoKnowsWhom) {
  // A row a folder that includes, a column a folder that is included.
  const std::vector<std::string> folders = {"base",    "mail",      "verdict",   "dns",   "cache", "probe",
                                            "verifyd", "verifyctl", "opensmtpd", "tests", "bench"};
  const std::vector<std::string> table = {
      "x..........",  // base
      "xx.........",  // mail
      "xxx........",  // verdict
      "xx.x.......",  // dns
      "xxx.x......",  // cache
      "xxxx.x.....",  // probe
      "xxxxxxx....",  // verifyd
      "xxxxxxxx...",  // verifyctl
      "x.......x..",  // opensmtpd
      "xxxxxxxxxx.",  // tests
      "xxxxxxxx.xx",  // bench
  };
  for (size_t from = 0; from < folders.size(); ++from) {
    for (size_t to = 0; to < folders.size(); ++to) {
      const Faults faults =
          IncludeFaults(folders[from] + "/a.cc", absl::StrCat("#include \"", folders[to], "/b.h\"\n"));
      EXPECT_EQ(faults.empty(), table[from][to] == 'x') << folders[from] << " includes " << folders[to];
    }
  }
}

TEST(HouseCheckTest, FindsWhatItDoesNotKnow) {
  EXPECT_THAT(IncludeFaults("util/x.cc", ""), ElementsAre("util/x.cc: a folder that stands on no floor"));
  EXPECT_THAT(IncludeFaults("mail/x.cc", "#include \"util/x.h\"\n"), ElementsAre(HasSubstr("neither a folder")));
  EXPECT_THAT(IncludeFaults("mail/x.cc", "#include \"reply.h\"\n"), ElementsAre(HasSubstr("neither a folder")));
  EXPECT_THAT(IncludeFaults("mail/x.cc", "#include \"../base/text.h\"\n"), ElementsAre(HasSubstr("neither a folder")));
  EXPECT_THAT(IncludeFaults("mail/x.cc", "#include \"absl/time/time.h\"\n#include <sys/stat.h>\n"), IsEmpty());
}

TEST(HouseCheckTest, FindsAsioInAHeader) {
  EXPECT_THAT(IncludeFaults("base/x.h", "#include \"boost/asio/awaitable.hpp\"\n"), IsEmpty());
  EXPECT_THAT(IncludeFaults("base/x.cc", "#include \"boost/asio.hpp\"\n"), IsEmpty());
  EXPECT_THAT(IncludeFaults("base/x.h", "#include \"boost/asio.hpp\"\n"), ElementsAre(HasSubstr("no more of Asio")));
  EXPECT_THAT(IncludeFaults("base/x.h", "#include <boost/asio/ip/tcp.hpp>\n"),
              ElementsAre(HasSubstr("no more of Asio")));
}

TEST(HouseCheckTest, FindsAGuardThatIsNotThePath) {
  const auto header = [](absl::string_view guard) {
    return absl::StrCat("// A.\n#ifndef ", guard, "\n#define ", guard, "\n#include <string>\n#endif  // ", guard, "\n");
  };
  EXPECT_THAT(GuardFaults("probe/door/x_y.h", header("VERIFYD_PROBE_DOOR_X_Y_H_")), IsEmpty());
  EXPECT_THAT(GuardFaults("probe/x.h", header("VERIFYD_PROBE_Y_H_")),
              ElementsAre("probe/x.h: not guarded by VERIFYD_PROBE_X_H_"));
  EXPECT_THAT(GuardFaults("probe/x.h", "#pragma once\n"), ElementsAre(HasSubstr("not guarded")));
  EXPECT_THAT(GuardFaults("probe/x.h", ""), ElementsAre(HasSubstr("not guarded")));
}

}  // namespace
}  // namespace verifyd
