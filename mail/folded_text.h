// Text as it is compared: ASCII letters in lower case, accents taken off Latin letters (UTF-8 and ISO 8859-1 alike:
// "boite pleine"), Cyrillic in lower case, white space and control bytes as blanks, other bytes as they are. Folding
// folded text changes nothing.
//
// Thread: any (pure functions).
#ifndef VERIFYD_MAIL_FOLDED_TEXT_H_
#define VERIFYD_MAIL_FOLDED_TEXT_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace verifyd {

// Appends the folded character at `text[at]` and returns how many bytes of `text` it takes.
size_t FoldCharacter(absl::string_view text, size_t at, std::string& out);

// Appends the folded `text`, each run of blanks as one, until `out` has `max_bytes` or a few more.
void FoldOnto(absl::string_view text, size_t max_bytes, std::string& out);

}  // namespace verifyd

#endif  // VERIFYD_MAIL_FOLDED_TEXT_H_
