#include "verifyd/settings/settings.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/input_file.h"
#include "base/nearest_name.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "verifyd/settings/postfix_parameters.h"

namespace verifyd {
namespace {

std::vector<absl::string_view> OurNames() {
  std::vector<absl::string_view> names;
  names.reserve(std::size(kSettingTable));
  for (const SettingRow& row : kSettingTable) names.push_back(row.name);
  return names;
}

std::string UnknownName(const Assignment& assignment) {
  const absl::string_view nearest = NearestName(assignment.name, OurNames());
  return absl::StrCat(assignment.where, ": unknown setting \"", Printable(assignment.name, 100), "\"",
                      nearest.empty() ? "" : absl::StrCat("; did you mean \"", nearest, "\"?"));
}

// A parameter of Postfix's, or of a transport, if it is not one of ours with a slip in it.
bool IsForPostfixOnly(absl::string_view name) {
  constexpr size_t kSlip = 2;
  return IsPostfixParameter(name) ||
         (IsTransportParameter(name) && name.size() < 200 && NearestName(name, OurNames(), kSlip).empty());
}

constexpr absl::string_view kClassSuffix = "_restrictions";
// What $NAME_restrictions stands for where nobody has set it; nobody can write its name.
constexpr SettingRow kNoClass = {.name = "*_restrictions", .type = SettingType::kList};

bool IsOfClass(absl::string_view name) {
  return absl::EndsWith(name, kClassSuffix) && name.size() > kClassSuffix.size();
}

bool ParseYesNo(absl::string_view text, bool& value) {
  value = absl::EqualsIgnoreCase(text, "yes") || absl::EqualsIgnoreCase(text, "true");
  return value || absl::EqualsIgnoreCase(text, "no") || absl::EqualsIgnoreCase(text, "false");
}

char UnitOf(const SettingRow& row) {
  return row.default_value.empty() ? 's' : absl::ascii_tolower(static_cast<unsigned char>(row.default_value.back()));
}

std::string FaultOfNumber(const SettingRow& row, absl::string_view value) {
  int64_t number = 0;
  if (absl::SimpleAtoi(value, &number) && number >= row.min && number <= row.max) return "";
  return absl::StrCat("found \"", Printable(value, 60), "\", expected a whole number from ", row.min, " to ", row.max);
}

std::string FaultOfTime(const SettingRow& row, absl::string_view value) {
  const absl::StatusOr<absl::Duration> time = ParseTimeValue(value, UnitOf(row));
  if (!time.ok()) return std::string(time.status().message());
  if (*time >= absl::Seconds(row.min)) return "";
  return absl::StrCat("found \"", Printable(value, 60), "\", expected at least ",
                      FormatTimeValue(absl::Seconds(row.min)));
}

std::string FaultOfWord(absl::string_view words, absl::string_view value) {
  for (const absl::string_view word : absl::StrSplit(words, '|')) {
    if (value == word) return "";
  }
  return absl::StrCat("found \"", Printable(value, 60), "\", expected one of ", words);
}

// What makes the value none of the setting's type; empty: nothing does.
std::string FaultOf(const SettingRow& row, absl::string_view value) {
  bool ignored = false;
  switch (row.type) {
    case SettingType::kText:
    case SettingType::kList:
    case SettingType::kDomains:
      return "";
    case SettingType::kNumber:
      return FaultOfNumber(row, value);
    case SettingType::kTime:
      return FaultOfTime(row, value);
    case SettingType::kYesNo:
      if (ParseYesNo(value, ignored)) return "";
      return absl::StrCat("found \"", Printable(value, 60), "\", expected yes or no");
    case SettingType::kWord:
      return FaultOfWord(row.words, value);
  }
  return "";
}

absl::StatusOr<Settings> OrAllErrors(Settings settings) {
  if (settings.errors().empty()) return settings;
  return absl::InvalidArgumentError(absl::StrJoin(settings.errors(), "\n"));
}

absl::StatusOr<std::string> ReadSettingText(const std::string& path) {
  const auto can_not = [&](absl::string_view why) {
    return absl::NotFoundError(absl::StrCat("can not read settings file ", path, ": ", why));
  };
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return can_not("it is a folder");
  absl::StatusOr<std::string> text = ReadInputFile(path, kMaxSettingText);
  if (!text.ok()) return can_not(absl::StripPrefix(text.status().message(), absl::StrCat(path, ": ")));
  if (absl::StrContains(*text, '\0')) return can_not("it is no text: there is a zero byte in it");
  return text;
}

}  // namespace

absl::StatusOr<Settings> Settings::LoadFile(const std::string& path, const std::vector<Assignment>& options) {
  return OrAllErrors(ReadFile(path, options));
}

absl::StatusOr<Settings> Settings::Load(const std::vector<Assignment>& file, const std::vector<Assignment>& options) {
  return OrAllErrors(Read(file, options));
}

Settings Settings::ReadFile(const std::string& path, const std::vector<Assignment>& options) {
  Settings settings;
  const absl::StatusOr<std::string> text = ReadSettingText(path);
  if (!text.ok()) {
    settings.errors_.emplace_back(text.status().message());
    return settings;
  }
  const std::vector<Assignment> file = ReadSettingLines(path, *text, settings.errors_);
  settings.ReadAll(file, options);
  return settings;
}

Settings Settings::Read(const std::vector<Assignment>& file, const std::vector<Assignment>& options) {
  Settings settings;
  settings.ReadAll(file, options);
  return settings;
}

void Settings::Take(const Assignment& assignment) {
  const bool ours = Setting::Find(assignment.name) != nullptr;
  if (!ours && IsForPostfixOnly(assignment.name)) {
    warnings_.push_back(
        absl::StrCat(assignment.where, ": \"", assignment.name, "\" is a Postfix parameter that has no meaning here"));
    return;
  }
  if (!IsName(assignment.name)) return;
  values_[assignment.name] = assignment;
  if (ours || class_rows_.contains(assignment.name)) return;
  const auto row = std::make_shared<ClassRow>(ClassRow{.name = assignment.name, .row = kNoClass});
  row->row.name = row->name;
  class_rows_.emplace(assignment.name, row);
}

absl::Status Settings::Judge(const Assignment& assignment, const std::vector<std::string>& classes) const {
  if (Setting::Find(assignment.name) == nullptr &&
      !absl::c_linear_search(classes, absl::StripSuffix(assignment.name, kClassSuffix))) {
    return absl::InvalidArgumentError(
        absl::StrCat(UnknownName(assignment), " (a class of restrictions is to stand in restriction_classes)"));
  }
  return CheckBoth(*Named(assignment.name));
}

void Settings::ReadAll(const std::vector<Assignment>& file, const std::vector<Assignment>& options) {
  std::vector<Assignment> given = file;
  given.insert(given.end(), options.begin(), options.end());
  for (const Assignment& assignment : given) Take(assignment);
  std::vector<std::string> refused;
  std::vector<std::string> led_astray;
  const std::vector<std::string> classes = ClassNames();
  for (const Assignment& assignment : given) {
    const auto held = values_.find(assignment.name);
    if (held == values_.end()) {
      if (!IsName(assignment.name) && !IsForPostfixOnly(assignment.name)) errors_.push_back(UnknownName(assignment));
      continue;
    }
    // A name that stands twice has its last value; the first one is not looked at.
    if (held->second != assignment) continue;
    const absl::Status fault = Judge(assignment, classes);
    if (fault.ok()) continue;
    (absl::IsAborted(fault) ? led_astray : errors_).emplace_back(fault.message());
    refused.push_back(assignment.name);
  }
  // What leads to a setting that refers to itself is not what is wrong.
  if (errors_.empty()) errors_ = std::move(led_astray);
  for (const std::string& name : refused) {
    values_.erase(name);
    class_rows_.erase(name);
  }
}

bool Settings::IsName(absl::string_view name) { return Setting::Find(name) != nullptr || IsOfClass(name); }

std::optional<Setting> Settings::Named(absl::string_view name) const {
  if (const SettingRow* const row = Setting::Find(name)) return *row;
  if (const auto it = class_rows_.find(name); it != class_rows_.end()) return it->second->row;
  return IsOfClass(name) ? std::optional<Setting>(kNoClass) : std::nullopt;
}

std::vector<std::string> Settings::ClassNames() const {
  std::vector<std::string> names = List("restriction_classes");
  names.emplace_back("submission");
  return names;
}

std::vector<RestrictionClass> Settings::Classes() const {
  std::vector<RestrictionClass> classes;
  for (std::string& name : ClassNames()) {
    const Setting list = *Named(absl::StrCat(name, kClassSuffix));
    classes.push_back({.name = std::move(name), .list = std::nullopt});
    if (list != Setting(kNoClass)) classes.back().list = ListSetting(list.row());
  }
  return classes;
}

const Assignment* Settings::Find(absl::string_view name) const {
  if (const auto it = values_.find(name); it != values_.end()) return &it->second;
  const auto it = postfix_values_.find(name);
  return it == postfix_values_.end() ? nullptr : &it->second;
}

bool Settings::IsFromPostfix(Setting setting) const {
  return !values_.contains(setting.name()) && postfix_values_.contains(setting.name());
}

absl::string_view Settings::Source(Setting setting) const {
  const Assignment* assignment = Find(setting.name());
  return assignment == nullptr ? absl::string_view("default") : absl::string_view(assignment->where);
}

Setting Settings::Origin(Setting setting) const {
  for (int steps = 0; steps < 10 && !IsSet(setting); ++steps) {
    absl::string_view other = setting.row().default_value;
    const SettingRow* const row = absl::ConsumePrefix(&other, "$") ? Setting::Find(other) : nullptr;
    if (row == nullptr) break;
    setting = *row;
  }
  return setting;
}

std::vector<std::string> Settings::warnings() const {
  std::vector<std::string> all = warnings_;
  all.insert(all.end(), postfix_warnings_.begin(), postfix_warnings_.end());
  return all;
}

namespace {

Assignment AssignmentOf(const PostfixValue& value) {
  return {.name = std::string(value.setting.name()), .value = value.value, .where = value.where};
}

// Also where that can not be seen.
bool HasMainCf(const std::string& directory) {
  std::error_code unseen;
  return std::filesystem::exists(directory + "/main.cf", unseen) || unseen;
}

}  // namespace

void Settings::TakeFromPostfix(const PostfixSource& source) {
  postfix_values_.clear();
  postfix_warnings_.clear();
  postfix_error_.clear();
  postfix_ = nullptr;
  const std::string directory = Text("postfix_config_directory");
  if (directory.empty()) return;
  absl::StatusOr<PostfixSettings> read = ReadPostfixSettings(directory, source.ask);
  // A Postfix that was removed leaves its main.cf.
  const bool installed = !absl::IsNotFound(read.status()) && HasMainCf(directory);
  if (!read.ok() && installed) postfix_error_ = std::string(read.status().message());
  if (read.ok()) {
    postfix_ = std::make_shared<const PostfixSettings>(*std::move(read));
  } else if (source.before != nullptr && source.before->directory == directory) {
    postfix_ = source.before;
    postfix_warnings_.push_back(absl::StrCat(read.status().message(), "; what was taken before stays in force"));
  } else {
    postfix_warnings_.push_back(absl::StrCat(read.status().message(),
                                             "; what stands here and the defaults hold: mend it, or set what is needed "
                                             "here and postfix_config_directory to nothing"));
  }
  if (postfix_ != nullptr) TakeValuesOf(*postfix_);
}

void Settings::TakeValuesOf(const PostfixSettings& postfix) {
  postfix_warnings_.insert(postfix_warnings_.end(), postfix.warnings.begin(), postfix.warnings.end());
  for (const PostfixValue& value : postfix.values) postfix_values_[value.setting.name()] = AssignmentOf(value);
  for (const PostfixValue& value : postfix.values) {
    if (values_.contains(value.setting.name())) continue;
    if (const absl::Status fault = CheckBoth(value.setting); !fault.ok()) {
      postfix_values_.erase(value.setting.name());
      if (value.where != PostfixSettings::kDefaultOfPostfix) {
        postfix_warnings_.push_back(absl::StrCat(fault.message(), "; the default holds"));
      }
    }
  }
}

void Settings::RefuseFromPostfix(Setting setting, absl::string_view why) {
  postfix_warnings_.push_back(absl::StrCat(Source(setting), ": ", setting.name(), ": ", why, "; the default holds"));
  postfix_values_.erase(setting.name());
}

absl::Status Settings::Override(const PostfixValue& value) {
  const std::string name(value.setting.name());
  const auto before = values_.find(name);
  const std::optional<Assignment> old =
      before == values_.end() ? std::nullopt : std::optional<Assignment>(before->second);
  values_[name] = AssignmentOf(value);
  absl::Status fault = CheckBoth(value.setting);
  if (fault.ok()) return fault;
  if (old.has_value()) {
    values_[name] = *old;
  } else {
    values_.erase(name);
  }
  return fault;
}

std::vector<Assignment> Settings::Assignments() const {
  std::vector<Assignment> assignments;
  assignments.reserve(values_.size());
  for (const auto& [name, assignment] : values_) assignments.push_back(assignment);
  std::sort(assignments.begin(), assignments.end(),
            [](const Assignment& a, const Assignment& b) { return a.name < b.name; });
  return assignments;
}

std::vector<Setting> Settings::Given() const {
  const std::vector<Assignment> assignments = Assignments();
  std::vector<Setting> given;
  given.reserve(assignments.size());
  for (const Assignment& assignment : assignments) given.push_back(*Named(assignment.name));
  return given;
}

absl::string_view Settings::Raw(Setting setting) const {
  const Assignment* assignment = Find(setting.name());
  const absl::string_view written =
      assignment != nullptr ? absl::string_view(assignment->value) : setting.row().default_value;
  if (!written.empty()) return written;
  if (setting == Setting("myhostname")) return host_name_;
  if (setting == Setting("mydomain")) return domain_name_;
  return "";
}

void Settings::SetSystemHostName(absl::string_view name) {
  host_name_ = std::string(name);
  const std::string mine = Text("myhostname");
  const size_t dot = mine.find('.');
  domain_name_ = dot == std::string::npos ? mine : mine.substr(dot + 1);
}

absl::StatusOr<std::string> Settings::Expand(Setting setting, absl::string_view stress) const {
  return ExpandSetting(Raw(setting), [&](absl::string_view reference) -> absl::StatusOr<std::string> {
    if (reference == "stress" && !stress.empty()) return std::string(stress);
    const std::optional<Setting> other = Named(reference);
    if (other.has_value()) return std::string(Raw(*other));
    return absl::InvalidArgumentError(absl::StrCat("unknown setting \"$", Printable(reference, 100), "\""));
  });
}

bool Settings::RefersToItself(Setting setting) const {
  std::vector<Setting> reached = {setting};
  for (size_t next = 0; next < reached.size(); ++next) {
    bool back = false;
    const auto note = [&](absl::string_view reference) -> absl::StatusOr<std::string> {
      back |= reference == setting.name();
      const std::optional<Setting> other = Named(reference);
      if (other.has_value() && !absl::c_linear_search(reached, *other)) reached.push_back(*other);
      return "";
    };
    ExpandSetting(Raw(reached[next]), note).IgnoreError();
    if (back) return true;
  }
  return false;
}

// ${stress?...} may choose a value only then: both must be good.
absl::Status Settings::CheckBoth(Setting setting) const {
  RETURN_IF_ERROR(Check(setting, ""));
  return Check(setting, "yes");
}

absl::Status Settings::Check(Setting setting, absl::string_view stress) const {
  const auto bad = [&](absl::string_view what) {
    return absl::InvalidArgumentError(
        absl::StrCat(Source(setting), ": ", setting.name(), " = ", Printable(Raw(setting), 100), ": ", what));
  };
  const absl::StatusOr<std::string> value = Expand(setting, stress);
  if (absl::IsAborted(value.status())) {
    if (RefersToItself(setting)) return bad("it refers to itself");
    return absl::AbortedError(bad(value.status().message()).message());
  }
  if (!value.ok()) return bad(value.status().message());
  const std::string fault = FaultOf(setting.row(), *value);
  return fault.empty() ? absl::OkStatus() : bad(fault);
}

std::string Settings::Text(Setting setting, absl::string_view stress) const {
  return Expand(setting, stress).value_or("");
}

std::vector<std::string> Settings::List(ListSetting setting) const {
  const std::string text = Text(setting);
  std::vector<std::string> items;
  for (const absl::string_view item : SplitList(text)) items.emplace_back(item);
  return items;
}

int64_t Settings::Number(NumberSetting setting, absl::string_view stress) const {
  int64_t number = 0;
  return absl::SimpleAtoi(Text(setting, stress), &number) ? number : 0;
}

absl::Duration Settings::Time(TimeSetting setting, absl::string_view stress) const {
  return ParseTimeValue(Text(setting, stress), UnitOf(setting.row())).value_or(absl::ZeroDuration());
}

bool Settings::YesNo(YesNoSetting setting) const {
  bool value = false;
  return ParseYesNo(Text(setting), value) && value;
}

}  // namespace verifyd
