// The rule file: the classifier's rules as data. They are ordered, and the first that matches wins. The head of
// classifier/rules.txt, the rules compiled in, explains the syntax.
//
// A file is taken whole or not at all. Errors are InvalidArgument "FILE:LINE: found ..., expected ...".
//
// Thread: any (values, pure functions).
#ifndef VERIFYD_CLASSIFIER_RULE_FILE_H_
#define VERIFYD_CLASSIFIER_RULE_FILE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "mail/finding.h"
#include "mail/reply.h"

namespace verifyd {

// The bounds of a rule file.
constexpr size_t kMaxRuleFile = size_t{1} << 20;
constexpr size_t kMaxRules = 1000;
constexpr size_t kMaxRuleLine = 2000;
constexpr size_t kMaxRuleId = 48;
constexpr size_t kMaxPatterns = 4000;
constexpr size_t kMaxExamples = 100;  // a rule

// "550", "55z", "5yz": reply codes from `low` to `high`.
struct CodePattern {
  uint16_t low = 0;
  uint16_t high = 0;
  bool Matches(int code) const { return low <= code && code <= high; }
};

// "5.1.1", "5.1.x", "x.7.x"; "none" is a reply without an enhanced code.
struct EnhancedPattern {
  bool none = false;
  std::optional<uint16_t> status_class, subject, detail;
  bool Matches(const EnhancedCode& code) const;
};

// A pattern or an example, and its line in the file.
struct RuleText {
  std::string text;
  size_t line = 0;
};

struct RuleExample {
  Stage stage = Stage::kRcpt;
  std::string mx_name;
  Reply reply;
  bool must_match = true;  // else: must be decided by another rule, or by none
  size_t line = 0;
};

struct Rule {
  std::string id;
  size_t line = 0;
  uint16_t stages = 0;                     // a bit a Stage
  std::vector<CodePattern> codes;          // any of them; never empty
  std::vector<EnhancedPattern> enhanced;   // any of them; empty: whatever it is
  std::vector<std::string> mx_suffixes;    // any of them; empty: whatever it is
  std::vector<RuleText> any, all, unless;  // text patterns: one of `any`, each of `all`, none of `unless`
  Reason reason = Reason::kNone;
  Reason reason_4yz = Reason::kNone;  // instead of `reason` for a 4yz reply; kNone: the same
  std::vector<RuleExample> examples;

  bool AppliesAt(Stage stage) const { return (stages >> static_cast<unsigned>(stage) & 1U) != 0; }
};

struct RuleFile {
  std::vector<Rule> rules;
  // The place of "unwrap": the rules from here on see the inner reply where one is quoted.
  size_t unwrap_at = 0;
};

// `name` is for messages. Checks everything but the patterns and the examples, which the classifier tries: ids are
// unique; every rule has its stages, its reason and an example; no rule makes a 4yz reply, or one from before RCPT,
// undeliverable.
absl::StatusOr<RuleFile> ParseRules(absl::string_view name, absl::string_view text);

}  // namespace verifyd

#endif  // VERIFYD_CLASSIFIER_RULE_FILE_H_
