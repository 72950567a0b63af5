#include "classifier/classifier.h"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/input_file.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "classifier/built_in_rules.h"
#include "classifier/reason.h"
#include "mail/address.h"

namespace verifyd {
namespace {

// A gateway may quote a gateway that quotes a gateway.
constexpr int kMaxQuotes = 4;

// RFC 5321 section 4.5.3.1. A path has 256 octets, < and > among them.
constexpr size_t kMaxLocalPart = 64;
constexpr size_t kMaxWhole = 254;

// Returns true if every server must take an address of that length.
bool IsShort(const Address& address) {
  return address.local().size() <= kMaxLocalPart && address.ToSmtp().size() <= kMaxWhole;
}

// Returns the temporary form of `reason`.
Reason ForNow(Reason reason) {
  switch (reason) {
    case Reason::kNoSuchUser:
    case Reason::kNoSuchUserPersistent:
      return Reason::kNoSuchUserTemporary;
    case Reason::kMailboxFullPermanent:
      return Reason::kMailboxFull;
    case Reason::kRelayDenied:
      return Reason::kRelayDeniedTemporary;
    case Reason::kSenderRejected:
      return Reason::kSenderRejectedTemporary;
    case Reason::kSenderAuthFailed:
      return Reason::kSenderAuthTemporary;
    default:
      break;
  }
  const ReasonRow& row = RowOf(reason);
  if (row.deliverability != Deliverability::kUndeliverable) return reason;
  return row.scope == Scope::kDomain ? Reason::kDnsTemporary : Reason::kMailboxTemporary;
}

// Returns true if both say as much about the address and lead to the same action. Different reasons about anything else
// never mean the same, as each is handled in its own way.
bool MeanTheSame(const Classification& a, const Classification& b) {
  if (a.reason == b.reason) return true;
  if (a.reason == Reason::kNone || b.reason == Reason::kNone) return false;
  const ReasonRow& one = RowOf(a.reason);
  const ReasonRow& other = RowOf(b.reason);
  return one.scope == Scope::kAddress && other.scope == Scope::kAddress && one.deliverability == other.deliverability &&
         one.inbound == other.inbound && one.sender == other.sender && one.outbound == other.outbound;
}

std::string EitherOf(const std::vector<RuleText>& patterns) {
  std::string either;
  for (const RuleText& pattern : patterns) {
    absl::StrAppend(&either, either.empty() ? "" : "|", "(?:", pattern.text, ")");
  }
  return either;
}

absl::Status PatternError(absl::string_view file_name, const RuleText& pattern, const absl::Status& status) {
  return absl::InvalidArgumentError(absl::StrCat(file_name, ":", pattern.line, ": found \"", pattern.text,
                                                 "\", expected a pattern in RE2's syntax (", status.message(), ")"));
}

}  // namespace

Classification ClassificationOf(Reason reason, absl::string_view rule) {
  Classification result{.reason = reason, .rule = std::string(rule)};
  if (reason == Reason::kNone) return result;
  const ReasonRow& row = RowOf(reason);
  result.deliverability = row.deliverability;
  result.scope = row.scope;
  return result;
}

Finding ToFinding(const Classification& meaning, Stage stage, absl::string_view text, absl::Time when) {
  Finding finding;
  finding.deliverability = meaning.deliverability;
  finding.reason = meaning.reason;
  finding.scope = meaning.scope;
  finding.stage = stage;
  finding.rule = meaning.rule;
  finding.text = Printable(text, Finding::kMaxText);
  finding.when = when;
  return finding;
}

bool Classifier::Conditions::Hold(const PatternHits& hits) const {
  if (any.has_value() && !hits.Has(*any)) return false;
  if (unless.has_value() && hits.Has(*unless)) return false;
  return std::all_of(all.begin(), all.end(), [&](size_t number) { return hits.Has(number); });
}

std::shared_ptr<const Classifier> Classifier::BuiltIn() {
  static const std::shared_ptr<const Classifier>& classifier = *[] {
    auto made = FromRules("rules.txt", BuiltInRules());
    if (!made.ok()) {
      std::fprintf(stderr, "classifier/rules.txt: %s\n", made.status().ToString().c_str());
      std::abort();
    }
    return new std::shared_ptr<const Classifier>(*std::move(made));
  }();
  return classifier;
}

absl::StatusOr<std::shared_ptr<const Classifier>> Classifier::FromRules(absl::string_view file_name,
                                                                        absl::string_view rules) {
  ASSIGN_OR_RETURN(RuleFile file, ParseRules(file_name, rules));
  const std::shared_ptr<Classifier> classifier(new Classifier(std::move(file)));
  RETURN_IF_ERROR(classifier->CompilePatterns(file_name));
  RETURN_IF_ERROR(classifier->TryExamples(file_name));
  return classifier;
}

absl::StatusOr<std::shared_ptr<const Classifier>> Classifier::FromFile(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadInputFile(path, kMaxRuleFile));
  return FromRules(path, text);
}

