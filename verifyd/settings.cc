#include "verifyd/settings.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace verifyd {
namespace {

// Parameters that are likely to be pasted along from main.cf and mean nothing here. (Others are an error, with a
// suggestion.)
constexpr std::array<absl::string_view, 11> kPostfixOnly = {"address_verify_service_name",
                                                            "alias_maps",
                                                            "command_directory",
                                                            "compatibility_level",
                                                            "daemon_directory",
                                                            "local_recipient_maps",
                                                            "mail_owner",
                                                            "recipient_delimiter",
                                                            "smtpd_banner",
                                                            "smtpd_recipient_restrictions",
                                                            "soft_bounce"};

// Edits between two short names, for the suggestion.
size_t Distance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, substituted}));
    }
  }
  return row.back();
}

std::string UnknownName(const Assignment& assignment) {
  const absl::string_view name = absl::string_view(assignment.name).substr(0, 100);
  absl::string_view nearest;
  size_t least = 1000;
  for (const SettingRow& row : Settings::Table()) {
    const size_t distance = Distance(name, row.name);
    if (distance < least) {
      least = distance;
      nearest = row.name;
    }
  }
  return absl::StrCat(assignment.where, ": unknown setting \"", Printable(name, 100), "\"",
                      least <= 2 + name.size() / 4 ? absl::StrCat("; did you mean \"", nearest, "\"?") : "");
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

absl::StatusOr<Settings> Settings::LoadFile(const std::string& path, const std::vector<Assignment>& options) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return absl::NotFoundError(absl::StrCat("can not read settings file ", path));
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  ASSIGN_OR_RETURN(const std::vector<Assignment> file, ParseSettingFile(path, text));
  return Load(file, options);
}

absl::StatusOr<Settings> Settings::Load(const std::vector<Assignment>& file, const std::vector<Assignment>& options) {
  Settings settings;
  for (const std::vector<Assignment>* source : {&file, &options}) {
    for (const Assignment& assignment : *source) {
      const bool of_postfix =
          std::find(kPostfixOnly.begin(), kPostfixOnly.end(), assignment.name) != kPostfixOnly.end();
      if (!of_postfix && FindRow(assignment.name) != nullptr) {
        settings.values_[assignment.name] = assignment;
      } else if (of_postfix) {
        settings.warnings_.push_back(absl::StrCat(assignment.where, ": \"", assignment.name,
                                                  "\" is a Postfix parameter that has no meaning here"));
      } else {
        return absl::InvalidArgumentError(UnknownName(assignment));
      }
    }
  }
  const std::vector<std::string> classes = settings.Classes();
  for (const auto& [name, assignment] : settings.values_) {
    const bool of_class = FindRow(name)->name != name;
    if (!of_class) continue;
    const std::string of = name.substr(0, name.size() - kClassSuffix.size());
    if (std::find(classes.begin(), classes.end(), of) == classes.end()) {
      return absl::InvalidArgumentError(absl::StrCat(UnknownName(assignment),
                                                     " (a class of restrictions is to stand in "
                                                     "restriction_classes)"));
    }
  }
  for (const SettingRow& row : Table()) {
    // ${stress?...} may choose a value only then: both must be good.
    for (const absl::string_view stress : {"", "yes"}) RETURN_IF_ERROR(settings.Check(row, stress));
  }
  return settings;
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
  const auto it = values_.find(name);
  const absl::string_view written =
      it != values_.end() ? absl::string_view(it->second.value) : FindRow(name)->default_value;
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

absl::Status Settings::Check(const SettingRow& row, absl::string_view stress) const {
  const auto it = values_.find(row.name);
  const auto bad = [&](absl::string_view what) {
    return absl::InvalidArgumentError(absl::StrCat(it != values_.end() ? it->second.where : "default", ": ", row.name,
                                                   " = ", Printable(Raw(row.name), 100), ": ", what));
  };
  const absl::StatusOr<std::string> value = Expand(row.name, stress);
  if (!value.ok()) return bad(value.status().message());
  switch (row.type) {
    case SettingType::kText:
    case SettingType::kList:
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
