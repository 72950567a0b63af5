// The names of Postfix's parameters: those of Postfix 3.7 as `postconf -d` lists them and those that came later, in
// postfix_parameters.txt, and those that each transport of master.cf has (NAME_destination_concurrency_limit, ...).
//
// Thread: any.
#ifndef VERIFYD_VERIFYD_SETTINGS_POSTFIX_PARAMETERS_H_
#define VERIFYD_VERIFYD_SETTINGS_POSTFIX_PARAMETERS_H_

#include "absl/strings/string_view.h"

namespace verifyd {

// A name that Postfix itself has.
bool IsPostfixParameter(absl::string_view name);
// A name that a transport has, whatever it is called.
bool IsTransportParameter(absl::string_view name);

// postfix_parameters.txt, as it was when this was built.
absl::string_view PostfixParameterNames();

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_SETTINGS_POSTFIX_PARAMETERS_H_
