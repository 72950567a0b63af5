#include "classifier/rule_file.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "classifier/reason.h"

namespace verifyd {
namespace {

constexpr absl::string_view kMark = "verifyd-rules 1";
constexpr absl::string_view kKeys = "stage, code, enhanced, mx, text, and, unless, reason, reason-4yz, match or not";
constexpr Stage kReplyStages[] = {Stage::kBanner, Stage::kEhlo, Stage::kStarttls, Stage::kMail,
                                  Stage::kRcpt,   Stage::kData, Stage::kQuit};
constexpr absl::string_view kStageWords = "banner, ehlo, starttls, mail, rcpt, data or quit";

uint16_t Bit(Stage stage) { return static_cast<uint16_t>(1U << static_cast<unsigned>(stage)); }

std::optional<Stage> ReplyStageFromName(absl::string_view name) {
  const std::optional<Stage> stage = StageFromName(name);
  return stage.has_value() && absl::c_linear_search(kReplyStages, *stage) ? stage : std::nullopt;
}

// Parses "550", "55z", "5yz".
std::optional<CodePattern> ParseCode(absl::string_view word) {
  if (word.size() != 3 || word[0] < '2' || word[0] > '5') return std::nullopt;
  CodePattern code;
  for (const char c : word) {
    const bool open = c == 'x' || c == 'y' || c == 'z';
    if (!open && !absl::ascii_isdigit(static_cast<unsigned char>(c))) return std::nullopt;
    code.low = static_cast<uint16_t>(code.low * 10 + (open ? 0 : c - '0'));
    code.high = static_cast<uint16_t>(code.high * 10 + (open ? 9 : c - '0'));
  }
  return code;
}

std::optional<EnhancedPattern> ParseEnhanced(absl::string_view word) {
  EnhancedPattern pattern;
  if (word == "none") {
    pattern.none = true;
    return pattern;
  }
  const std::vector<absl::string_view> parts = absl::StrSplit(word, '.');
  if (parts.size() != 3) return std::nullopt;
  std::optional<uint16_t>* const places[] = {&pattern.status_class, &pattern.subject, &pattern.detail};
  for (size_t i = 0; i < 3; ++i) {
    if (parts[i] == "x") continue;
    uint32_t number = 0;
    if (parts[i].empty() || !absl::SimpleAtoi(parts[i], &number) || number > 999) return std::nullopt;
    *places[i] = static_cast<uint16_t>(number);
  }
  return pattern;
}

// `\n` separates lines, `\xNN` is a byte, `\\` a backslash.
std::optional<std::string> Unescape(absl::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    const char c = i + 1 < text.size() ? text[++i] : '\0';
    if (c == 'n') {
      out += '\n';
    } else if (c == '\\') {
      out += '\\';
    } else if (c == 'x' && i + 2 < text.size() && absl::ascii_isxdigit(static_cast<unsigned char>(text[i + 1])) &&
               absl::ascii_isxdigit(static_cast<unsigned char>(text[i + 2]))) {
      uint32_t byte = 0;
      if (!absl::SimpleHexAtoi(text.substr(i + 1, 2), &byte)) return std::nullopt;
      out += static_cast<char>(byte);
      i += 2;
    } else {
      return std::nullopt;
    }
  }
  return out;
}

// Returns the first word of `text`; `text` becomes the rest without the white space between.
absl::string_view TakeWord(absl::string_view& text) {
  const size_t end = std::min(text.find_first_of(" \t"), text.size());
  const absl::string_view word = text.substr(0, end);
  text = absl::StripLeadingAsciiWhitespace(text.substr(end));
  return word;
}

class RuleParser {
 public:
  explicit RuleParser(absl::string_view name) : name_(name) {}

  absl::StatusOr<RuleFile> Parse(absl::string_view text) {
    if (text.size() > kMaxRuleFile) return Error(absl::StrCat(text.size(), " bytes"), "at most 1 MiB");
    bool marked = false;
    for (absl::string_view line : absl::StrSplit(text, '\n')) {
      ++line_;
      if (line.size() > kMaxRuleLine) return Error(absl::StrCat("a line of ", line.size(), " bytes"), "at most 2000");
      line = absl::StripAsciiWhitespace(line);
      if (line.empty() || line[0] == '#') continue;
      if (!marked) {
        if (line != kMark) return ErrorAt(line, absl::StrCat("\"", kMark, "\" as the first line"));
        marked = true;
        continue;
      }
      RETURN_IF_ERROR(TakeLine(line));
    }
    if (!marked) return Error("nothing", absl::StrCat("\"", kMark, "\""));
    RETURN_IF_ERROR(FinishRule());
    if (file_.rules.empty()) return Error("no rule", "at least one");
    if (!unwrap_seen_) return Error("no \"unwrap\"", "one, before the rules that judge quoted replies");
    return std::move(file_);
  }

