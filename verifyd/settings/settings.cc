#include "verifyd/settings/settings.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>

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
  names.reserve(Settings::Table().size());
  for (const SettingRow& row : Settings::Table()) names.push_back(row.name);
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

bool ParseYesNo(absl::string_view text, bool& value) {
  value = absl::EqualsIgnoreCase(text, "yes") || absl::EqualsIgnoreCase(text, "true");
  return value || absl::EqualsIgnoreCase(text, "no") || absl::EqualsIgnoreCase(text, "false");
}

char UnitOf(const SettingRow& row) {
  return row.default_value.empty() ? 's' : absl::ascii_tolower(static_cast<unsigned char>(row.default_value.back()));
}

}  // namespace

const SettingRow* Settings::FindRow(absl::string_view name) {
  const std::vector<SettingRow>& table = Table();
  const auto it = std::lower_bound(table.begin(), table.end(), name,
                                   [](const SettingRow& row, absl::string_view wanted) { return row.name < wanted; });
  if (it != table.end() && it->name == name) return &*it;
  static const auto* const kClass = new SettingRow{
      .name = "NAME_restrictions", .type = SettingType::kList, .documentation = "Restrictions of the class NAME."};
  return absl::EndsWith(name, kClassSuffix) && name.size() > kClassSuffix.size() ? kClass : nullptr;
}

std::vector<std::string> Settings::Classes() const {
  std::vector<std::string> classes = List("restriction_classes");
  classes.emplace_back("submission");
  return classes;
}

