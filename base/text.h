// Text at the border: it makes text fit to be logged or passed on, and reads lists and durations as Postfix writes
// them.
//
// Thread: any (pure functions).
#ifndef VERIFYD_BASE_TEXT_H_
#define VERIFYD_BASE_TEXT_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace verifyd {

// Returns `text` with everything that PrintableLength does not take replaced by '?', cut to at most `max_bytes` without
// splitting a character. Text from the network goes through here before it is logged, stored or passed on.
std::string Printable(absl::string_view text, size_t max_bytes);

// Returns the length in bytes of the character at the start of `text` if a terminal shows it and nothing else moves:
// well-formed UTF-8, no control character, no separator of lines or paragraphs (U+2028, U+2029), no character that
// changes the direction of text (U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069), and no other invisible
// character that joins nothing (U+200B, U+2060 to U+2065, U+206A to U+206F, U+FEFF). 0 for everything else.
size_t PrintableLength(absl::string_view text);

// Returns `text` with a '?' for each character beyond ASCII: for an SMTP client that has not asked for SMTPUTF8.
std::string AsciiText(absl::string_view text);

// Returns the length in bytes of the well-formed UTF-8 character at the start of `text`; 0 where there is none (RFC
// 3629).
size_t Utf8Length(absl::string_view text);

// Returns true if `text` is well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates).
bool IsUtf8(absl::string_view text);

// Returns the items of a list separated by commas or white space, as in main.cf. Braces keep an item together: "{a, b}"
// is one.
std::vector<absl::string_view> SplitList(absl::string_view text);

// Parses a time with Postfix's unit letters: "3s", "15m", "12h", "31d", "2w". A bare number takes `default_unit` (one
// of "smhdw"). Errors name the text and what was expected.
absl::StatusOr<absl::Duration> ParseTimeValue(absl::string_view text, char default_unit = 's');
// Returns the shortest exact form in one unit: "31d", "90s", "1500ms" where whole seconds are not exact.
std::string FormatTimeValue(absl::Duration d);

// Case-insensitive, ASCII only. Returns true if `name` is `domain` or, where `domain` begins with a dot, below it.
bool DomainMatches(absl::string_view name, absl::string_view domain);

}  // namespace verifyd

#endif  // VERIFYD_BASE_TEXT_H_
