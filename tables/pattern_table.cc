#include "tables/pattern_table.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "tables/table_text.h"

namespace verifyd {
namespace {

// The memory of one pattern. RE2 refuses a counted repetition that does not fit.
constexpr int64_t kPatternMemory = int64_t{1} << 20;
// Stands for a group where no text has matched yet.
constexpr absl::string_view kSomeText = "x";

bool IsSpace(char c) { return absl::ascii_isspace(static_cast<unsigned char>(c)); }
bool IsAlnum(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)); }

re2::StringPiece Piece(absl::string_view text) { return {text.data(), text.size()}; }

// Matches as PatternSet does.
RE2::Options OptionsWithGroups() {
  RE2::Options options;
  options.set_case_sensitive(false);
  options.set_encoding(RE2::Options::EncodingLatin1);
  options.set_log_errors(false);
  options.set_max_mem(kPatternMemory);
  return options;
}

// The flags of pcre_table(5); each turns its default into the opposite.
struct Flags {
  bool fold_case = true;
  bool dot_is_any = true;
  bool lines = false;
  bool ungreedy = false;
  bool anchored = false;
};

absl::StatusOr<Flags> ParseFlags(absl::string_view text) {
  Flags flags;
  for (const char c : text) {
    if (c == 'i') {
      flags.fold_case = !flags.fold_case;
    } else if (c == 's') {
      flags.dot_is_any = !flags.dot_is_any;
    } else if (c == 'm') {
      flags.lines = !flags.lines;
    } else if (c == 'U') {
      flags.ungreedy = !flags.ungreedy;
    } else if (c == 'A') {
      flags.anchored = !flags.anchored;
    } else if (c != 'E') {  // for RE2 "$" is the very end of the text anyway
      return UnexpectedInTable(text, "flags of i, s, m, U, A and E behind the pattern, and white space");
    }
  }
  return flags;
}

// Puts the flags in front of the regular expression.
std::string WithFlags(absl::string_view regex, const Flags& flags) {
  return absl::StrCat("(?", flags.dot_is_any ? "s" : "", flags.lines ? "m" : "", flags.ungreedy ? "U" : "",
                      flags.fold_case ? "i" : "-i", ")", regex);
}

}  // namespace

struct PatternTable::Pattern {
  bool negated = false;
  std::string regex;
  std::unique_ptr<RE2> alone;
};

absl::StatusOr<PatternTable::Pattern> PatternTable::TakePattern(absl::string_view& rest) {
  Pattern pattern;
  while (absl::ConsumePrefix(&rest, "!")) {
    pattern.negated = !pattern.negated;
    rest = absl::StripLeadingAsciiWhitespace(rest);
  }
  if (rest.empty() || IsAlnum(rest[0]) || rest[0] == '\\') return UnexpectedInTable(rest, "/PATTERN/FLAGS");
  const char delimiter = rest[0];
  size_t end = 1;
  while (end < rest.size() && rest[end] != delimiter) end += rest[end] == '\\' ? 2 : 1;
  if (end >= rest.size()) return UnexpectedInTable(rest, absl::StrCat("a second \"", rest.substr(0, 1), "\""));
  const absl::string_view regex = rest.substr(1, end - 1);
  rest.remove_prefix(end + 1);
  const auto flags_end = static_cast<size_t>(std::find_if(rest.begin(), rest.end(), IsSpace) - rest.begin());
  ASSIGN_OR_RETURN(const Flags flags, ParseFlags(rest.substr(0, flags_end)));
  rest = absl::StripLeadingAsciiWhitespace(rest.substr(flags_end));
  pattern.regex = WithFlags(regex, flags);
  pattern.alone = std::make_unique<RE2>(pattern.regex, OptionsWithGroups());
  if (pattern.alone->ok() && flags.anchored) {
    // Anchor it only now: the added parentheses could make a broken pattern valid.
    pattern.regex = WithFlags(absl::StrCat("\\A(?:", regex, ")"), flags);
    pattern.alone = std::make_unique<RE2>(pattern.regex, OptionsWithGroups());
  }
  if (!pattern.alone->ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("pattern \"", Printable(regex, 100), "\": ", Printable(pattern.alone->error(), 200)));
  }
  return pattern;
}

// Takes "1", "{1}" or "(1)" after a dollar.
absl::StatusOr<int> TakeGroup(absl::string_view& rest, int groups) {
  absl::string_view name = rest;
  const absl::string_view closing = absl::ConsumePrefix(&name, "{") ? "}" : absl::ConsumePrefix(&name, "(") ? ")" : "";
  const auto end = static_cast<size_t>(
      std::find_if(name.begin(), name.end(), [](char c) { return !IsAlnum(c) && c != '_'; }) - name.begin());
  int group = 0;
  const bool closed = closing.empty() || absl::StartsWith(name.substr(end), closing);
  if (!closed || !absl::SimpleAtoi(name.substr(0, end), &group) || group < 1 || group > groups) {
    return UnexpectedInTable(absl::StrCat("$", rest.substr(0, 20)),
                             absl::StrCat("$$, or the number of one of the ", groups, " groups of the pattern"));
  }
  rest = name.substr(end + closing.size());
  return group;
}

absl::StatusOr<std::vector<PatternTable::Part>> PatternTable::ParseValue(absl::string_view value, int groups) {
  std::vector<Part> parts(1);
  absl::string_view rest = value;
  for (size_t dollar = rest.find('$'); dollar != absl::string_view::npos; dollar = rest.find('$')) {
    absl::StrAppend(&parts.back().text, rest.substr(0, dollar));
    rest.remove_prefix(dollar + 1);
    if (absl::ConsumePrefix(&rest, "$")) {
      parts.back().text.push_back('$');
      continue;
    }
    ASSIGN_OR_RETURN(parts.back().group, TakeGroup(rest, groups));
    parts.emplace_back();
  }
  absl::StrAppend(&parts.back().text, rest);
  return parts;
}

