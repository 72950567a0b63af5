#include "verifyd/settings/setting_syntax.h"

#include <cstddef>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace verifyd {
namespace {

constexpr int kMaxDepth = 100;
constexpr size_t kMaxExpanded = 65536;

using LookUp = absl::FunctionRef<absl::StatusOr<std::string>(absl::string_view)>;

// The names of a transport's parameters begin with its name.
bool IsParameterCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.';
}

bool IsNameCharacter(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_'; }

absl::StatusOr<Assignment> ParseAssignment(absl::string_view line, std::string where) {
  const size_t equals = line.find('=');
  const absl::string_view name = absl::StripAsciiWhitespace(line.substr(0, equals));
  bool valid = equals != absl::string_view::npos && !name.empty();
  for (const char c : name) valid = valid && IsParameterCharacter(c);
  if (!valid) {
    return absl::InvalidArgumentError(
        absl::StrCat(where, ": found \"", Printable(line, 80), "\", expected \"name = value\""));
  }
  Assignment assignment;
  assignment.name = std::string(name);
  assignment.value = std::string(absl::StripAsciiWhitespace(line.substr(equals + 1)));
  assignment.where = std::move(where);
  return assignment;
}

// Takes "{...}" off the front of `text`, braces balanced.
absl::StatusOr<absl::string_view> TakeBraced(absl::string_view& text) {
  int depth = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '{') ++depth;
    if (text[i] == '}' && --depth == 0) {
      const absl::string_view inner = text.substr(1, i - 1);
      text.remove_prefix(i + 1);
      return inner;
    }
  }
  return absl::InvalidArgumentError(absl::StrCat("found \"", Printable(text, 60), "\" without its closing brace"));
}

// Takes "value" or "{value}"; white space around the braces is allowed, as in Postfix.
absl::StatusOr<absl::string_view> TakeAlternative(absl::string_view& text) {
  const absl::string_view trimmed = absl::StripLeadingAsciiWhitespace(text);
  if (!absl::StartsWith(trimmed, "{")) return std::exchange(text, absl::string_view());
  text = trimmed;
  ASSIGN_OR_RETURN(const absl::string_view inner, TakeBraced(text));
  text = absl::StripLeadingAsciiWhitespace(text);
  return absl::StripAsciiWhitespace(inner);
}

absl::Status ExpandInto(absl::string_view value, LookUp look_up, int depth, std::string& out);

absl::Status ExpandName(absl::string_view name, LookUp look_up, int depth, std::string& out) {
  ASSIGN_OR_RETURN(const std::string value, look_up(name));
  return ExpandInto(value, look_up, depth + 1, out);
}

// Expands the inside of ${...}.
absl::Status ExpandBraced(absl::string_view inner, LookUp look_up, int depth, std::string& out) {
  absl::string_view rest = absl::StripAsciiWhitespace(inner);
  size_t length = 0;
  while (length < rest.size() && IsNameCharacter(rest[length])) ++length;
  const absl::string_view name = rest.substr(0, length);
  rest = absl::StripLeadingAsciiWhitespace(rest.substr(length));
  if (name.empty() || (!rest.empty() && rest[0] != '?' && rest[0] != ':')) {
    return absl::InvalidArgumentError(absl::StrCat("found \"${", Printable(inner, 60),
                                                   "}\", expected ${name}, ${name?value}, ${name:value} or "
                                                   "${name?{value}:{value}}"));
  }
  if (rest.empty()) return ExpandName(name, look_up, depth, out);
  const bool wanted_set = rest[0] == '?';
  rest.remove_prefix(1);
  ASSIGN_OR_RETURN(const absl::string_view first, TakeAlternative(rest));
  absl::string_view second;
  if (!rest.empty()) {
    if (rest[0] != ':' || !wanted_set) {
      return absl::InvalidArgumentError(
          absl::StrCat("found \"", Printable(rest, 60), "\" behind the value in ${", Printable(inner, 60), "}"));
    }
    rest.remove_prefix(1);
    ASSIGN_OR_RETURN(second, TakeAlternative(rest));
  }
  std::string tested;
  RETURN_IF_ERROR(ExpandName(name, look_up, depth, tested));
  const bool set = !tested.empty();
  return ExpandInto(set == wanted_set ? first : second, look_up, depth + 1, out);
}

absl::Status ExpandInto(absl::string_view value, LookUp look_up, int depth, std::string& out) {
  if (depth > kMaxDepth) return absl::AbortedError("references go round in a circle, or are nested too deeply");
  while (!value.empty()) {
    const size_t dollar = value.find('$');
    absl::StrAppend(&out, value.substr(0, dollar));
    if (out.size() > kMaxExpanded) {
      return absl::InvalidArgumentError(absl::StrCat("the value is longer than ", kMaxExpanded, " bytes"));
    }
    if (dollar == absl::string_view::npos) return absl::OkStatus();
    value.remove_prefix(dollar + 1);
    if (absl::ConsumePrefix(&value, "$")) {
      out.push_back('$');
    } else if (!value.empty() && value[0] == '{') {
      ASSIGN_OR_RETURN(const absl::string_view inner, TakeBraced(value));
      RETURN_IF_ERROR(ExpandBraced(inner, look_up, depth, out));
    } else {
      size_t length = 0;
      while (length < value.size() && IsNameCharacter(value[length])) ++length;
      if (length == 0) return absl::InvalidArgumentError("found \"$\" without a name, expected $name, ${name} or $$");
      RETURN_IF_ERROR(ExpandName(value.substr(0, length), look_up, depth, out));
      value.remove_prefix(length);
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<Assignment> ReadSettingLines(absl::string_view file_name, absl::string_view text,
                                         std::vector<std::string>& errors) {
  std::vector<Assignment> assignments;
  bool continues = false;  // a line that begins with white space goes on with the last assignment
  bool refused = false;    // ... or with a line that was an error
  int line_number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++line_number;
    absl::ConsumeSuffix(&line, "\r");
    const absl::string_view stripped = absl::StripAsciiWhitespace(line);
    if (stripped.empty() || stripped[0] == '#') continue;
    const std::string where = absl::StrCat(file_name, ":", line_number);
    if (absl::ascii_isspace(static_cast<unsigned char>(line[0]))) {
      if (continues) {
        std::string& value = assignments.back().value;
        absl::StrAppend(&value, value.empty() ? "" : " ", stripped);
      } else if (!refused) {
        errors.push_back(
            absl::StrCat(where, ": found a continuation line (it begins with white space) before any setting"));
      }
      continue;
    }
    absl::StatusOr<Assignment> assignment = ParseAssignment(line, where);
    continues = assignment.ok();
    refused = !continues;
    if (continues) {
      assignments.push_back(*std::move(assignment));
    } else {
      errors.emplace_back(assignment.status().message());
    }
  }
  return assignments;
}

absl::StatusOr<std::vector<Assignment>> ParseSettingFile(absl::string_view file_name, absl::string_view text) {
  std::vector<std::string> errors;
  std::vector<Assignment> assignments = ReadSettingLines(file_name, text, errors);
  if (errors.empty()) return assignments;
  return absl::InvalidArgumentError(absl::StrJoin(errors, "\n"));
}

absl::StatusOr<Assignment> ParseSettingOption(absl::string_view text) {
  return ParseAssignment(text, absl::StrCat("-o ", Printable(text, 80)));
}

absl::StatusOr<std::string> ExpandSetting(absl::string_view value, LookUp look_up) {
  std::string out;
  RETURN_IF_ERROR(ExpandInto(value, look_up, 0, out));
  return out;
}

}  // namespace verifyd
