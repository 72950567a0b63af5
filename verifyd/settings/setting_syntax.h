// The syntax of verifyd.cf: Postfix's own (postconf(5)): `name = value`, continuation lines by leading white space,
// comments by '#', and $name, ${name}, ${name?value}, ${name:value}, ${name?{value}:{value}} in values.
//
// Thread: any (pure functions).
#ifndef VERIFYD_VERIFYD_SETTINGS_SETTING_SYNTAX_H_
#define VERIFYD_VERIFYD_SETTINGS_SETTING_SYNTAX_H_

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace verifyd {

struct Assignment {
  std::string name;
  std::string value;  // not expanded; continuation lines joined by one space
  std::string where;  // "FILE:LINE", for messages
  friend bool operator==(const Assignment&, const Assignment&) = default;
};

// Returns all assignments of a file, in order. `errors` gets a line for each line that is none: it names file, line,
// what was found and what was expected.
std::vector<Assignment> ReadSettingLines(absl::string_view file_name, absl::string_view text,
                                         std::vector<std::string>& errors);
// The same, with all errors in one.
absl::StatusOr<std::vector<Assignment>> ParseSettingFile(absl::string_view file_name, absl::string_view text);
// Parses one `name = value` of a command line (-o).
absl::StatusOr<Assignment> ParseSettingOption(absl::string_view text);

// Returns `value` with its references replaced. `look_up` gives the unexpanded value of a name, or an error for a name
// that it does not know. "$$" is a dollar. Bounded: at most 100 levels, 64 KiB of result. Errors say which reference
// could not be followed; Aborted: there are too many levels, as where a reference leads back to itself.
absl::StatusOr<std::string> ExpandSetting(absl::string_view value,
                                          absl::FunctionRef<absl::StatusOr<std::string>(absl::string_view)> look_up);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_SETTINGS_SETTING_SYNTAX_H_