namespace {

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

void Settings::ReadAll(const std::vector<Assignment>& file, const std::vector<Assignment>& options) {
  std::vector<const Assignment*> given;
  for (const std::vector<Assignment>* source : {&file, &options}) {
    for (const Assignment& assignment : *source) given.push_back(&assignment);
  }
  for (const Assignment* assignment : given) {
    const SettingRow* row = FindRow(assignment->name);
    const bool of_class = row != nullptr && row->name != assignment->name;
    if ((row == nullptr || of_class) && IsForPostfixOnly(assignment->name)) {
      warnings_.push_back(absl::StrCat(assignment->where, ": \"", assignment->name,
                                       "\" is a Postfix parameter that has no meaning here"));
    } else if (row != nullptr) {
      values_[assignment->name] = *assignment;
    }
  }
  // In the order of the file. A name that stands twice has its last value; the first one is not looked at.
  std::vector<std::string> refused;
  std::vector<std::string> led_astray;
  const std::vector<std::string> classes = Classes();
  for (const Assignment* assignment : given) {
    const SettingRow* row = FindRow(assignment->name);
    const auto held = values_.find(assignment->name);
    if (held == values_.end()) {
      if (row == nullptr && !IsForPostfixOnly(assignment->name)) errors_.push_back(UnknownName(*assignment));
      continue;
    }
    if (held->second.where != assignment->where || held->second.value != assignment->value) continue;
    absl::Status fault;
    if (row->name != assignment->name &&
        !absl::c_linear_search(classes, absl::StripSuffix(assignment->name, kClassSuffix))) {
      fault = absl::InvalidArgumentError(
          absl::StrCat(UnknownName(*assignment), " (a class of restrictions is to stand in restriction_classes)"));
    } else {
      fault = CheckBoth({.name = assignment->name,
                         .type = row->type,
                         .default_value = row->default_value,
                         .min = row->min,
                         .max = row->max,
                         .words = row->words});
    }
    if (fault.ok()) continue;
    (absl::IsAborted(fault) ? led_astray : errors_).emplace_back(fault.message());
    refused.push_back(assignment->name);
  }
  // What leads to a setting that refers to itself is not what is wrong.
  if (errors_.empty()) errors_ = std::move(led_astray);
  for (const std::string& name : refused) values_.erase(name);
}

const Assignment* Settings::Find(absl::string_view name) const {
  if (const auto it = values_.find(name); it != values_.end()) return &it->second;
  const auto it = postfix_values_.find(name);
  return it == postfix_values_.end() ? nullptr : &it->second;
}

absl::string_view Settings::Source(absl::string_view name) const {
  const Assignment* assignment = Find(name);
  return assignment == nullptr ? absl::string_view("default") : absl::string_view(assignment->where);
}

absl::string_view Settings::Origin(absl::string_view name) const {
  for (int steps = 0; steps < 10 && !IsSet(name); ++steps) {
    const SettingRow* row = FindRow(name);
    absl::string_view other = row == nullptr ? "" : row->default_value;
    if (!absl::ConsumePrefix(&other, "$") || FindRow(other) == nullptr || FindRow(other)->name != other) break;
    name = other;
  }
  return name;
}

std::vector<std::string> Settings::warnings() const {
  std::vector<std::string> all = warnings_;
  all.insert(all.end(), postfix_warnings_.begin(), postfix_warnings_.end());
  return all;
}

namespace {

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
  if (postfix_ == nullptr) return;
  postfix_warnings_.insert(postfix_warnings_.end(), postfix_->warnings.begin(), postfix_->warnings.end());
  for (const Assignment& assignment : postfix_->values) postfix_values_[assignment.name] = assignment;
  for (const Assignment& assignment : postfix_->values) {
    if (values_.contains(assignment.name)) continue;
    if (const absl::Status fault = CheckBoth(*FindRow(assignment.name)); !fault.ok()) {
      postfix_values_.erase(assignment.name);
      if (assignment.where != PostfixSettings::kDefaultOfPostfix) {
        postfix_warnings_.push_back(absl::StrCat(fault.message(), "; the default holds"));
      }
    }
  }
}

void Settings::RefuseFromPostfix(absl::string_view name, absl::string_view why) {
  postfix_warnings_.push_back(absl::StrCat(Source(name), ": ", name, ": ", why, "; the default holds"));
  postfix_values_.erase(name);
}

absl::Status Settings::Override(const Assignment& assignment) {
  const auto before = values_.find(assignment.name);
  const std::optional<Assignment> old =
      before == values_.end() ? std::nullopt : std::optional<Assignment>(before->second);
  values_[assignment.name] = assignment;
  absl::Status fault = CheckBoth(*FindRow(assignment.name));
  if (fault.ok()) return fault;
  if (old.has_value()) {
    values_[assignment.name] = *old;
  } else {
    values_.erase(assignment.name);
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

absl::string_view Settings::Raw(absl::string_view name) const {
  const Assignment* assignment = Find(name);
  const absl::string_view written =
      assignment != nullptr ? absl::string_view(assignment->value) : FindRow(name)->default_value;
  if (!written.empty()) return written;
  return name == "myhostname" ? host_name_ : name == "mydomain" ? domain_name_ : written;
}

void Settings::SetSystemHostName(absl::string_view name) {
  host_name_ = std::string(name);
  const std::string mine = Text("myhostname");
  const size_t dot = mine.find('.');
  domain_name_ = dot == std::string::npos ? mine : mine.substr(dot + 1);
}

absl::StatusOr<std::string> Settings::Expand(absl::string_view name, absl::string_view stress) const {
  return ExpandSetting(Raw(name), [&](absl::string_view reference) -> absl::StatusOr<std::string> {
    if (reference == "stress" && !stress.empty()) return std::string(stress);
    if (FindRow(reference) == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat("unknown setting \"$", Printable(reference, 100), "\""));
    }
    return std::string(Raw(reference));
  });
}

bool Settings::RefersToItself(const std::string& name) const {
  std::vector<std::string> reached = {name};
  for (size_t next = 0; next < reached.size(); ++next) {
    bool back = false;
    const auto note = [&](absl::string_view reference) -> absl::StatusOr<std::string> {
      back |= reference == name;
      if (FindRow(reference) != nullptr && !absl::c_linear_search(reached, reference)) {
        reached.emplace_back(reference);
      }
      return "";
    };
    ExpandSetting(Raw(std::string(reached[next])), note).IgnoreError();
    if (back) return true;
  }
  return false;
}

// ${stress?...} may choose a value only then: both must be good.
absl::Status Settings::CheckBoth(const SettingRow& row) const {
  RETURN_IF_ERROR(Check(row, ""));
  return Check(row, "yes");
}

absl::Status Settings::Check(const SettingRow& row, absl::string_view stress) const {
  const auto bad = [&](absl::string_view what) {
    return absl::InvalidArgumentError(
        absl::StrCat(Source(row.name), ": ", row.name, " = ", Printable(Raw(row.name), 100), ": ", what));
  };
  const absl::StatusOr<std::string> value = Expand(row.name, stress);
  if (absl::IsAborted(value.status())) {
    if (RefersToItself(std::string(row.name))) return bad("it refers to itself");
    return absl::AbortedError(bad(value.status().message()).message());
  }
  if (!value.ok()) return bad(value.status().message());
  switch (row.type) {
    case SettingType::kText:
    case SettingType::kList:
    case SettingType::kDomains:
      return absl::OkStatus();
    case SettingType::kNumber: {
      int64_t number = 0;
      if (absl::SimpleAtoi(*value, &number) && number >= row.min && number <= row.max) return absl::OkStatus();
      return bad(absl::StrCat("found \"", Printable(*value, 60), "\", expected a whole number from ", row.min, " to ",
                              row.max));
    }
    case SettingType::kTime: {
      const absl::StatusOr<absl::Duration> time = ParseTimeValue(*value, UnitOf(row));
      if (!time.ok()) return bad(time.status().message());
      if (*time >= absl::Seconds(row.min)) return absl::OkStatus();
      return bad(absl::StrCat("found \"", Printable(*value, 60), "\", expected at least ",
                              FormatTimeValue(absl::Seconds(row.min))));
    }
    case SettingType::kYesNo: {
      bool ignored = false;
      if (ParseYesNo(*value, ignored)) return absl::OkStatus();
      return bad(absl::StrCat("found \"", Printable(*value, 60), "\", expected yes or no"));
    }
    case SettingType::kWord: {
      for (const absl::string_view word : absl::StrSplit(row.words, '|')) {
        if (*value == word) return absl::OkStatus();
      }
      return bad(absl::StrCat("found \"", Printable(*value, 60), "\", expected one of ", row.words));
    }
  }
  return absl::OkStatus();
}

std::string Settings::Text(absl::string_view name, absl::string_view stress) const {
  return Expand(name, stress).value_or("");
}

std::vector<std::string> Settings::List(absl::string_view name) const {
  const std::string text = Text(name);
  std::vector<std::string> items;
  for (const absl::string_view item : SplitList(text)) items.emplace_back(item);
  return items;
}

int64_t Settings::Number(absl::string_view name, absl::string_view stress) const {
  int64_t number = 0;
  return absl::SimpleAtoi(Text(name, stress), &number) ? number : 0;
}

absl::Duration Settings::Time(absl::string_view name, absl::string_view stress) const {
  return ParseTimeValue(Text(name, stress), UnitOf(*FindRow(name))).value_or(absl::ZeroDuration());
}

bool Settings::YesNo(absl::string_view name) const {
  bool value = false;
  return ParseYesNo(Text(name), value) && value;
}

}  // namespace verifyd
