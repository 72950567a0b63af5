// The classifier: it says what a server's reply means. It decides *whom the reply is about* before anything else. Only
// a reply about the address (or certain facts about its domain) can make an address undeliverable, and a 4yz never does
// (RFC 5321 section 4.2.1). The classifier enforces the second itself, whatever a rule says.
//
// The address that was asked about is not part of what the server says (classifier/marks.h).
//
// Order of the rules (classifier/rules.txt): refusals whose text says what is refused; a reply quoted within the reply
// is judged in its place ("said: 550 ..."), but an outer 4yz stays temporary; words about us (listed, blocked, PTR,
// reputation); session limits; quota; unknown user; enhanced code; class digit.
//
// Thread: any (immutable once made).
#ifndef VERIFYD_CLASSIFIER_CLASSIFIER_H_
#define VERIFYD_CLASSIFIER_CLASSIFIER_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/pattern_set.h"
#include "classifier/marks.h"
#include "classifier/reply_text.h"
#include "classifier/rule_file.h"
#include "mail/event.h"
#include "mail/finding.h"
#include "mail/reply.h"

namespace verifyd {

struct Classification {
  Deliverability deliverability = Deliverability::kUnknown;
  // kNone: a 2yz or 3yz before RCPT that no rule covers; the dialogue goes on.
  Reason reason = Reason::kNone;
  Scope scope = Scope::kSession;
  // The rule's id, "event.NAME", or "no_rule" where a rule file leaves a reply open.
  std::string rule;
};

// Returns the classification of a `reason` that no reply and no event gave; `rule` names its origin.
Classification ClassificationOf(Reason reason, absl::string_view rule);
// Returns the finding of `meaning`, made at `when`; `text` is made printable and cut.
Finding ToFinding(const Classification& meaning, Stage stage, absl::string_view text, absl::Time when);

class Classifier {
 public:
  // Returns the rules compiled in. They are tested; making them can not fail.
  static std::shared_ptr<const Classifier> BuiltIn();
  // Takes the rules of another file, whole or not at all; every example in it is tried. Errors name file, line, what
  // was found and what was expected.
  static absl::StatusOr<std::shared_ptr<const Classifier>> FromRules(absl::string_view file_name,
                                                                     absl::string_view rules);

  // Takes the rules of the file at `path`.
  static absl::StatusOr<std::shared_ptr<const Classifier>> FromFile(const std::string& path);

  // The rule of an ambiguous reply: its meaning depends on whether some words are the server's or the address that it
  // names.
  static constexpr absl::string_view kAmbiguous = "address.ambiguous";
  // The rule of a reply that calls the address too long. About an address within RFC 5321 section 4.5.3.1 such a reply
  // says nothing.
  static constexpr absl::string_view kTooLong = "address.too_long";

  // Classifies `reply` at `stage`. `mx_name` may be empty. Text in `marks` is never taken for words of the server:
  // where a reply can be read in several ways with different meanings, the address stays unknown (kMailboxTemporary)
  // and nothing else is concluded. Only the session knows whether STARTTLS or HELO is worth a second try: it asks here
  // about a reply that ends the dialogue. Linear in the length of the reply.
  Classification Classify(Stage stage, const Reply& reply, absl::string_view mx_name, const Marks& marks) const;
  // Explains how Classify decides: a line for the judged text, one for each rule whose words were found but that does
  // not decide, and one for the rule that does. For people; slower than Classify.
  std::vector<std::string> Explain(Stage stage, const Reply& reply, absl::string_view mx_name,
                                   const Marks& marks) const;
  // Classifies an event; the rule is "event.NAME".
  static Classification Classify(Event event, Stage stage);

  // Returns true where `reply`, which means `meaning`, does not end the dialogue: anything but a refusal before RCPT,
  // and refusals that a session answers with another command (HELO, STARTTLS, MAIL without parameters) or may ignore
  // (STARTTLS, QUIT).
  static bool DialogueGoesOn(Stage stage, const Reply& reply, const Classification& meaning);

  const std::vector<Rule>& rules() const { return file_.rules; }

 private:
  struct Conditions {
    // Numbers of a rule's patterns.
    std::optional<size_t> any;
    std::vector<size_t> all;
    std::optional<size_t> unless;
    unsigned code_classes = 0;  // bit N: codes that begin with N
    bool Hold(const PatternHits& hits) const;
  };
  struct Decision {
    const Rule* rule = nullptr;
    Reason reason = Reason::kNone;
  };

  explicit Classifier(RuleFile file) : file_(std::move(file)) {}
  absl::Status CompilePatterns(absl::string_view file_name);
  absl::Status TryExamples(absl::string_view file_name) const;
  Classification MeaningOf(Stage stage, const JudgedReply& reply, absl::string_view mx_name) const;
  // `explanation` may be null.
  Decision Decide(Stage stage, const JudgedReply& reply, absl::string_view mx_name, int quotes_left,
                  std::vector<std::string>* explanation) const;
  // Names the condition of the rule that does not hold; empty: all do.
  absl::string_view Mismatch(size_t number, Stage stage, const JudgedReply& reply, absl::string_view mx_name,
                             const PatternHits& hits) const;
  void ExplainRule(size_t number, Stage stage, const JudgedReply& reply, const PatternHits& hits,
                   absl::string_view mismatch, std::vector<std::string>& explanation) const;

  RuleFile file_;
  PatternSet patterns_;
  std::vector<Conditions> conditions_;  // beside file_.rules
};

}  // namespace verifyd

#endif  // VERIFYD_CLASSIFIER_CLASSIFIER_H_
