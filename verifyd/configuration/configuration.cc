#include "verifyd/configuration/configuration.h"

#include <unistd.h>

#include <array>
#include <filesystem>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/str_join.h"
#include "verifyd/configuration/draft.h"
#include "verifyd/configuration/parts.h"

namespace verifyd {
namespace {

std::shared_ptr<const Settings> WithSystemHostName(const Settings& settings) {
  std::array<char, 256> name = {};
  gethostname(name.data(), name.size() - 1);
  auto with_name = std::make_shared<Settings>(settings);
  with_name->SetSystemHostName(name.data());
  return with_name;
}

void FillDecisionRecord(const Settings& settings, Configuration& configuration) {
  DecisionRecordSettings& record = configuration.decision_record;
  if (!configuration.cache.path.empty()) {
    record.directory = std::filesystem::path(configuration.cache.path).parent_path() / "decisions";
  }
  record.keep_time = settings.Time("report_keep_time");
  record.refusal_ids = settings.YesNo("refusal_id");
}

void FillAll(const Draft& draft) {
  const Settings& settings = draft.settings;
  if (settings.Text("myhostname").empty()) {
    draft.faults.Add("myhostname", absl::InvalidArgumentError("the system has no name; expected myhostname = NAME"));
  }
  draft.configuration.warnings = settings.warnings();
  draft.configuration.resolver.servers = settings.List("dns_servers");
  if (const absl::Status servers = CaresResolver::CheckServers(draft.configuration.resolver.servers); !servers.ok()) {
    draft.faults.Add("dns_servers", servers);
  }
  draft.configuration.probe_threads = static_cast<int>(settings.Number("probe_threads"));
  FillLog(draft);
  FillCache(draft);
  FillProbe(draft);
  FillVerifier(draft);
  FillRestrictions(draft);
  FillDecisionRecord(settings, draft.configuration);
  FillDoors(draft);
}

// The files of `settings`; of those that `read` has, too, the marks of then.
std::vector<TableFile> FilesSince(const std::vector<TableFile>& read, const Settings& settings) {
  std::vector<TableFile> files = TableFilesOf(settings);
  for (TableFile& file : files) {
    const auto before = absl::c_find_if(read, [&](const TableFile& other) { return other.path == file.path; });
    if (before != read.end()) file.mark = before->mark;
  }
  return files;
}

}  // namespace

absl::StatusOr<Configuration> Configuration::Create(const Settings& given, const PostfixSource& source) {
  Settings settings = given;
  std::vector<TableFile> files = TableFilesOf(settings);
  settings.TakeFromPostfix(source);
  files = FilesSince(files, settings);
  TableShelf shelf;
  for (;;) {
    Configuration configuration;
    configuration.settings = WithSystemHostName(settings);
    Faults faults(*configuration.settings);
    FillAll({.settings = *configuration.settings, .faults = faults, .shelf = shelf, .configuration = configuration});
    if (!faults.of_postfix().empty()) {
      for (const auto& [setting, why] : faults.of_postfix()) settings.RefuseFromPostfix(setting, why);
      continue;
    }
    std::vector<std::string> errors = settings.errors();
    errors.insert(errors.end(), faults.errors().begin(), faults.errors().end());
    if (!errors.empty()) return absl::InvalidArgumentError(absl::StrJoin(errors, "\n"));
    configuration.table_files = std::move(files);
    return configuration;
  }
}

absl::StatusOr<Configuration> Configuration::Load(const std::string& path, const std::vector<Assignment>& options,
                                                  const PostfixSource& source) {
  return Create(Settings::ReadFile(path, options), source);
}

std::vector<std::string> ChangedButNotReloadable(const Settings& before, const Settings& after) {
  std::vector<std::string> names;
  for (const SettingRow& row : kSettingTable) {
    if (!row.reloadable && before.Text(row) != after.Text(row)) names.emplace_back(row.name);
  }
  return names;
}

}  // namespace verifyd