 private:
  absl::Status Error(absl::string_view found, absl::string_view expected) const {
    return absl::InvalidArgumentError(absl::StrCat(name_, ":", line_, ": found ", found, ", expected ", expected));
  }
  absl::Status ErrorAt(absl::string_view text, absl::string_view expected) const {
    return Error(absl::StrCat("\"", Printable(text, 80), "\""), expected);
  }
  // For errors that are noticed at the end of a rule.
  absl::Status RuleError(absl::string_view found, absl::string_view expected) const {
    return absl::InvalidArgumentError(
        absl::StrCat(name_, ":", rule_.line, ": rule ", rule_.id, ": found ", found, ", expected ", expected));
  }

  absl::Status TakeLine(absl::string_view line) {
    absl::string_view value = line;
    const absl::string_view key = TakeWord(value);
    if (key == "rule") return BeginRule(value);
    if (key == "unwrap") return TakeUnwrap(value);
    if (!in_rule_) return ErrorAt(key, "\"rule\" or \"unwrap\"");
    if (value.empty()) return Error("nothing", absl::StrCat("a value behind \"", Printable(key, 80), "\""));
    return TakeKey(key, value);
  }

  absl::Status TakeUnwrap(absl::string_view value) {
    if (!value.empty()) return ErrorAt(value, "nothing behind \"unwrap\"");
    if (unwrap_seen_) return Error("a second \"unwrap\"", "one");
    RETURN_IF_ERROR(FinishRule());
    unwrap_seen_ = true;
    file_.unwrap_at = file_.rules.size();
    return absl::OkStatus();
  }

  absl::Status BeginRule(absl::string_view id) {
    RETURN_IF_ERROR(FinishRule());
    constexpr absl::string_view kIdLetters = "abcdefghijklmnopqrstuvwxyz0123456789._-";
    if (id.empty() || id.size() > kMaxRuleId || id.find_first_not_of(kIdLetters) != absl::string_view::npos) {
      return ErrorAt(id, "an id of at most 48 letters a-z, digits, '.', '_' and '-'");
    }
    if (!ids_.emplace(id).second) return ErrorAt(id, "an id that no rule above has");
    if (file_.rules.size() >= kMaxRules) return Error("one rule more", "at most 1000");
    rule_ = Rule{};
    rule_.id = absl::StrCat(id);
    rule_.line = line_;
    in_rule_ = true;
    return absl::OkStatus();
  }

  absl::Status TakeKey(absl::string_view key, absl::string_view value) {
    if (key == "text") return TakePattern(rule_.any, value);
    if (key == "and") return TakePattern(rule_.all, value);
    if (key == "unless") return TakePattern(rule_.unless, value);
    if (key == "match") return TakeExample(value, true);
    if (key == "not") return TakeExample(value, false);
    if (key == "stage") return Once(key, rule_.stages == 0, [&] { return TakeStages(value); });
    if (key == "code") return Once(key, rule_.codes.empty(), [&] { return TakeCodes(value); });
    if (key == "enhanced") return Once(key, rule_.enhanced.empty(), [&] { return TakeEnhanced(value); });
    if (key == "mx") return Once(key, rule_.mx_suffixes.empty(), [&] { return TakeMx(value); });
    if (key == "reason") {
      return Once(key, rule_.reason == Reason::kNone, [&] { return TakeReason(value, rule_.reason); });
    }
    if (key == "reason-4yz") {
      return Once(key, rule_.reason_4yz == Reason::kNone, [&] { return TakeReason(value, rule_.reason_4yz); });
    }
    return ErrorAt(key, kKeys);
  }

  template <typename Take>
  absl::Status Once(absl::string_view key, bool first, Take take) {
    if (!first) return Error(absl::StrCat("a second \"", key, "\""), "one a rule");
    return take();
  }

  absl::Status TakePattern(std::vector<RuleText>& patterns, absl::string_view value) {
    if (++pattern_count_ > kMaxPatterns) return Error("one pattern more", "at most 4000 in a file");
    patterns.push_back({absl::StrCat(value), line_});
    return absl::OkStatus();
  }

  absl::Status TakeStages(absl::string_view value) {
    for (const absl::string_view word : absl::StrSplit(value, ' ', absl::SkipEmpty())) {
      const std::optional<Stage> stage = ReplyStageFromName(word);
      if (word == "any") {
        for (const Stage each : kReplyStages) rule_.stages |= Bit(each);
      } else if (stage.has_value()) {
        rule_.stages |= Bit(*stage);
      } else {
        return ErrorAt(word, absl::StrCat(kStageWords, ", or any"));
      }
    }
    return absl::OkStatus();
  }

  absl::Status TakeCodes(absl::string_view value) {
    for (const absl::string_view word : absl::StrSplit(value, ' ', absl::SkipEmpty())) {
      const std::optional<CodePattern> code = ParseCode(word);
      if (!code.has_value()) return ErrorAt(word, "a code such as 550, 55z or 5yz");
      rule_.codes.push_back(*code);
    }
    return absl::OkStatus();
  }