absl::Status Classifier::CompilePatterns(absl::string_view file_name) {
  // Alternatives become one pattern of the set. Each is compiled alone before that, so that an error has its line.
  const auto add_either = [&](const std::vector<RuleText>& either, std::optional<size_t>& number) -> absl::Status {
    if (either.empty()) return absl::OkStatus();
    for (const RuleText& pattern : either) {
      const absl::Status status = PatternSet().Add(pattern.text).status();
      if (!status.ok()) return PatternError(file_name, pattern, status);
    }
    const absl::StatusOr<size_t> added = patterns_.Add(EitherOf(either));
    if (!added.ok()) return PatternError(file_name, either.front(), added.status());
    number = *added;
    return absl::OkStatus();
  };
  for (const Rule& rule : file_.rules) {
    Conditions conditions;
    RETURN_IF_ERROR(add_either(rule.any, conditions.any));
    RETURN_IF_ERROR(add_either(rule.unless, conditions.unless));
    for (const RuleText& pattern : rule.all) {
      std::optional<size_t> number;
      RETURN_IF_ERROR(add_either({pattern}, number));
      conditions.all.push_back(*number);
    }
    // A code pattern begins with a digit.
    for (const CodePattern& code : rule.codes) conditions.code_classes |= 1U << code.low / 100U;
    conditions_.push_back(std::move(conditions));
  }
  const absl::Status status = patterns_.Compile();
  if (!status.ok()) return absl::ResourceExhaustedError(absl::StrCat(file_name, ": ", status.message()));
  return absl::OkStatus();
}

absl::Status Classifier::TryExamples(absl::string_view file_name) const {
  constexpr size_t kMaxErrors = 20;
  std::vector<std::string> errors;
  for (const Rule& rule : file_.rules) {
    for (const RuleExample& example : rule.examples) {
      const Classification result = Classify(example.stage, example.reply, example.mx_name, Marks{});
      if ((result.rule == rule.id) == example.must_match) continue;
      errors.push_back(absl::StrCat(file_name, ":", example.line, ": found the example decided by ",
                                    result.rule.empty() ? "no rule" : result.rule, ", expected ",
                                    example.must_match ? rule.id : "another rule"));
      if (errors.size() == kMaxErrors) return absl::InvalidArgumentError(absl::StrJoin(errors, "\n"));
    }
  }
  return errors.empty() ? absl::OkStatus() : absl::InvalidArgumentError(absl::StrJoin(errors, "\n"));
}

absl::string_view Classifier::Mismatch(size_t number, Stage stage, const JudgedReply& reply, absl::string_view mx_name,
                                       const PatternHits& hits) const {
  const Rule& rule = file_.rules[number];
  const Conditions& conditions = conditions_[number];
  if (!rule.AppliesAt(stage)) return "stage";
  if (!conditions.Hold(hits)) {
    return conditions.unless.has_value() && hits.Has(*conditions.unless) ? "its unless words stand there" : "words";
  }
  const auto code_matches = [&](const CodePattern& code) { return code.Matches(reply.code); };
  if (std::none_of(rule.codes.begin(), rule.codes.end(), code_matches)) return "code";
  const auto enhanced_matches = [&](const EnhancedPattern& pattern) { return pattern.Matches(reply.enhanced); };
  if (!rule.enhanced.empty() && std::none_of(rule.enhanced.begin(), rule.enhanced.end(), enhanced_matches)) {
    return "enhanced code";
  }
  const auto mx_matches = [&](const std::string& suffix) { return absl::EndsWithIgnoreCase(mx_name, suffix); };
  if (!rule.mx_suffixes.empty() && std::none_of(rule.mx_suffixes.begin(), rule.mx_suffixes.end(), mx_matches)) {
    return "MX name";
  }
  return "";
}

Classifier::Decision Classifier::Decide(Stage stage, const JudgedReply& reply, absl::string_view mx_name,
                                        int quotes_left, std::vector<std::string>* explanation) const {
  const PatternHits hits = patterns_.Match(reply.text);
  const bool temporary = reply.code / 100 == 4;
  if (explanation != nullptr) {
    explanation->push_back(absl::StrCat("judged as: ", reply.code, " ", reply.enhanced.ToString(), " \"",
                                        Printable(reply.text, 250), "\""));
  }
  Decision decision;
  for (size_t i = 0; i < file_.rules.size() && decision.rule == nullptr; ++i) {
    if (i == file_.unwrap_at && quotes_left > 0 && reply.code >= 400) {
      if (const std::optional<JudgedReply> quoted = QuotedIn(reply)) {
        if (explanation != nullptr) explanation->emplace_back("quotes another reply, which is judged in its place");
        decision = Decide(stage, *quoted, "", quotes_left - 1, explanation);
        break;
      }
    }
    // Skip early: most rules do not apply to most replies.
    const bool concerned =
        file_.rules[i].AppliesAt(stage) && (conditions_[i].code_classes >> (reply.code / 100) & 1U) != 0;
    if (!concerned && explanation == nullptr) continue;
    const absl::string_view mismatch = Mismatch(i, stage, reply, mx_name, hits);
    if (explanation != nullptr) ExplainRule(i, stage, reply, hits, mismatch, *explanation);
    if (!mismatch.empty()) continue;
    const Rule& rule = file_.rules[i];
    decision = {&rule, temporary && rule.reason_4yz != Reason::kNone ? rule.reason_4yz : rule.reason};
  }
  if (temporary && decision.rule != nullptr) {
    const Reason as_said = decision.reason;
    decision.reason = ForNow(decision.reason);
    if (explanation != nullptr && decision.reason != as_said) {
      explanation->push_back(
          absl::StrCat("a 4yz is never final: ", ReasonName(as_said), " becomes ", ReasonName(decision.reason)));
    }
  }
  return decision;
}

