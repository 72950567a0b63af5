// The house: a room is a folder of sources with a row below, which says what it may include. There is no folder without
// a row, no other arrow and no circle. Headers have their guard, and include no more of Asio than coroutines need (the
// rest costs seconds a translation unit).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
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

// The rooms that each room may include besides itself.
const std::map<std::string, Names>& MayInclude() {
  static const auto* const kRooms = new std::map<std::string, Names>{
      {"base", {}},
      {"mail", {"base"}},
      {"dns", {"base", "mail"}},
      {"classifier", {"base", "mail"}},
      {"tables", {"base", "mail"}},
      {"stream", {"base", "mail"}},
      {"cache", {"base", "mail", "classifier"}},
      {"probe", {"base", "mail", "dns", "classifier", "tables", "stream"}},
      {"verifyd/settings", {"base", "mail", "tables"}},
      {"verifyd/metrics", {"base", "mail"}},
      {"verifyd/verifier", {"base", "mail", "dns", "classifier", "tables", "cache", "probe", "verifyd/metrics"}},
      {"verifyd/restriction", {"base", "mail", "dns", "classifier", "tables", "verifyd/metrics", "verifyd/verifier"}},
      {"verifyd/json", {"base", "mail", "classifier", "cache"}},
      {"verifyd/history",
       {"base", "mail", "classifier", "cache", "verifyd/json", "verifyd/verifier", "verifyd/restriction"}},
      {"verifyd/door",
       {"base", "mail", "classifier", "verifyd/metrics", "verifyd/verifier", "verifyd/restriction", "verifyd/history"}},
      {"verifyd/api",
       {"base", "mail", "classifier", "cache", "probe", "verifyd/metrics", "verifyd/json", "verifyd/verifier",
        "verifyd/restriction", "verifyd/history"}},
      {"verifyd/http", {"base", "stream", "verifyd/door", "verifyd/api", "verifyd/metrics"}},
      {"verifyd/configuration",
       {"base", "mail", "dns", "classifier", "tables", "stream", "cache", "probe", "verifyd/settings",
        "verifyd/metrics", "verifyd/verifier", "verifyd/restriction", "verifyd/json", "verifyd/history",
        "verifyd/door"}},
      {"verifyd/doctor",
       {"base", "mail", "dns", "classifier", "stream", "cache", "probe", "verifyd/settings", "verifyd/json",
        "verifyd/configuration"}},
      {"verifyd",
       {"base", "mail", "dns", "classifier", "tables", "stream", "cache", "probe", "verifyd/settings",
        "verifyd/metrics", "verifyd/verifier", "verifyd/restriction", "verifyd/json", "verifyd/history", "verifyd/door",
        "verifyd/api", "verifyd/http", "verifyd/configuration", "verifyd/doctor"}},
      {"verifyctl",
       {"base", "mail", "dns", "classifier", "stream", "cache", "probe", "verifyd/settings", "verifyd/verifier",
        "verifyd/json", "verifyd/history", "verifyd/api", "verifyd/configuration", "verifyd/doctor"}},
      {"opensmtpd", {"base"}},
      {"bench", {"base", "mail", "dns", "classifier", "tables", "cache", "verifyd/restriction", "tests"}},
      {"tests",
       {"base",
        "mail",
        "dns",
        "classifier",
        "tables",
        "stream",
        "cache",
        "probe",
        "verifyd/settings",
        "verifyd/metrics",
        "verifyd/verifier",
        "verifyd/restriction",
        "verifyd/json",
        "verifyd/history",
        "verifyd/door",
        "verifyd/api",
        "verifyd/http",
        "verifyd/configuration",
        "verifyd/doctor",
        "verifyd",
        "verifyctl",
        "opensmtpd"}},
  };
  return *kRooms;
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

// Returns what the line includes; an empty path if it includes nothing.
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

std::string TopOf(absl::string_view path) { return std::string(path.substr(0, path.find('/'))); }

std::string FolderOf(absl::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == absl::string_view::npos ? "" : std::string(path.substr(0, slash));
}

// Returns the room of a file; empty: it lies in none. Tests and benchmarks stand in folders after the rooms that they
// are for.
std::string RoomOf(absl::string_view path) {
  std::string folder = FolderOf(path);
  if (const std::string top = TopOf(folder); top == "tests" || top == "bench") folder = top;
  return MayInclude().count(folder) == 1 ? folder : "";
}

// Returns what is wrong with one include of a file in the room `from`; empty: nothing.
std::string FaultOf(const std::string& from, bool header, const Include& include) {
  const bool house = from != "tests" && from != "bench";
  if (header && house && absl::StartsWith(include.path, "boost/asio") && include.path != "boost/asio/awaitable.hpp") {
    return "a header includes no more of Asio than boost/asio/awaitable.hpp";
  }
  const std::string to = RoomOf(include.path);
  if (to.empty()) {
    if (!include.quoted || Libraries().count(TopOf(include.path)) == 1) return "";
    return "neither a room of the house nor a known library";
  }
  if (to == from || MayInclude().at(from).count(to) == 1) return "";
  return absl::StrCat(from, " must not know ", to);
}

struct HouseFaults {
  Faults faults;
  std::map<std::string, Names> arrows;  // of one room to others, without the faults
};

// `path` is relative to the project's root.
void Examine(const std::string& path, absl::string_view text, HouseFaults& found) {
  const std::string from = RoomOf(path);
  if (from.empty()) {
    found.faults.push_back(absl::StrCat(path, ": a folder without a row"));
    return;
  }
  int number = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    const Include include = IncludeOf(line);
    if (include.path.empty()) continue;
    const std::string fault = FaultOf(from, absl::EndsWith(path, ".h"), include);
    const std::string to = RoomOf(include.path);
    if (!fault.empty()) {
      found.faults.push_back(absl::StrCat(path, ":", number, ": ", include.path, ": ", fault));
    } else if (!to.empty() && to != from) {
      found.arrows[from].insert(to);
    }
  }
}