  absl::Status TakeEnhanced(absl::string_view value) {
    for (const absl::string_view word : absl::StrSplit(value, ' ', absl::SkipEmpty())) {
      const std::optional<EnhancedPattern> pattern = ParseEnhanced(word);
      if (!pattern.has_value()) return ErrorAt(word, "an enhanced code such as 5.1.1, 5.1.x or x.7.x, or none");
      rule_.enhanced.push_back(*pattern);
    }
    return absl::OkStatus();
  }

  absl::Status TakeMx(absl::string_view value) {
    for (const absl::string_view word : absl::StrSplit(value, ' ', absl::SkipEmpty())) {
      if (word.size() < 2 || word[0] != '.') return ErrorAt(word, "the end of a host name, such as .example.com");
      rule_.mx_suffixes.push_back(absl::AsciiStrToLower(word));
    }
    return absl::OkStatus();
  }

  absl::Status TakeReason(absl::string_view value, Reason& reason) const {
    const std::optional<Reason> found = ReasonFromName(value);
    if (!found.has_value()) return ErrorAt(value, "a reason of the table of reasons");
    reason = *found;
    return absl::OkStatus();
  }

  // Takes "STAGE [mx=NAME] REPLY".
  absl::Status TakeExample(absl::string_view value, bool must_match) {
    if (rule_.examples.size() >= kMaxExamples) return Error("one example more", "at most 100 a rule");
    const absl::string_view word = TakeWord(value);
    const std::optional<Stage> stage = ReplyStageFromName(word);
    if (!stage.has_value()) return ErrorAt(word, kStageWords);
    RuleExample example{.stage = *stage, .must_match = must_match, .line = line_};
    if (value.substr(0, 3) == "mx=") example.mx_name = absl::StrCat(TakeWord(value).substr(3));
    const std::optional<std::string> text = Unescape(value);
    if (!text.has_value()) return ErrorAt(value, "no escapes but \\n, \\xNN and \\\\");
    absl::StatusOr<Reply> reply = Reply::Parse(*text);
    if (!reply.ok()) return ErrorAt(value, absl::StrCat("a reply (", reply.status().message(), ")"));
    example.reply = *std::move(reply);
    rule_.examples.push_back(std::move(example));
    return absl::OkStatus();
  }

  bool HasClass(int digit) const {
    return std::any_of(rule_.codes.begin(), rule_.codes.end(),
                       [&](const CodePattern& code) { return code.low / 100 == digit; });
  }

  absl::Status FinishRule() {
    if (!in_rule_) return absl::OkStatus();
    in_rule_ = false;
    if (rule_.codes.empty()) rule_.codes = {{400, 499}, {500, 599}};
    if (rule_.stages == 0) return RuleError("no stage", "\"stage\"");
    if (rule_.reason == Reason::kNone) return RuleError("no reason", "\"reason\"");
    RETURN_IF_ERROR(CheckUndeliverable());
    if (std::none_of(rule_.examples.begin(), rule_.examples.end(),
                     [](const RuleExample& example) { return example.must_match; })) {
      return RuleError("no example that must match", "at least one \"match\"");
    }
    file_.rules.push_back(std::move(rule_));
    return absl::OkStatus();
  }

  // Refuses undeliverable where no rule may say it.
  absl::Status CheckUndeliverable() const {
    if (rule_.reason_4yz != Reason::kNone) {
      if (!HasClass(4)) return RuleError("reason-4yz", "a 4yz code beside it");
      if (RowOf(rule_.reason_4yz).deliverability == Deliverability::kUndeliverable) {
        return RuleError(ReasonName(rule_.reason_4yz), "a reason that is not undeliverable for a 4yz reply");
      }
    }
    if (RowOf(rule_.reason).deliverability != Deliverability::kUndeliverable) return absl::OkStatus();
    if ((HasClass(4) && rule_.reason_4yz == Reason::kNone) || HasClass(2) || HasClass(3)) {
      return RuleError(absl::StrCat(ReasonName(rule_.reason), " for a code that is not 5yz"),
                       "\"code 5yz\", or \"reason-4yz\" with what a 4yz reply means");
    }
    if ((rule_.stages & ~(Bit(Stage::kRcpt) | Bit(Stage::kData))) != 0) {
      return RuleError(absl::StrCat(ReasonName(rule_.reason), " before RCPT"), "stages rcpt and data only");
    }
    return absl::OkStatus();
  }

  const std::string name_;
  size_t line_ = 0;
  size_t pattern_count_ = 0;
  bool in_rule_ = false;
  bool unwrap_seen_ = false;
  Rule rule_;
  RuleFile file_;
  std::set<std::string> ids_;
};

}  // namespace

bool EnhancedPattern::Matches(const EnhancedCode& code) const {
  if (none || !code.given()) return none && !code.given();
  return status_class.value_or(code.status_class) == code.status_class &&
         subject.value_or(code.subject) == code.subject && detail.value_or(code.detail) == code.detail;
}

absl::StatusOr<RuleFile> ParseRules(absl::string_view name, absl::string_view text) {
  return RuleParser(name).Parse(text);
}

}  // namespace verifyd
