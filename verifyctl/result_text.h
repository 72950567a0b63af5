// The answers of the api in words, for people.
#ifndef VERIFYD_VERIFYCTL_RESULT_TEXT_H_
#define VERIFYD_VERIFYCTL_RESULT_TEXT_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "boost/json/fwd.hpp"
#include "verifyd/json/shown_destination.h"
#include "verifyd/json/shown_record.h"
#include "verifyd/json/shown_verdict.h"

namespace verifyd {

// A field, or nothing where it is missing or of another type.
absl::string_view TextField(const boost::json::object& object, absl::string_view name);
double RealField(const boost::json::object& object, absl::string_view name);
int64_t NumberField(const boost::json::object& object, absl::string_view name);
bool FlagField(const boost::json::object& object, absl::string_view name);
// Null where it is missing.
const boost::json::object* ObjectField(const boost::json::object& object, absl::string_view name);
const boost::json::array* ArrayField(const boost::json::object& object, absl::string_view name);

// "3 days", "1 hour", "12 seconds": whole units, the largest that fits.
std::string Rough(absl::Duration duration);

// Shows one result of verify or query: a line with the address and its status, and the grounds below it. Ends with a
// newline.
std::string ResultText(const ShownVerdict& result);
// Shows a dialogue, a line each, below a title.
std::string DialogueText(const ShownDialogue& dialogue);
// Returns "mx.example.com[192.0.2.1]"; empty where no server was asked.
std::string ServerText(const ShownFinding& finding);
// Shows all that is held of an address, for `show`.
std::string HeldText(const ShownHeld& held, absl::Time now);
// Shows one pin or hold, or that one is gone: a line.
std::string PinText(const ShownPin& pin);
// Shows one destination: a line with its name and state, and the reason below it.
std::string DestinationText(const ShownDestination& destination, absl::Time now);
// Shows one domain: a line with what holds for all its addresses; below it, since when and what to do about it.
std::string DomainText(const ShownDomain& domain, absl::Time now);
// Shows the last findings about an address, for `history`.
std::string HistoryText(const ShownHeld& held, absl::Time now);
// Returns an address as other verbs take it, and people read it: quoted where it must be. `key` is without quotes; a
// text that is no address stays as it is.
std::string SpelledAddress(absl::string_view key);
// Returns it as a word of a shell.
std::string ShellWord(absl::string_view key);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_RESULT_TEXT_H_
