#include "classifier/rule_file.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "classifier/built_in_rules.h"
#include "classifier/classifier.h"
#include "tests/status_matchers.h"

namespace verifyd {
namespace {

constexpr char kRule[] =
    "rule a.b\n"
    "  stage rcpt\n"
    "  code 5yz\n"
    "  text unknown\n"
    "  reason no_such_user\n"
    "  match rcpt 550 unknown\n";

// A file of one rule with `line` put in as its line 3, or instead of the line that begins with `instead`.
std::string FileWith(absl::string_view line, absl::string_view instead = "") {
  std::string file = "verifyd-rules 1\nunwrap\n";
  for (absl::string_view each : absl::StrSplit(kRule, '\n', absl::SkipEmpty())) {
    const bool replaced = !instead.empty() && absl::StrContains(each, instead);
    absl::StrAppend(&file, replaced ? line : each, "\n");
    if (instead.empty() && absl::StartsWith(each, "rule")) absl::StrAppend(&file, line, "\n");
  }
  return file;
}

absl::Status Read(absl::string_view text) { return Classifier::FromRules("f", text).status(); }

TEST(RuleFileTest, ReadsARuleWithAllItsKeys) {
  const auto file =
      ParseRules("f",
                 "verifyd-rules 1\n# words\n\nrule x.y-z_1\n stage rcpt data\n code 45z 550\n enhanced "
                 "5.1.x none\n mx .Example.com\n text a\n text b\n and c\n unless d\n reason no_such_user\n"
                 " reason-4yz no_such_user_temporary\n"
                 " match rcpt mx=mx.example.com 550-5.1.1 a\\n550 5.1.1 \\x63\n not data 550 z\nunwrap\n");
  ASSERT_THAT(file, IsOk());
  ASSERT_EQ(file->rules.size(), 1U);
  EXPECT_EQ(file->unwrap_at, 1U);
  const Rule& rule = file->rules[0];
  EXPECT_EQ(rule.id, "x.y-z_1");
  EXPECT_EQ(rule.line, 4U);
  EXPECT_TRUE(rule.AppliesAt(Stage::kRcpt));
  EXPECT_FALSE(rule.AppliesAt(Stage::kMail));
  ASSERT_EQ(rule.codes.size(), 2U);
  EXPECT_TRUE(rule.codes[0].Matches(459));
  EXPECT_FALSE(rule.codes[0].Matches(460));
  EXPECT_TRUE(rule.enhanced[0].Matches({5, 1, 77}));
  EXPECT_FALSE(rule.enhanced[0].Matches({}));
  EXPECT_TRUE(rule.enhanced[1].Matches({}));
  EXPECT_EQ(rule.mx_suffixes[0], ".example.com");
  EXPECT_EQ(rule.any.size(), 2U);
  EXPECT_EQ(rule.all[0].text, "c");
  EXPECT_EQ(rule.unless[0].line, 12U);
  EXPECT_EQ(rule.reason_4yz, Reason::kNoSuchUserTemporary);
  ASSERT_EQ(rule.examples.size(), 2U);
  EXPECT_EQ(rule.examples[0].mx_name, "mx.example.com");
  EXPECT_EQ(rule.examples[0].reply.lines.size(), 2U);
  EXPECT_FALSE(rule.examples[1].must_match);
}

TEST(RuleFileTest, TheFormatsMarkComesFirst) {
  EXPECT_THAT(Read(""), FailsWith("f:1: found nothing, expected \"verifyd-rules 1\""));
  EXPECT_THAT(Read("verifyd-rules 2\n"), FailsWith("f:1: found \"verifyd-rules 2\", expected \"verifyd-rules 1\""));
}

TEST(RuleFileTest, NamesTheLineWhatWasFoundAndWhatWasExpected) {
  EXPECT_THAT(Read(FileWith("  colour red")), FailsWith("f:4: found \"colour\", expected stage, code"));
  EXPECT_THAT(Read(FileWith("  text")), FailsWith("f:4: found nothing, expected a value behind \"text\""));
  EXPECT_THAT(Read(FileWith("  stage bed", "stage")), FailsWith("f:4: found \"bed\", expected banner"));
  EXPECT_THAT(Read(FileWith("  code 6yz", "code")), FailsWith("f:5: found \"6yz\", expected a code such as"));
  EXPECT_THAT(Read(FileWith("  enhanced 5.1")), FailsWith("f:4: found \"5.1\", expected an enhanced code"));
  EXPECT_THAT(Read(FileWith("  mx example.com")), FailsWith("f:4: found \"example.com\", expected the end of a host"));
  EXPECT_THAT(Read(FileWith("  reason bad_luck", "reason")), FailsWith("f:7: found \"bad_luck\", expected a reason"));
  EXPECT_THAT(Read(FileWith("  stage rcpt")), FailsWith("f:5: found a second \"stage\", expected one a rule"));
  EXPECT_THAT(Read(FileWith("  match rcpt hello")), FailsWith("f:4: found \"hello\", expected a reply"));
  EXPECT_THAT(Read(FileWith("  match rcpt 550 \\q")), FailsWith("expected no escapes but"));
  EXPECT_THAT(Read(FileWith("rule A", "rule")), FailsWith("f:3: found \"A\", expected an id"));
  EXPECT_THAT(Read("verifyd-rules 1\ntext a\n"), FailsWith("f:2: found \"text\", expected \"rule\" or \"unwrap\""));
}

TEST(RuleFileTest, ARuleNeedsItsStageItsReasonAndAnExample) {
  EXPECT_THAT(Read(FileWith("", "stage")), FailsWith("f:3: rule a.b: found no stage"));
  EXPECT_THAT(Read(FileWith("", "reason")), FailsWith("f:3: rule a.b: found no reason"));
  EXPECT_THAT(Read(FileWith("", "match")), FailsWith("f:3: rule a.b: found no example that must match"));
  EXPECT_THAT(Read("verifyd-rules 1\nunwrap\n"), FailsWith("found no rule"));
  EXPECT_THAT(Read(absl::StrCat("verifyd-rules 1\n", kRule)), FailsWith("found no \"unwrap\""));
  EXPECT_THAT(Read(absl::StrCat(FileWith(""), kRule)), FailsWith("expected an id that no rule above has"));
}

TEST(RuleFileTest, NothingMakesATemporaryReplyUndeliverable) {
  EXPECT_THAT(Read(FileWith("  code 4yz", "code")), FailsWith("found no_such_user for a code that is not 5yz"));
  EXPECT_THAT(Read(FileWith("", "code")), FailsWith("found no_such_user for a code that is not 5yz"));
  EXPECT_THAT(Read(FileWith("  code 250", "code")), FailsWith("found no_such_user for a code that is not 5yz"));
  EXPECT_THAT(Read(FileWith("  code 5yz 4yz\n  reason-4yz mailbox_disabled", "code")),
              FailsWith("found mailbox_disabled, expected a reason that is not undeliverable"));
}

TEST(RuleFileTest, NothingBeforeRcptMakesAnAddressUndeliverable) {
  EXPECT_THAT(Read(FileWith("  stage mail rcpt", "stage")), FailsWith("found no_such_user before RCPT"));
  EXPECT_THAT(Read(FileWith("  stage any", "stage")), FailsWith("found no_such_user before RCPT"));
}

TEST(RuleFileTest, ABrokenPatternIsNamedWithItsLine) {
  EXPECT_THAT(Read(FileWith("  text (", "text")), FailsWith("f:6: found \"(\", expected a pattern in RE2's syntax"));
  EXPECT_THAT(Read(FileWith("  text ((a{100}){100}){100}", "text")), FailsWith("f:6: found"));
}

TEST(RuleFileTest, AnExampleThatIsDecidedOtherwiseRefusesTheFile) {
  EXPECT_THAT(Read(FileWith("  match rcpt 550 known")),
              FailsWith("f:4: found the example decided by no_rule, expected a.b"));
  EXPECT_THAT(Read(FileWith("  not rcpt 550 unknown")),
              FailsWith("f:4: found the example decided by a.b, expected another rule"));
}

TEST(RuleFileTest, SizesAreBounded) {
  EXPECT_THAT(Read(std::string(kMaxRuleFile + 1, '#')), FailsWith("expected at most 1 MiB"));
  EXPECT_THAT(Read(absl::StrCat("verifyd-rules 1\n#", std::string(kMaxRuleLine, 'x'))), FailsWith("at most 2000"));
  std::string many = "verifyd-rules 1\nrule a\nstage rcpt\n";
  for (size_t i = 0; i <= kMaxPatterns; ++i) many += "text a\n";
  EXPECT_THAT(Read(many), FailsWith("one pattern more"));
}

TEST(RuleFileTest, TheBuiltInRulesAreWholeAndEveryExampleHolds) {
  EXPECT_THAT(Classifier::FromRules("rules.txt", BuiltInRules()), IsOk());
  EXPECT_GT(Classifier::BuiltIn()->rules().size(), 80U);
}

}  // namespace
}  // namespace verifyd
