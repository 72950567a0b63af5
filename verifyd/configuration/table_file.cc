#include "verifyd/configuration/table_file.h"

#include <sys/stat.h>

#include <cstddef>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "tables/table.h"

namespace verifyd {
namespace {

constexpr int64_t kNanosPerSecond = 1000000000;
// lmdb:/PATH, but no table: it changes with every answer.
constexpr Setting kCache = "address_verify_map";

// `domains`: a path alone is a file, too.
void AddPaths(absl::string_view value, bool domains, std::set<std::string>& paths) {
  for (absl::string_view word : absl::StrSplit(value, absl::ByAnyChar(", \t\r\n{}"), absl::SkipEmpty())) {
    while (absl::ConsumePrefix(&word, "!")) continue;
    if (domains && absl::StartsWith(word, "/")) paths.emplace(word);
    absl::ConsumePrefix(&word, "proxy:");
    const size_t colon = word.find(':');
    if (colon == absl::string_view::npos) continue;
    const absl::string_view type = word.substr(0, colon);
    const absl::string_view path = word.substr(colon + 1);
    const bool file = Table::IsTextType(type) || type == "cidr" || type == "re2";
    if (file && absl::StartsWith(path, "/")) paths.emplace(path);
  }
}

}  // namespace

FileMark FileMark::Of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return {};
  return {.device = status.st_dev,
          .inode = status.st_ino,
          .size = status.st_size,
          .modified = status.st_mtim.tv_sec * kNanosPerSecond + status.st_mtim.tv_nsec,
          .changed = status.st_ctim.tv_sec * kNanosPerSecond + status.st_ctim.tv_nsec};
}

std::vector<TableFile> TableFilesOf(const Settings& settings) {
  std::set<std::string> paths;
  for (const Setting setting : kSettingTable) {
    if (setting == kCache) continue;
    const bool domains = setting.row().type == SettingType::kDomains;
    for (const absl::string_view stress : {"", "yes"}) AddPaths(settings.Text(setting, stress), domains, paths);
  }
  for (const RestrictionClass& of_class : settings.Classes()) {
    if (of_class.list.has_value()) AddPaths(settings.Text(*of_class.list), /*domains=*/false, paths);
  }
  if (const std::string origin = settings.Text("myorigin"); absl::StartsWith(origin, "/")) paths.insert(origin);
  if (const std::string postfix = settings.Text("postfix_config_directory"); !postfix.empty()) {
    for (const absl::string_view file : {"/main.cf", "/master.cf"}) paths.insert(absl::StrCat(postfix, file));
  }
  std::vector<TableFile> files;
  files.reserve(paths.size());
  for (const std::string& path : paths) files.push_back({.path = path, .mark = FileMark::Of(path)});
  return files;
}

}  // namespace verifyd