// Puts each line into the table.
class PatternTable::Reader {
 public:
  Reader(PatternTable& table, Check check) : table_(table), check_(check) {}

  absl::Status Take(absl::string_view line) {
    const size_t word_end = std::min(line.size(), line.find_first_not_of("IFENDifend"));
    const absl::string_view word = line.substr(0, word_end);
    const bool whole = word_end == line.size() || !IsAlnum(line[word_end]);
    absl::string_view rest = absl::StripLeadingAsciiWhitespace(line.substr(word_end));
    if (whole && absl::EqualsIgnoreCase(word, "if")) return Begin(rest);
    if (whole && absl::EqualsIgnoreCase(word, "endif")) return End(rest);
    rest = line;
    return TakeRule(rest);
  }

  bool InBlock() const { return !open_.empty(); }

 private:
  absl::StatusOr<Rule> AddPattern(const Pattern& pattern) {
    if (table_.patterns_.size() == kMaxPatterns) {
      return absl::ResourceExhaustedError(absl::StrCat("expected at most ", kMaxPatterns, " patterns"));
    }
    Rule rule;
    rule.negated = pattern.negated;
    ASSIGN_OR_RETURN(rule.pattern, table_.patterns_.Add(pattern.regex));
    return rule;
  }

  absl::Status Begin(absl::string_view rest) {
    ASSIGN_OR_RETURN(const Pattern pattern, TakePattern(rest));
    if (!rest.empty()) return UnexpectedInTable(rest, "nothing behind \"if /PATTERN/\"");
    ASSIGN_OR_RETURN(Rule rule, AddPattern(pattern));
    open_.push_back(table_.rules_.size());
    table_.rules_.push_back(std::move(rule));
    return absl::OkStatus();
  }

  absl::Status End(absl::string_view rest) {
    if (!InBlock()) return UnexpectedInTable("endif", "an \"if\" before it");
    if (!rest.empty()) return UnexpectedInTable(rest, "nothing behind \"endif\"");
    table_.rules_[open_.back()].behind_block = table_.rules_.size();
    open_.pop_back();
    return absl::OkStatus();
  }

  absl::Status TakeRule(absl::string_view rest) {
    ASSIGN_OR_RETURN(Pattern pattern, TakePattern(rest));
    // A pattern that does not match has no groups.
    const int groups = pattern.negated ? 0 : pattern.alone->NumberOfCapturingGroups();
    ASSIGN_OR_RETURN(std::vector<Part> parts, ParseValue(rest, groups));
    ASSIGN_OR_RETURN(Rule rule, AddPattern(pattern));
    std::string value;
    for (const Part& part : parts) absl::StrAppend(&value, part.text, part.group > 0 ? kSomeText : "");
    const auto [number, is_new] = table_.values_.Add(value);
    if (is_new) RETURN_IF_ERROR(check_(value));
    rule.value = number;
    if (parts.size() > 1) {
      rule.groups = std::move(pattern.alone);
      rule.parts = std::move(parts);
    }
    table_.rules_.push_back(std::move(rule));
    return absl::OkStatus();
  }

  PatternTable& table_;
  const Check check_;
  std::vector<size_t> open_;  // the rules of blocks that have not ended
};

absl::StatusOr<std::shared_ptr<const PatternTable>> PatternTable::Parse(absl::string_view file_name,
                                                                        absl::string_view text, Check check) {
  auto table = std::make_shared<PatternTable>();
  Reader reader(*table, check);
  RETURN_IF_ERROR(
      ForEachLogicalLine(file_name, text, [&](absl::string_view line, int /*number*/) { return reader.Take(line); }));
  if (reader.InBlock()) {
    return absl::InvalidArgumentError(absl::StrCat(file_name, ": found an \"if\" without its \"endif\""));
  }
  if (const absl::Status compiled = table->patterns_.Compile(); !compiled.ok()) {
    return absl::Status(compiled.code(), absl::StrCat(file_name, ": ", compiled.message()));
  }
  return std::shared_ptr<const PatternTable>(std::move(table));
}

std::string PatternTable::Substitute(const Rule& rule, absl::string_view text) {
  std::vector<re2::StringPiece> groups(static_cast<size_t>(rule.groups->NumberOfCapturingGroups()) + 1);
  rule.groups->Match(Piece(text), 0, text.size(), RE2::UNANCHORED, groups.data(), static_cast<int>(groups.size()));
  std::string value;
  for (const auto& [literal, group] : rule.parts) {
    absl::StrAppend(&value, literal);
    if (group > 0) value.append(groups[group].data(), groups[group].size());
  }
  return Printable(value, kMaxValue);
}

std::optional<PatternTable::Found> PatternTable::Find(absl::string_view text) const {
  const PatternHits hits = patterns_.Match(text);
  size_t next = 0;
  while (next < rules_.size()) {
    const Rule& rule = rules_[next];
    const bool matches = hits.Has(rule.pattern) != rule.negated;
    if (rule.behind_block > 0) {
      next = matches ? next + 1 : rule.behind_block;
    } else if (!matches) {
      ++next;
    } else {
      Found found{.value = rule.value};
      if (rule.groups != nullptr) found.substituted = Substitute(rule, text);
      return found;
    }
  }
  return std::nullopt;
}

}  // namespace verifyd
