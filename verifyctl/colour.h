// Colours for readers on a terminal (https://no-color.org is heeded, and TERM=dumb).
//
// Thread: any (pure functions), but WantsColours looks at the environment.
#ifndef VERIFYD_VERIFYCTL_COLOUR_H_
#define VERIFYD_VERIFYCTL_COLOUR_H_

#include <string>

#include "absl/strings/string_view.h"

namespace verifyd {

// Returns whether output to this descriptor is to be coloured.
bool WantsColours(int descriptor);

// Returns `text` with the word `status` of its first line coloured by its meaning: good, bad or neither. The word
// stands behind a blank, or at the beginning.
std::string Coloured(absl::string_view text, absl::string_view status);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_COLOUR_H_