// Names only rules that decide, and rules whose words were found.
void Classifier::ExplainRule(size_t number, Stage stage, const JudgedReply& reply, const PatternHits& hits,
                             absl::string_view mismatch, std::vector<std::string>& explanation) const {
  const Rule& rule = file_.rules[number];
  const Conditions& conditions = conditions_[number];
  if (!mismatch.empty()) {
    if (conditions.any.has_value() && hits.Has(*conditions.any) && rule.AppliesAt(stage)) {
      explanation.push_back(absl::StrCat("passed over ", rule.id, ": ", mismatch));
    }
    return;
  }
  std::string why = absl::StrCat("decided by ", rule.id, " (", number + 1, " of ", file_.rules.size(), "): code");
  if (!rule.enhanced.empty()) absl::StrAppend(&why, ", enhanced code");
  if (!rule.mx_suffixes.empty()) absl::StrAppend(&why, ", MX name");
  const auto add_words = [&](const std::vector<RuleText>& patterns) {
    for (const RuleText& pattern : patterns) {
      PatternSet alone;
      if (!alone.Add(pattern.text).ok() || !alone.Compile().ok() || !alone.Match(reply.text).Has(0)) continue;
      absl::StrAppend(&why, ", words /", pattern.text, "/");
    }
  };
  add_words(rule.any);
  add_words(rule.all);
  explanation.push_back(std::move(why));
}

std::vector<std::string> Classifier::Explain(Stage stage, const Reply& reply, absl::string_view mx_name,
                                             const Marks& marks) const {
  std::vector<std::string> explanation;
  bool too_long = false;
  for (const JudgedReply& reading : ReadingsOf(reply, marks)) {
    const Rule* const rule = Decide(stage, reading, mx_name, kMaxQuotes, &explanation).rule;
    if (rule == nullptr) explanation.emplace_back("no rule decides");
    too_long |= rule != nullptr && rule->id == kTooLong;
  }
  if (Classify(stage, reply, mx_name, marks).rule == kAmbiguous) {
    explanation.emplace_back(too_long
                                 ? "the address is no longer than every server must take"
                                 : "the words may be the address's or the server's, and they do not mean the same");
  }
  return explanation;
}

Classification Classifier::MeaningOf(Stage stage, const JudgedReply& reply, absl::string_view mx_name) const {
  const Decision decision = Decide(stage, reply, mx_name, kMaxQuotes, nullptr);
  if (decision.rule != nullptr) return ClassificationOf(decision.reason, decision.rule->id);
  if (reply.code < 400 && stage < Stage::kRcpt) return {};
  return ClassificationOf(Reason::kProtocolError, "no_rule");
}

Classification Classifier::Classify(Stage stage, const Reply& reply, absl::string_view mx_name,
                                    const Marks& marks) const {
  const Readings readings = ReadingsOf(reply, marks);
  Classification meaning = MeaningOf(stage, readings.front(), mx_name);
  if (meaning.rule == kTooLong && marks.recipient != nullptr && IsShort(*marks.recipient)) {
    return ClassificationOf(Reason::kMailboxTemporary, kAmbiguous);
  }
  for (size_t i = 1; i < readings.size(); ++i) {
    if (!MeanTheSame(meaning, MeaningOf(stage, readings[i], mx_name))) {
      return ClassificationOf(Reason::kMailboxTemporary, kAmbiguous);
    }
  }
  return meaning;
}

bool Classifier::DialogueGoesOn(Stage stage, const Reply& reply, const Classification& meaning) {
  const bool refused = reply.code_class() >= 4;
  switch (stage) {
    case Stage::kEhlo:
      return !refused || reply.code == 500 || reply.code == 502 || meaning.reason == Reason::kTlsRequired;
    case Stage::kStarttls:
      return true;
    case Stage::kMail:
      return !refused || reply.code == 555 || meaning.reason == Reason::kTlsRequired;
    case Stage::kQuit:
      return true;
    case Stage::kBanner:
      return !refused && meaning.reason == Reason::kNone;
    default:
      return false;
  }
}

Classification Classifier::Classify(Event event, Stage stage) {
  return ClassificationOf(ReasonOf(event, stage), absl::StrCat("event.", EventName(event)));
}

}  // namespace verifyd
