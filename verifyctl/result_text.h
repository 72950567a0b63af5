// The api's JSON in words, for people.
#ifndef VERIFYD_VERIFYCTL_RESULT_TEXT_H_
#define VERIFYD_VERIFYCTL_RESULT_TEXT_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "boost/json/fwd.hpp"

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
std::string ResultText(const boost::json::object& result);
// Shows the dialogue of a result, from its "transcript", a line each; nothing where it has none.
std::string DialogueText(const boost::json::object& result);
// Shows all that is held of an address, for `show`.
std::string HeldText(const boost::json::object& held, absl::Time now);
// Shows one pin or hold, or that one is gone: a line.
std::string PinText(const boost::json::object& pin);
// Shows one destination: a line with its name and state, and the reason below it.
std::string DestinationText(const boost::json::object& destination, absl::Time now);
// Shows one domain: a line with what holds for all its addresses; below it, since when and what to do about it.
std::string DomainText(const boost::json::object& domain, absl::Time now);
// Shows the last findings about an address, for `history`.
std::string HistoryText(const boost::json::object& held, absl::Time now);
// Returns an address as other verbs take it, and people read it: quoted where it must be. `key` is without quotes; a
// text that is no address stays as it is.
std::string SpelledAddress(absl::string_view key);
// Returns it as a word of a shell.
std::string ShellWord(absl::string_view key);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_RESULT_TEXT_H_
