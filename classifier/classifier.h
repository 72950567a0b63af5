// The classifier: what a server's reply means. It decides *whom the reply is about* before anything else: only a reply
// about the address (or certain facts about its domain) can make an address undeliverable, and a 4yz never does (RFC
// 5321 section 4.2.1). The second is enforced here, whatever a rule says.
//
// The address that was asked about is not part of what the server says (classifier/marks.h).
//
// Order of the rules (classifier/rules.txt): what the text says is refused; a reply quoted within the reply is judged
// in its place ("said: 550 ..."), but an outer 4yz stays temporary; words about us (listed, blocked, PTR, reputation);
// session limits; quota; unknown user; enhanced code; class digit.
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
  // kNone: a 2yz or 3yz before RCPT that no rule speaks of; the dialogue goes on.
  Reason reason = Reason::kNone;
  Scope scope = Scope::kSession;
  // The rule's id, "event.NAME", or "no_rule" where a rule file leaves a reply open.
  std::string rule;
};

// What `reason` means where neither a reply nor an event says it; `rule` names what does.
Classification ClassificationOf(Reason reason, absl::string_view rule);
// The finding that says so, at `when`; `text` is made printable and cut.
Finding ToFinding(const Classification& meaning, Stage stage, absl::string_view text, absl::Time when);

class Classifier {
 public:
  // The rules compiled in. They are tested; making them can not fail.
  static std::shared_ptr<const Classifier> BuiltIn();
  // Rules of another file, whole or not at all; every example in it is tried. Errors name file, line, what was found
  // and what was expected.
  static absl::StatusOr<std::shared_ptr<const Classifier>> FromRules(absl::string_view file_name,
                                                                     absl::string_view rules);

  // Rules of the file at `path`.
  static absl::StatusOr<std::shared_ptr<const Classifier>> FromFile(const std::string& path);

  // The rule of a reply that means one thing or another, as words in it are the server's or the address that it names.
  static constexpr absl::string_view kAmbiguous = "address.ambiguous";
  // The rule of a reply that finds the address too long. Of one that is within RFC 5321 section 4.5.3.1 it says
  // nothing.
  static constexpr absl::string_view kTooLong = "address.too_long";

  // What `reply` at `stage` means. `mx_name` may be empty. What `marks` has is never taken for words of the server:
  // where a reply can be read in several ways that do not mean the same, nothing is known of the address
  // (kMailboxTemporary), and nobody else is spoken of. Whether STARTTLS or HELO is worth a second try is for the
  // session to know: it asks here about what ends the dialogue. Linear in the length of the reply.
  Classification Classify(Stage stage, const Reply& reply, absl::string_view mx_name, const Marks& marks) const;
  // How Classify comes to what it says: a line for the text that is judged, for each rule whose words were found but
  // that does not decide, and for the one that does. For people; slower than Classify.
  std::vector<std::string> Explain(Stage stage, const Reply& reply, absl::string_view mx_name,
                                   const Marks& marks) const;
  // What an event means; the rule is "event.NAME".
  static Classification Classify(Event event, Stage stage);

  // Where `reply`, which means `meaning`, does not end the dialogue: what is no refusal before RCPT, and refusals that
  // a session answers with another command (HELO, STARTTLS, MAIL without parameters) or may ignore (STARTTLS, QUIT).
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
  // Which condition of the rule does not hold; empty: all do.
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
