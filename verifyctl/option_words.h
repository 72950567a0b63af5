// Options and arguments of the command line that take one of a few words, or a value of a form: the words judge them,
// and shells complete them.
//
// Thread: main.
#ifndef VERIFYD_VERIFYCTL_OPTION_WORDS_H_
#define VERIFYD_VERIFYCTL_OPTION_WORDS_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace verifyd {

// Returns the words of an option ("--status") or an argument ("STATUS"); empty where it takes any text.
const std::vector<std::string>& WordsOf(absl::string_view name);
// Accepts one of those; the error names the wrong word, and perhaps the one that was meant.
CLI::Validator OneOfItsWords(absl::string_view name);
// Accepts a time like "7d"; `most` at most.
CLI::Validator ATime(absl::Duration most = absl::InfiniteDuration());
// Accepts "example.com", ".example.com".
CLI::Validator ADomain();

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_OPTION_WORDS_H_
