#include "verifyd/doctor/examination.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "base/text.h"
#include "boost/json.hpp"
#include "verifyd/json/json.h"

namespace verifyd {
namespace {

constexpr size_t kMostShown = 1000;

std::string TitleOf(const Examination& examination) {
  const absl::string_view space = examination.about.empty() ? "" : " ";
  return Printable(absl::StrCat(examination.name, space, examination.about), 100);
}

// Works line by line: a line end is the only control character that is ours.
std::vector<std::string> LinesOf(const std::string& remedy) {
  std::vector<std::string> lines;
  for (const absl::string_view line : absl::StrSplit(remedy, '\n', absl::SkipEmpty())) {
    lines.push_back(Printable(line, kMostShown));
  }
  return lines;
}

}  // namespace

absl::string_view HealthName(Health health) {
  switch (health) {
    case Health::kOk:
      return "ok";
    case Health::kWarning:
      return "warning";
    case Health::kBad:
      return "bad";
    case Health::kNotExamined:
      return "not_examined";
  }
  return "unknown";
}

std::string ExaminationsText(const Examinations& examinations) {
  size_t width = 0;
  for (const Examination& examination : examinations) width = std::max(width, TitleOf(examination).size());
  std::string out;
  for (const Examination& examination : examinations) {
    absl::StrAppendFormat(&out, "%-12s  %-*s  %s\n", HealthName(examination.health), static_cast<int>(width),
                          TitleOf(examination), Printable(examination.found, kMostShown));
    for (const std::string& line : LinesOf(examination.remedy)) {
      absl::StrAppendFormat(&out, "%12s    %s\n", "", line);
    }
  }
  return out;
}

boost::json::object ToJson(const Examination& examination) {
  boost::json::object object;
  object["name"] = JsonText(examination.name);
  if (!examination.about.empty()) object["about"] = JsonText(Printable(examination.about, kMostShown));
  object["state"] = JsonText(HealthName(examination.health));
  object["found"] = JsonText(Printable(examination.found, kMostShown));
  std::string remedy;
  for (const std::string& line : LinesOf(examination.remedy)) {
    absl::StrAppend(&remedy, remedy.empty() ? "" : "\n", line);
  }
  if (!remedy.empty()) object["remedy"] = JsonText(remedy);
  return object;
}

}  // namespace verifyd