Faults IncludeFaults(const std::string& path, absl::string_view text) {
  HouseFaults found;
  Examine(path, text, found);
  return found.faults;
}

// Returns the rooms from which arrows lead into a circle: it takes away the rooms that lead nowhere, again and again,
// and returns the rest.
Names Circles(std::map<std::string, Names> arrows) {
  for (bool taken = true; taken;) {
    taken = false;
    for (auto room = arrows.begin(); room != arrows.end();) {
      const bool leads_on = std::any_of(room->second.begin(), room->second.end(),
                                        [&](const std::string& to) { return arrows.count(to) == 1; });
      room = leads_on ? std::next(room) : arrows.erase(room);
      taken |= !leads_on;
    }
  }
  Names left;
  for (const auto& [room, to] : arrows) left.insert(room);
  return left;
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

// Returns path (relative to the root) and text of every header and source of the project.
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

TEST(HouseTest, RoomsIncludeWhatTheirRowsSay) {
  HouseFaults found;
  Names seen;
  for (const auto& [path, text] : Sources()) {
    seen.insert(RoomOf(path));
    Examine(path, text, found);
  }
  EXPECT_THAT(found.faults, IsEmpty());
  EXPECT_THAT(Circles(found.arrows), IsEmpty());
  // No room was overlooked: each has files.
  for (const auto& [room, unused] : MayInclude()) EXPECT_EQ(seen.count(room), 1U) << room;
}

TEST(HouseTest, RowsHaveNoCircle) { EXPECT_THAT(Circles(MayInclude()), IsEmpty()); }

TEST(HouseTest, EveryHeaderIsGuardedByItsPath) {
  for (const auto& [path, text] : Sources()) {
    if (absl::EndsWith(path, ".h")) EXPECT_THAT(GuardFaults(path, text), IsEmpty());
  }
}

TEST(HouseCheckTest, FindsAnArrowUp) {
  EXPECT_THAT(IncludeFaults("mail/reply.cc", "#include <string>\n#include \"dns/answer.h\"\n"),
              ElementsAre("mail/reply.cc:2: dns/answer.h: mail must not know dns"));
  EXPECT_THAT(IncludeFaults("mail/reply.cc", " # include<dns/answer.h> // why\n"), ElementsAre(HasSubstr("must not")));
  EXPECT_THAT(IncludeFaults("probe/x.cc", "#include \"verifyd/verifier/flights.h\"\n"),
              ElementsAre(HasSubstr("must not")));
  EXPECT_THAT(IncludeFaults("opensmtpd/x.cc", "#include \"mail/reply.h\"\n"), ElementsAre(HasSubstr("must not")));
}

TEST(HouseCheckTest, FindsAnArrowBetweenRoomsOfOneFolder) {
  EXPECT_THAT(IncludeFaults("verifyd/door/x.cc", "#include \"verifyd/api/api.h\"\n"),
              ElementsAre("verifyd/door/x.cc:1: verifyd/api/api.h: verifyd/door must not know verifyd/api"));
  EXPECT_THAT(IncludeFaults("verifyd/restriction/x.cc", "#include \"verifyd/door/policy.h\"\n"),
              ElementsAre(HasSubstr("verifyd/restriction must not know verifyd/door")));
  EXPECT_THAT(IncludeFaults("verifyd/daemon.cc", "#include \"verifyd/door/policy.h\"\n"), IsEmpty());
}

TEST(HouseCheckTest, FindsACircle) {
  EXPECT_THAT(Circles({{"a", {"b"}}, {"b", {"c"}}, {"c", {}}}), IsEmpty());
  EXPECT_THAT(Circles({{"a", {"b"}}, {"b", {"c"}}, {"c", {"b"}}, {"d", {}}}), ElementsAre("a", "b", "c"));
}

TEST(HouseCheckTest, FindsWhatItDoesNotKnow) {
  EXPECT_THAT(IncludeFaults("util/x.cc", ""), ElementsAre("util/x.cc: a folder without a row"));
  EXPECT_THAT(IncludeFaults("verifyd/util/x.cc", ""), ElementsAre("verifyd/util/x.cc: a folder without a row"));
  EXPECT_THAT(IncludeFaults("mail/x.cc", "#include \"util/x.h\"\n"), ElementsAre(HasSubstr("neither a room")));
  EXPECT_THAT(IncludeFaults("mail/x.cc", "#include \"reply.h\"\n"), ElementsAre(HasSubstr("neither a room")));
  EXPECT_THAT(IncludeFaults("mail/x.cc", "#include \"../base/text.h\"\n"), ElementsAre(HasSubstr("neither a room")));
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
