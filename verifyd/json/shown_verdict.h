// A verdict as the control socket shows it, and what it is made of. Texts are views of what is shown.
//
// Thread: any (values, pure functions).
#ifndef VERIFYD_VERIFYD_JSON_SHOWN_VERDICT_H_
#define VERIFYD_VERIFYD_JSON_SHOWN_VERDICT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "mail/finding.h"
#include "mail/probe_outcome.h"
#include "mail/verdict.h"
#include "verifyd/json/described.h"

namespace verifyd {

struct ShownFinding {
  absl::string_view reason;
  absl::string_view scope;
  absl::string_view stage;
  absl::string_view rule;
  Sparse<int> code;
  std::string enhanced;
  absl::string_view text;
  absl::string_view mx;
  absl::string_view mx_address;
  absl::Time updated = absl::InfinitePast();
  absl::string_view learned_from;  // where it was no probe
};
BOOST_DESCRIBE_STRUCT(ShownFinding, (),
                      (reason, scope, stage, rule, code, enhanced, text, mx, mx_address, updated, learned_from))

// One line of a dialogue with a server.
struct ShownLine {
  double at_ms = 0;        // since the probe began
  absl::string_view kind;  // note, sent, received
  Always<absl::string_view> text;
};
BOOST_DESCRIBE_STRUCT(ShownLine, (), (at_ms, kind, text))
using ShownDialogue = std::vector<ShownLine>;

// The answer to one question; `error` in place of all but the address, where that is none.
struct ShownVerdict {
  absl::string_view address;  // as it was asked for
  absl::string_view error;
  absl::string_view status;
  absl::string_view state;   // known, in_progress, not_cached, not_verifiable
  absl::string_view source;  // none, pin, domain, cache, probe
  Flat<ShownFinding> finding;
  // Only for a known address.
  std::optional<int64_t> age_s;
  std::optional<bool> refreshing;
  Sparse<bool> grace;
  absl::Time deferred_since = absl::InfinitePast();
  Sparse<ShownDialogue> transcript;
};
BOOST_DESCRIBE_STRUCT(ShownVerdict, (),
                      (address, error, status, state, source, finding, age_s, refreshing, grace, deferred_since,
                       transcript))

ShownFinding Shown(const Finding& finding);
ShownDialogue Shown(const std::vector<DialogueLine>& lines);
ShownVerdict Shown(absl::string_view address, const Verdict& verdict);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_JSON_SHOWN_VERDICT_H_
